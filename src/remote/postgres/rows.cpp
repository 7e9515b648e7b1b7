/*
 * Types that mean the same on every PostgreSQL server, and their text form turned into cells. Pure regime.
 */
#include "remote/postgres/rows.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "core/pgtype.hpp"

namespace tenancy::remote::postgres {

namespace pgtype = core::pgtype;

namespace {

struct Builtin {
	std::uint32_t oid;
	std::uint32_t array;
	const char *name; /* as format_type says it */
	Decoding decoding = Decoding::text;
};

/* The types that keep their OID on this side, with their arrays (pg_type.dat). */
constexpr Builtin kept[] = {
	{pgtype::boolean, 1000, "boolean", Decoding::boolean},
	{pgtype::bytea, 1001, "bytea", Decoding::bytes},
	{pgtype::name, 1003, "name"},
	{pgtype::int8, 1016, "bigint", Decoding::integer},
	{pgtype::int2, 1005, "smallint", Decoding::integer},
	{pgtype::int4, 1007, "integer", Decoding::integer},
	{pgtype::text, 1009, "text"},
	{pgtype::oid, 1028, "oid"},
	{pgtype::json, 199, "json"},
	{pgtype::float4, 1021, "real", Decoding::float4},
	{pgtype::float8, 1022, "double precision", Decoding::float8},
	{pgtype::bpchar, 1014, "character"},
	{pgtype::varchar, 1015, "character varying"},
	{pgtype::date, 1182, "date"},
	{pgtype::time, 1183, "time without time zone"},
	{pgtype::timestamp, 1115, "timestamp without time zone"},
	{pgtype::timestamptz, 1185, "timestamp with time zone"},
	{pgtype::interval, 1187, "interval"},
	{pgtype::timetz, 1270, "time with time zone"},
	{pgtype::bit, 1561, "bit"},
	{pgtype::varbit, 1563, "bit varying"},
	{pgtype::numeric, 1231, "numeric"},
	{pgtype::uuid, 2951, "uuid"},
	{pgtype::jsonb, 3807, "jsonb"},
};

/* Common types that arrive as text: their input may depend on the server, or they are of no use elsewhere. */
struct Named {
	std::uint32_t oid;
	const char *name;
};
constexpr Named shown_as_text[] = {
	{18, "\"char\""},       {24, "regproc"},   {27, "tid"},         {28, "xid"},         {142, "xml"},
	{600, "point"},         {650, "cidr"},     {705, "unknown"},    {774, "macaddr8"},   {790, "money"},
	{829, "macaddr"},       {869, "inet"},     {2205, "regclass"},  {2206, "regtype"},   {2249, "record"},
	{2202, "regprocedure"}, {2278, "void"},    {3614, "tsvector"},  {3615, "tsquery"},   {3904, "int4range"},
	{3906, "numrange"},     {3908, "tsrange"}, {3910, "tstzrange"}, {3912, "daterange"}, {3926, "int8range"},
};

const Builtin *
find_kept(std::uint32_t oid) noexcept
{
	auto const is_it = [oid](const Builtin &type) { return type.oid == oid || type.array == oid; };
	auto const found = std::ranges::find_if(kept, is_it);
	return found == std::end(kept) ? nullptr : found;
}

const char *
find_named(std::uint32_t oid) noexcept
{
	auto const found = std::ranges::find(shown_as_text, oid, &Named::oid);
	return found == std::end(shown_as_text) ? nullptr : found->name;
}

std::string
native_name(std::uint32_t oid, const TypeNames &names)
{
	if (const Builtin *const type = find_kept(oid))
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
	case Decoding::text: break;
	}
	return false;
}

} // namespace

std::vector<Column>
columns_of(const PGresult *result, const TypeNames &names)
{
	int const width = PQnfields(result);
	std::vector<Column> columns;
	columns.reserve(static_cast<std::size_t>(width));
	for (int i = 0; i < width; ++i) {
		Oid const oid = PQftype(result, i);
		bool const keep = find_kept(oid) != nullptr;
		Column &column = columns.emplace_back();
		column.name = PQfname(result, i);
		column.type_oid = keep ? oid : pgtype::text;
		column.typmod = keep ? pgtype::believable_typmod(oid, PQfmod(result, i)) : -1;
		column.native_type = native_name(oid, names);
	}
	return columns;
}

std::vector<Decoding>
decodings_of(const std::vector<Column> &columns)
{
	std::vector<Decoding> decodings;
	decodings.reserve(columns.size());
	for (const Column &column : columns) {
		const Builtin *const type = find_kept(column.type_oid);
		decodings.push_back(type != nullptr && type->oid == column.type_oid ? type->decoding : Decoding::text);
	}
	return decodings;
}

std::vector<Oid>
unnamed_types(const PGresult *result, const TypeNames &names)
{
	std::vector<Oid> types;
	for (int i = 0; i < PQnfields(result); ++i)
		if (Oid const oid = PQftype(result, i);
		    find_kept(oid) == nullptr && find_named(oid) == nullptr && !names.contains(oid))
			types.push_back(oid);
	return types;
}

void
append_row(Batch &batch, const PGresult *result, int row, const std::vector<Decoding> &decodings)
{
	Cell *cell = batch.add_row();
	int column = 0;
	for (Decoding const decoding : decodings) {
		auto const size = static_cast<std::size_t>(PQgetlength(result, row, column));
		/* Only an empty value needs the question whether it is null. */
		if (size != 0 || PQgetisnull(result, row, column) == 0) {
			std::string_view const text(PQgetvalue(result, row, column), size);
			if (decoding == Decoding::text || !read_special(batch, *cell, text, decoding))
				batch.set_text(*cell, text);
		}
		++column;
		++cell;
	}
}

} // namespace tenancy::remote::postgres
