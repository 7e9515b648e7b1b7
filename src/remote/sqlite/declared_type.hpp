/*
 * What a declared type of SQLite promises. Pure regime; without SQLite's own header, for readers of its catalog.
 */
#pragma once

#include <cstdint>
#include <string_view>

namespace tenancy::remote::sqlite {

/* The PostgreSQL type that the driver reads a column of that declaration as. */
std::uint32_t type_of_declaration(std::string_view declaration);

} // namespace tenancy::remote::sqlite
