/*
 * Ways from one table to another along foreign keys, and when there is only one that a question can mean. Pure regime.
 */
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ask/lexicon.pure.hpp"

namespace tenancy::ask {

/* What else the question names, to choose between several ways. */
struct Hints {
	std::vector<int> tables;        /* that a way may lead through */
	std::vector<std::string> roles; /* words of foreign key columns: reporter, manager */
};

/* Is a role, a word of the question, one of the words of the step's key? */
bool plays(const Step &step, const std::string &role);

/* Every step leads to at most one row. */
bool climbs(const Path &path);

/* The way that only climbs, when one is the shortest; nothing when there is none. Throws Refusal for two. */
std::optional<Path> climb(const Lexicon &lexicon, int from, int to, const Hints &hints);

/* Any way; throws Refusal when there is none, or no telling which. */
Path find_path(const Lexicon &lexicon, int from, int to, const Hints &hints);

/* The same way back. */
Path reversed(const Path &path);

/* Does it lead to the table, or through it? */
bool meets(const Path &path, int table);

} // namespace tenancy::ask
