/*
 * Words that deny by how they begin: "inactive" is "not active". Pure regime.
 */
#pragma once

#include <vector>

#include "ask/lexicon.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

/* The question with such words in two, where the schema has a flag of that name and nothing of the word itself. */
std::vector<Word> with_denials_apart(const Lexicon &lexicon, const std::vector<Word> &words);

} // namespace tenancy::ask
