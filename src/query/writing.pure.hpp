/*
 * Which statements say themselves that they write. Pure regime.
 */
#pragma once

#include <string_view>

#include "remote/driver.hpp"

namespace tenancy::query {

/*
 * True for all that does not begin as a query does, and for WITH and EXPLAIN with INSERT, UPDATE, DELETE or MERGE. What
 * a function that a query calls may write cannot be seen here. Such a statement is read to its end, whatever is kept of
 * its rows: to stop it would undo it, or half of it.
 */
bool tells_to_write(remote::DatabaseType type, std::string_view sql) noexcept;

} // namespace tenancy::query
