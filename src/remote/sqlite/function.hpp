/*
 * SQL functions that replace SQLite's own where those could run for hours without a chance to stop them. Pure regime.
 */
#pragma once

#include <sqlite3.h>

namespace tenancy::remote::sqlite {

/* instr and replace, with the same results, in time linear to their arguments. False when SQLite refuses. */
bool install_functions(sqlite3 *database) noexcept;

} // namespace tenancy::remote::sqlite
