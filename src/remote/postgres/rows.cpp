/*
 * Values of results turned into cells. Pure regime.
 */
#include "remote/postgres/rows.hpp"

#include <bit>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "remote/room.hpp"

namespace tenancy::remote::postgres {

namespace pgtype = core::pgtype;

namespace {

std::string
native_name(std::uint32_t oid, const TypeNames &names)
{
	const Builtin *type = find_kept(oid);
	if (type == nullptr)
		type = find_sent(oid);
	if (type != nullptr)
		return oid == type->oid ? std::string(type->name) : std::string(type->name) + "[]";
	if (const char *const name = find_named(oid))
		return name;
	if (auto const known = names.find(oid); known != names.end())
		return known->second;
	return "type " + std::to_string(oid);
}

template <typename Number>
bool
read_number(std::string_view text, Number &number) noexcept
{
	auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
	return error == std::errc() && end == text.data() + text.size();
}

constexpr int
hex_digit(char c) noexcept
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* bytea_output = hex; false for any other form, which the caller passes on as text. */
bool
read_bytes(Batch &batch, Cell &cell, std::string_view text)
{
	if (text.size() % 2 != 0 || !text.starts_with("\\x"))
		return false;
	std::size_t const size = text.size() / 2 - 1;
	char *const bytes = batch.reserve(size + 1);
	for (std::size_t i = 0; i < size; ++i) {
		int const high = hex_digit(text[2 + 2 * i]), low = hex_digit(text[3 + 2 * i]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = static_cast<char>(high << 4 | low);
	}
	bytes[size] = 0;
	cell.data = bytes;
	cell.size = static_cast<std::uint32_t>(size);
	cell.kind = CellKind::bytes;
	return true;
}

/* False when the text is not what the type's output function writes: the local input function will then judge it. */
bool
read_special(Batch &batch, Cell &cell, std::string_view text, Decoding decoding)
{
	switch (decoding) {
	case Decoding::boolean:
		if (text != "t" && text != "f")
			return false;
		cell.integer = text == "t";
		cell.kind = CellKind::boolean;
		return true;
	case Decoding::integer:
		if (std::int64_t integer; read_number(text, integer)) {
			cell.integer = integer;
			cell.kind = CellKind::integer;
			return true;
		}
		return false;
	case Decoding::float4:
		if (float real; read_number(text, real)) {
			cell.real = real;
			cell.kind = CellKind::float4;
			return true;
		}
		return false;
	case Decoding::float8:
		if (double real; read_number(text, real)) {
			cell.real = real;
			cell.kind = CellKind::float8;
			return true;
		}
		return false;
	case Decoding::bytes: return read_bytes(batch, cell, text);
	default: break;
	}
	return false;
}

/* A number in network byte order. */
template <typename Number>
Number
read_sent(const char *from) noexcept
{
	Number number;
	std::memcpy(&number, from, sizeof number);
	if constexpr (std::endian::native == std::endian::little) {
		if constexpr (sizeof number == 2)
			number = static_cast<Number>(__builtin_bswap16(static_cast<std::uint16_t>(number)));
		else if constexpr (sizeof number == 4)
			number = static_cast<Number>(__builtin_bswap32(static_cast<std::uint32_t>(number)));
		else if constexpr (sizeof number == 8)
			number = static_cast<Number>(__builtin_bswap64(static_cast<std::uint64_t>(number)));
	}
	return number;
}

/* Sets an integer from a value that has to be just as long as Number. */
template <typename Number>
bool
set_integer(Cell &cell, std::string_view sent, CellKind kind) noexcept
{
	if (sent.size() != sizeof(Number))
		return false;
	cell.integer = static_cast<std::int64_t>(read_sent<Number>(sent.data()));
	cell.kind = kind;
	return true;
}

template <typename Real, typename Bits>
bool
set_real(Cell &cell, std::string_view sent, CellKind kind) noexcept
{
	if (sent.size() != sizeof(Real))
		return false;
	cell.real = static_cast<double>(std::bit_cast<Real>(read_sent<Bits>(sent.data())));
	cell.kind = kind;
	return true;
}

/* False for what no send function writes. */
bool
read_wire(Batch &batch, Cell &cell, std::string_view sent, Decoding decoding)
{
	switch (decoding) {
	case Decoding::sent_boolean: return set_integer<std::uint8_t>(cell, sent, CellKind::boolean) && cell.integer <= 1;
	case Decoding::sent_int2: return set_integer<std::int16_t>(cell, sent, CellKind::integer);
	case Decoding::sent_int4: return set_integer<std::int32_t>(cell, sent, CellKind::integer);
	case Decoding::sent_int8: return set_integer<std::int64_t>(cell, sent, CellKind::integer);
	case Decoding::sent_oid: return set_integer<std::uint32_t>(cell, sent, CellKind::integer);
	case Decoding::sent_float4: return set_real<float, std::uint32_t>(cell, sent, CellKind::float4);
	case Decoding::sent_float8: return set_real<double, std::uint64_t>(cell, sent, CellKind::float8);
	case Decoding::sent_date: return set_integer<std::int32_t>(cell, sent, CellKind::date);
	case Decoding::sent_time: return set_integer<std::int64_t>(cell, sent, CellKind::time);
	case Decoding::sent_timestamp: return set_integer<std::int64_t>(cell, sent, CellKind::timestamp);
	case Decoding::sent_bytes: batch.set_text(cell, sent, CellKind::bytes); return true;
	case Decoding::sent_jsonb:
		/* The text, behind the version of the form. */
		if (sent.empty() || sent[0] != 1)
			return false;
		batch.set_text(cell, sent.substr(1));
		return true;
	default: batch.set_text(cell, sent, CellKind::wire); return true;
	}
}

[[noreturn]] void
refuse_value(const Column &column)
{
	throw core::Error(core::FailureKind::query, "08P01",
	                  "the server sent a malformed value of type " + column.native_type);
}

bool
is_text_form(Decoding decoding) noexcept
{
	return decoding <= Decoding::bytes;
}

/* A column as it is in text form. */
Column
column_of(const PGresult *result, int number, const TypeNames &names)
{
	Oid const oid = PQftype(result, number);
	bool const keep = find_kept(oid) != nullptr;
	Column column;
	column.name = PQfname(result, number);
	column.type_oid = keep ? oid : pgtype::text;
	column.typmod = keep ? pgtype::believable_typmod(oid, PQfmod(result, number)) : -1;
	column.native_type = native_name(oid, names);
	return column;
}

} // namespace

Shape::Shape(const PGresult *result, const TypeNames &names) : columns(columns_of(result, names))
{
	int const width = PQnfields(result);
	decodings.reserve(static_cast<std::size_t>(width));
	for (int i = 0; i < width; ++i) {
		Column &column = columns[static_cast<std::size_t>(i)];
		Oid const oid = PQftype(result, i);
		bool const sent = PQfformat(result, i) != 0;
		if (i > 0 && sent != binary)
			throw core::Error(core::FailureKind::query, "08P01", "the server sent some columns as text and others not");
		const Builtin *const kept = find_kept(oid);
		const Builtin *const type = kept != nullptr ? kept : find_sent(oid);
		has_wire_form = has_wire_form && type != nullptr;
		binary = binary || sent;
		if (sent && type != nullptr) {
			column.type_oid = oid;
			decodings.push_back(type->oid == oid ? type->sent : Decoding::sent);
		} else
			decodings.push_back(kept != nullptr && kept->oid == oid ? kept->decoding : Decoding::text);
	}
}

std::vector<Column>
columns_of(const PGresult *result, const TypeNames &names)
{
	int const width = PQnfields(result);
	DescriptionRoom room;
	std::vector<Column> columns;
	columns.reserve(static_cast<std::size_t>(width));
	for (int i = 0; i < width; ++i)
		room.take(columns.emplace_back(column_of(result, i, names)));
	return columns;
}

std::vector<Oid>
unnamed_types(const PGresult *result, const TypeNames &names)
{
	std::vector<Oid> types;
	for (int i = 0; i < PQnfields(result); ++i)
		if (Oid const oid = PQftype(result, i); find_kept(oid) == nullptr && find_sent(oid) == nullptr &&
		                                        find_named(oid) == nullptr && !names.contains(oid))
			types.push_back(oid);
	return types;
}

void
append_row(Batch &batch, const PGresult *result, int row, const Shape &shape)
{
	Cell *cell = batch.add_row();
	int column = 0;
	for (Decoding const decoding : shape.decodings) {
		auto const size = static_cast<std::size_t>(PQgetlength(result, row, column));
		/* Only an empty value may be a null, so only then is libpq asked. */
		if (size != 0 || PQgetisnull(result, row, column) == 0) {
			std::string_view const value(PQgetvalue(result, row, column), size);
			if (decoding == Decoding::text)
				batch.set_text(*cell, value);
			else if (is_text_form(decoding)) {
				if (!read_special(batch, *cell, value, decoding))
					batch.set_text(*cell, value);
			} else if (!read_wire(batch, *cell, value, decoding))
				refuse_value(shape.columns[static_cast<std::size_t>(column)]);
		}
		++column;
		++cell;
	}
}

} // namespace tenancy::remote::postgres
