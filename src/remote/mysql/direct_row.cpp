/*
 * Rows straight from the packets that Connector/C has received. Pure regime.
 */
#include "remote/mysql/async.hpp"

#ifdef MARIADB_PACKAGE_VERSION

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "remote/mysql/decode.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/row.hpp"

namespace tenancy::remote::mysql {

namespace {

template <typename Number>
Number
read(const unsigned char *from) noexcept
{
	static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
	Number number;
	std::memcpy(&number, from, sizeof(number));
	return number;
}

std::int64_t
read_integer(const unsigned char *from, std::size_t size, bool natural) noexcept
{
	switch (size) {
	case 1: return natural ? read<std::uint8_t>(from) : read<std::int8_t>(from);
	case 2: return natural ? read<std::uint16_t>(from) : read<std::int16_t>(from);
	case 4: return natural ? std::int64_t{read<std::uint32_t>(from)} : read<std::int32_t>(from);
	default: return read<std::int64_t>(from);
	}
}

/* What is not sent is zero. */
MYSQL_TIME
read_date(const unsigned char *from, std::size_t size) noexcept
{
	MYSQL_TIME time{};
	if (size >= 4) {
		time.year = read<std::uint16_t>(from);
		time.month = from[2];
		time.day = from[3];
	}
	if (size >= 7) {
		time.hour = from[4];
		time.minute = from[5];
		time.second = from[6];
	}
	if (size >= 11)
		time.second_part = read<std::uint32_t>(from + 7);
	return time;
}

MYSQL_TIME
read_time(const unsigned char *from, std::size_t size) noexcept
{
	MYSQL_TIME time{};
	if (size >= 8) {
		time.neg = from[0] != 0;
		time.hour = std::min(read<std::uint32_t>(from + 1), 100u) * 24 + from[5];
		time.minute = from[6];
		time.second = from[7];
	}
	if (size >= 12)
		time.second_part = read<std::uint32_t>(from + 8);
	return time;
}

/* The length that begins with a byte above 250, and its own size; false when the rest of it is missing. */
bool
read_long_length(const unsigned char *place, std::size_t left, std::size_t &head, std::size_t &size) noexcept
{
	switch (place[0]) {
	case 252: head = 3; break;
	case 253: head = 4; break;
	case 254: head = 9; break;
	default: return false;
	}
	size = 0;
	if (head <= left)
		std::memcpy(&size, place + 1, head - 1);
	return head <= left;
}

/*
 * The value at place, which is moved behind it; false when it would reach beyond end, which is as far as the packet
 * may have filled the library's buffer.
 */
inline bool
cut(Wire wire, unsigned char *&place, const unsigned char *end, std::string_view &value) noexcept
{
	auto const left = static_cast<std::size_t>(end - place);
	std::size_t head = 0, size = static_cast<std::size_t>(wire);
	bool whole = true;
	if (wire == Wire::counted) {
		whole = left > 0;
		head = 1;
		size = whole ? place[0] : 0;
		if (size > 250) [[unlikely]]
			whole = read_long_length(place, left, head, size);
	}
	if (!whole || size > left - head) [[unlikely]] {
		place += left;
		return false;
	}
	value = {reinterpret_cast<const char *>(place) + head, size};
	place += head + size;
	return true;
}

} // namespace

void
DirectRow::bind(MYSQL_STMT *stmt, const std::vector<Shape> &shapes)
{
	stmt_ = stmt;
	shapes_ = shapes;
	cells_.assign(shapes.size(), Cell());
	batch_ = nullptr;
	if (mysql_stmt_attr_set(stmt, STMT_ATTR_CB_USER_DATA, this) != 0 ||
	    mysql_stmt_attr_set(stmt, STMT_ATTR_CB_RESULT, reinterpret_cast<const void *>(called)) != 0)
		throw statement_error(report_of(stmt));
}

/* By the library, for each value of a row from the first to the last; no place means NULL. Moves place behind it. */
void
DirectRow::called(void *self, unsigned column, unsigned char **place) noexcept
{
	auto &row = *static_cast<DirectRow *>(self);
	if (row.batch_ == nullptr || column >= row.shapes_.size()) [[unlikely]]
		return row.skip(column, place);
	Cell &cell = row.cells_[column];
	cell.kind = CellKind::null;
	if (place == nullptr)
		return;
	Shape const shape = row.shapes_[column];
	std::string_view value;
	try {
		if (!cut(shape.wire, *place, row.stmt_->mysql->net.buff_end, value))
			throw core::Error(core::FailureKind::query, "08P01", "remote server sent a malformed row");
		row.take(shape, value, cell);
	} catch (const std::exception &) {
		row.failure_ = std::current_exception();
		row.batch_ = nullptr;
	}
}

/* Nobody wants the value; it may be one of another result, whose columns are not those that were bound. */
void
DirectRow::skip(unsigned column, unsigned char **place) const noexcept
{
	std::string_view value;
	if (place != nullptr)
		cut(wire_of(stmt_->fields[column].type), *place, stmt_->mysql->net.buff_end, value);
}

inline void
DirectRow::take(Shape shape, std::string_view value, Cell &cell)
{
	auto const *const bytes = reinterpret_cast<const unsigned char *>(value.data());
	switch (shape.form) {
	case Form::integer:
		cell.integer = read_integer(bytes, value.size(), shape.natural);
		cell.kind = CellKind::integer;
		break;
	case Form::unsigned_bigint: decode_natural(read<std::uint64_t>(bytes), *batch_, cell); break;
	case Form::float4:
		cell.real = static_cast<double>(read<float>(bytes));
		cell.kind = CellKind::float4;
		break;
	case Form::float8:
		cell.real = read<double>(bytes);
		cell.kind = CellKind::float8;
		break;
	case Form::date:
	case Form::timestamp:
	case Form::timestamptz: decode_time(shape.form, read_date(bytes, value.size()), native_, *batch_, cell); break;
	case Form::time: decode_time(shape.form, read_time(bytes, value.size()), native_, *batch_, cell); break;
	default: decode_string(shape.form, shape.bits, value, *batch_, cell);
	}
}

void
DirectRow::decode(MYSQL_STMT *, bool, Batch &batch)
{
	if (failure_ != nullptr)
		std::rethrow_exception(std::exchange(failure_, nullptr));
	std::copy(cells_.begin(), cells_.end(), batch.add_row());
}

} // namespace tenancy::remote::mysql

#endif
