/*
 * Words of structure: what counts, compares, groups, denies. Pure regime.
 */
#pragma once

#include <string_view>

#include "ask/items.pure.hpp"

namespace tenancy::ask {

struct Phrase {
	std::string_view words;
	Key key;
	Op op = Op::equal;
	Function function = Function::count;
};

/* Null when there is none. */
const Phrase *find_phrase(std::string_view words);

/* The one word of structure that a misspelled one resembles, or null. */
const Phrase *resembling_phrase(std::string_view word);

} // namespace tenancy::ask
