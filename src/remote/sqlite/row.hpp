/*
 * SQLite's dynamic types against PostgreSQL's: columns, cells and parameters. Pure regime.
 */
#pragma once

#include <span>
#include <vector>

#include <sqlite3.h>

#include "remote/value.hpp"

namespace tenancy::remote::sqlite {

/*
 * The columns of a statement. A column of a table has the type its declaration promises; an expression has that of
 * its value in the current row when with_row is set, else text.
 */
std::vector<Column> columns_of(sqlite3_stmt *statement, bool with_row);

/*
 * Append the current row. SQLite keeps any value in any column, so each cell says what it really is: an integer, a
 * real number, text or bytes. Nothing is converted here but 0 and 1 of a boolean column: whether 'abc' fits an int8
 * column is for the reader of the batch to decide, where it is an error rather than a quiet 0. With native, bytes in a
 * column of text are an error (22P02) here: there the reader would see their hexadecimal form.
 */
void read_row(sqlite3_stmt *statement, const std::vector<Column> &columns, bool native, Batch &batch);

/*
 * Bind params: ? in order, ?N and $N by number, other names in the order of their first appearance.
 * Throws core::Error 42601 when their number is not what the statement takes.
 */
void bind(sqlite3_stmt *statement, std::span<const Param> params);

} // namespace tenancy::remote::sqlite
