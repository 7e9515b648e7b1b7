/*
 * A query as SQL, and in words. Pure regime.
 */
#pragma once

#include <string>

#include "ask/query.pure.hpp"

namespace tenancy::ask {

std::string print_query(const Lexicon &lexicon, const Query &query);
std::string describe_query(const Lexicon &lexicon, const Query &query);

} // namespace tenancy::ask
