/*
 * Rows of prepared statements, from the packet that the library has received to cells. Pure regime.
 * The library's own conversion is not used: it copies each value once more, and Oracle's believes the lengths in a
 * row, beyond whose end it then reads.
 */
#pragma once

#include <string_view>
#include <vector>

#include "remote/mysql/types.hpp"

namespace tenancy::remote::mysql {

/*
 * A row of the binary protocol (a header byte, a bit per column that is NULL, the other columns' values) into a new
 * row of batch. native: of the kinds that RunOptions::native allows. A packet that is no such row is error 08P01.
 */
void decode_row(const std::vector<Shape> &shapes, std::string_view packet, bool native, Batch &batch);

} // namespace tenancy::remote::mysql
