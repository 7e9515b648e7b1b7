/*
 * The binary protocol's rows. Pure regime.
 */
#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "remote/mysql/decode.hpp"
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

/* Parts of a date that are not sent are zero. */
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

[[noreturn]] void
malformed()
{
	throw core::Error(core::FailureKind::query, "08P01", "remote server sent a malformed row");
}

/* What is left of a packet. Whatever would reach beyond its end is an error. */
class Reader {
public:
	explicit Reader(std::string_view packet) noexcept : left_(packet) {}

	std::string_view take(std::size_t size)
	{
		if (size > left_.size()) [[unlikely]]
			malformed();
		std::string_view const value = left_.substr(0, size);
		left_.remove_prefix(size);
		return value;
	}
	std::string_view take(Wire wire) { return take(wire == Wire::counted ? length() : static_cast<std::size_t>(wire)); }

private:
	std::size_t length()
	{
		auto const first = static_cast<unsigned char>(take(1)[0]);
		return first <= 250 ? first : long_length(first);
	}
	std::size_t long_length(unsigned char first)
	{
		std::size_t const digits = first == 252 ? 2 : first == 253 ? 3 : 8;
		if (first == 251 || first == 255)
			malformed();
		std::size_t size = 0;
		std::memcpy(&size, take(digits).data(), digits);
		return size;
	}

	std::string_view left_;
};

inline void
decode_value(Shape shape, std::string_view value, bool native, Batch &batch, Cell &cell)
{
	auto const *const bytes = reinterpret_cast<const unsigned char *>(value.data());
	switch (shape.form) {
	case Form::integer:
		cell.integer = read_integer(bytes, value.size(), shape.natural);
		cell.kind = CellKind::integer;
		break;
	case Form::unsigned_bigint: decode_natural(read<std::uint64_t>(bytes), batch, cell); break;
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
	case Form::timestamptz: decode_time(shape.form, read_date(bytes, value.size()), native, batch, cell); break;
	case Form::time: decode_time(shape.form, read_time(bytes, value.size()), native, batch, cell); break;
	default: decode_string(shape.form, shape.bits, value, batch, cell);
	}
}

} // namespace

void
decode_row(const std::vector<Shape> &shapes, std::string_view packet, bool native, Batch &batch)
{
	constexpr unsigned first_bit = 2;
	Reader reader(packet);
	if (reader.take(1)[0] != 0)
		malformed();
	std::string_view const nulls = reader.take((shapes.size() + first_bit + 7) / 8);
	Cell *const cells = batch.add_row();
	unsigned bit = first_bit;
	for (std::size_t i = 0; i < shapes.size(); ++i, ++bit)
		if ((static_cast<unsigned char>(nulls[bit / 8]) >> bit % 8 & 1) == 0)
			decode_value(shapes[i], reader.take(shapes[i].wire), native, batch, cells[i]);
}

} // namespace tenancy::remote::mysql
