/*
 * What two statements have in common when they differ only in literals, parameters, comments, white space and the case
 * of letters. Pure regime.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "remote/sql_tokens.hpp"

namespace tenancy::dashboard {

using remote::sql::Dialect;

/*
 * The statement in lower case, with ? for each literal and parameter, and lists of them as one; comments gone, one
 * blank where blanks may be. No piece of a literal is left, also of a statement that no server would take: a quote
 * without its end hides all that follows. In an unknown dialect every quoted text is taken for a literal.
 */
std::string normalized(std::string_view sql, Dialect dialect);

/* The first 64 bits of the SHA-256 of a normalized statement; never 0, which stands for "other statements". */
std::int64_t fingerprint_of(std::string_view normalized_text);

} // namespace tenancy::dashboard
