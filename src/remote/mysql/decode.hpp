/*
 * One value at a time, into a cell that is null so far. Pure regime.
 */
#pragma once

#include <string_view>

#include "remote/mysql/types.hpp"

namespace tenancy::remote::mysql {

/* Throws when it is not what PostgreSQL takes as text. */
void check_text(std::string_view text);

/* A date, a timestamp or a time; native: as a cell of PostgreSQL's own number where there is one. */
void decode_time(Form form, const MYSQL_TIME &time, bool native, Batch &batch, Cell &cell);

void decode_natural(std::uint64_t value, Batch &batch, Cell &cell);

/* A string of any of these forms. */
void decode_string(Form form, unsigned bits, std::string_view value, Batch &batch, Cell &cell);

/* A value of the text protocol. */
void decode_text(const Shape &shape, std::string_view text, Batch &batch, Cell &cell);

} // namespace tenancy::remote::mysql
