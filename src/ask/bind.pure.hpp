/*
 * Which table and column a noun means, seen from the rows that a query is about. Pure regime.
 */
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ask/draft.pure.hpp"
#include "ask/paths.pure.hpp"

namespace tenancy::ask {

/* Rows that conditions may be about: the base's, those of a table above it, those of a related table. */
struct Scope {
	int table;
	Path path;        /* from the base, when related is -1 */
	int related = -1; /* index in the query's related */
	int named = -1;   /* the table that the question named, where a condition led on from it */
};

/* A column seen from a scope: path climbs from the scope's table. */
struct Target {
	std::size_t scope = 0;
	Path path;
	Ref ref;
};

class Binder {
public:
	Binder(const Lexicon &of, Query &out, const Hints &hinted) : lexicon(of), query(out), hints(hinted) {}

	void begin(int base);
	/* several: the word names more of its rows than one, of which something may be said. */
	void enter(int table, const Path &path, bool several);
	/* A table named in passing: true when rows of it, or rows that it is above of, are known from the words before. */
	bool names(int table, bool several);

	/* Opens the scope of other rows; the whole way must not climb. */
	void relate(int table, Op op, const std::string &count);
	/* What a clause says of the rows that the word before it named: true when their condition has taken it in. */
	bool leads_on(int table, const Clause &clause);

	Target column(const Refs &candidates, const std::string &word, Tie tie = Tie::none);
	/* The same, but nothing where it would be a column of rows that no word was about so far. */
	std::optional<Target> near(const Refs &candidates, const std::string &word) const;
	/* Is it a column of other rows, of which there may be many? */
	bool is_of_many(const Target &target) const { return scopes[target.scope].related >= 0; }
	/* No rows that are so: a condition of its own, which no later one adds to. */
	void deny(const Refs &candidates, const std::string &word, Filter filter);
	/* Dates: of the verb's candidates, or the only one that a bare date can mean. */
	Target date(const Refs &candidates, const std::string &word);
	/* From the base; throws Refusal when the column is not of one row there. */
	Place place(const Refs &candidates, const std::string &word);
	Place date_place(const Refs &candidates, const std::string &word);
	/* Of rows of which there have to be some, or only of one for each row of the base? */
	bool is_about_some(const Target &target) const;
	void add(Filter filter, const Target &target);

	const std::vector<Scope> &all() const { return scopes; }

private:
	std::optional<Target> own(const Refs &candidates, const std::string &word) const;
	std::optional<Target> above(const Refs &candidates, const std::string &word) const;
	Target elsewhere(const Refs &candidates, const std::string &word, Tie tie);
	void refuse_of_related(const Refs &candidates, const std::string &word) const;
	void refuse_of_later(const Target &found, const std::string &word) const;
	/* Does the scope stand for rows that are not there? */
	bool is_missing(std::size_t scope) const;
	void refuse_owner(int table, const Clause &clause) const;
	/* Is the clause said of the rows that the last scope named? Throws Refusal where it is of some of them only. */
	bool narrows_last(int table, const Clause &clause) const;
	void narrow_last(int table);
	[[noreturn]] void refuse_rows(int table, const Clause &clause) const;
	bool has_exact_above(const Refs &candidates) const;
	std::optional<Ref> only_date(int table) const;
	/* The date of related rows: their own, or that of the rows that the question named. */
	std::optional<Target> date_of_related(std::size_t scope, const std::string &word) const;
	void extend(std::size_t scope, const Path &path);

	const Lexicon &lexicon;
	Query &query;
	const Hints &hints;
	std::vector<Scope> scopes;
	std::vector<int> owners; /* tables above, of which the question named several rows: "orders from customers" */
	bool denied = false;     /* rows, whose dates a later one may mean */
};

[[noreturn]] void refuse_ambiguous(const Lexicon &lexicon, const Refs &refs, const std::string &word);

/* The table that a noun names; -1 when there is no telling. act: by a verb. */
int table_of(const Lexicon &lexicon, const Item &item, bool act);

} // namespace tenancy::ask
