/*
 * Text from outside for people to read, in the encoding of a database that may not have all of its characters.
 * PG regime.
 */
#pragma once

#include <string_view>

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/*
 * UTF-8 in the server's encoding: what that lacks, or is no UTF-8, becomes question marks. Raises nothing but for want
 * of memory, and works outside of transactions too. A copy in CurrentMemoryContext.
 */
char *readable(std::string_view utf8);

/* Is that text of the server's all in its encoding, and has it a form in UTF-8? Raises as readable(). */
bool has_utf8(std::string_view text);

} // namespace tenancy::bridge
