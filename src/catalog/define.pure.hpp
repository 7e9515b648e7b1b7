/*
 * May a statement change the schema of the database that it runs on? Pure regime.
 */
#pragma once

#include <string_view>

namespace tenancy::catalog {

/*
 * By its first word, behind comments, in any of the three dialects; SELECT … INTO makes a table in PostgreSQL. True for
 * more than is needed costs one more reading of the schema.
 */
bool may_define(std::string_view sql) noexcept;

} // namespace tenancy::catalog
