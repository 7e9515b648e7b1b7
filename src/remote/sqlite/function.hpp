/*
 * SQL functions that replace SQLite's own where those could run for hours without a chance to stop them. Pure regime.
 */
#pragma once

#include <sqlite3.h>

namespace tenancy::remote::sqlite {

/* instr, replace and trim, with the same results, in time linear to their arguments. False when SQLite refuses. */
bool install_functions(sqlite3 *database) noexcept;

/*
 * SQLite keeps any value in any column. For statements that mean a column as PostgreSQL would:
 *
 *   tenancy_int(x), tenancy_text(x), tenancy_blob(x)
 *                              x, which has to be of that storage class; text also UTF-8 without zero bytes
 *   tenancy_real(x)            x as a real number, of which integers are some
 *   tenancy_num(x)             x, an integer or a real number
 *   tenancy_bool(x)            x as 0 or 1: one of these, or text that PostgreSQL reads as a boolean
 *   tenancy_is_date(x), tenancy_is_timestamp(x)
 *                              whether x is NULL or text in the one form by which such values compare and group
 *                              as text: 'YYYY-MM-DD' and 'YYYY-MM-DD HH:MM:SS[.f]', f without a last 0
 *
 * NULL passes. Anything else is an error, 22P02 by error.cpp.
 */
bool install_typed_functions(sqlite3 *database) noexcept;

} // namespace tenancy::remote::sqlite
