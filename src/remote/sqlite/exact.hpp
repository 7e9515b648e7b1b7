/*
 * Functions of SQLite statements whose results are PostgreSQL's, digit by digit and error by error. Pure regime.
 */
#pragma once

#include <sqlite3.h>

namespace tenancy::remote::sqlite {

/*
 *   tenancy_int2(x), tenancy_int4(x), tenancy_int8(x)
 *                           the integer x, in the range of the type; what an overflow has made REAL is outside
 *   tenancy_float8(x)       the real number x, or 'NaN' for the text that PostgreSQL reads as such
 *   tenancy_sum(x)          of integers, without limit: an integer, or its digits as text beyond int64
 *   tenancy_sum_number(x)   the same to compare with: an integer, or a real number beyond int64
 *   tenancy_sum_order(x)    the same to sort by: a blob
 *   tenancy_avg(x)          of integers, as text: a numeric with the scale of PostgreSQL's division
 *   tenancy_sum_real(x), tenancy_avg_real(x)
 *                           of what tenancy_float8 gives, with the errors of float8
 *
 * NULL passes, and does not count; aggregates of nothing are NULL. Anything else is an error: 22P02, 22003.
 */
bool install_exact_functions(sqlite3 *database) noexcept;

} // namespace tenancy::remote::sqlite
