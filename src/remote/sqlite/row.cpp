/*
 * SQLite's dynamic types against PostgreSQL's. Pure regime.
 */
#include "remote/sqlite/row.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/moment.hpp"
#include "core/pgtype.hpp"
#include "remote/room.hpp"
#include "remote/sqlite/error.hpp"

namespace tenancy::remote::sqlite {

namespace {

namespace pgtype = core::pgtype;
using core::Error;
using core::FailureKind;

constexpr std::size_t largest_row = 128 << 20;

struct DeclaredType {
	std::string_view word; /* anywhere in the declaration, in upper case */
	std::uint32_t oid;
};

/*
 * First the words that SQLite has no rule for, but users mean something by; then its affinity rules in their order
 * (datatype3.html, 3.1). A word that nobody knows promises nothing, so it is text, which every value has a form of.
 */
constexpr DeclaredType declared_types[] = {
	{"BOOL", pgtype::boolean},
	{"JSON", pgtype::json},
	{"UUID", pgtype::text},
	{"TIMESTAMPTZ", pgtype::timestamptz},
	{"WITH TIME ZONE", pgtype::timestamptz},
	{"TIMESTAMP", pgtype::timestamp},
	{"DATETIME", pgtype::timestamp},
	{"DATE", pgtype::date},
	{"TIME", pgtype::time},
	{"INTERVAL", pgtype::text},
	{"INT", pgtype::int8},
	{"CHAR", pgtype::text},
	{"CLOB", pgtype::text},
	{"TEXT", pgtype::text},
	{"BLOB", pgtype::bytea},
	{"REAL", pgtype::float8},
	{"FLOA", pgtype::float8},
	{"DOUB", pgtype::float8},
	{"DECIMAL", pgtype::numeric},
	{"NUMERIC", pgtype::numeric},
};

/* The type of an expression's value, and SQLite's word for it. */
DeclaredType
type_of_value(int storage_class) noexcept
{
	switch (storage_class) {
	case SQLITE_INTEGER: return {"integer", pgtype::int8};
	case SQLITE_FLOAT: return {"real", pgtype::float8};
	case SQLITE_BLOB: return {"blob", pgtype::bytea};
	case SQLITE_NULL: return {"null", pgtype::text};
	default: return {"text", pgtype::text};
	}
}

void
set_text(sqlite3_stmt *statement, int index, Batch &batch, Cell &cell)
{
	auto const *const text = reinterpret_cast<const char *>(sqlite3_column_text(statement, index));
	if (text == nullptr)
		throw std::bad_alloc();
	auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement, index));
	if (std::memchr(text, 0, size) != nullptr)
		throw Error(FailureKind::query, "22021", "text of a SQLite database contains a zero byte");
	batch.set_text(cell, {text, size});
}

/* A moment without an offset is UTC, whatever time zone its reader's session has. */
void
set_moment(sqlite3_stmt *statement, int index, Batch &batch, Cell &cell)
{
	set_text(statement, index, batch, cell);
	if (core::lacks_offset(cell.view()))
		batch.set_text(cell, std::string(cell.view()) + "+00");
}

void
set_bytes(sqlite3_stmt *statement, int index, Batch &batch, Cell &cell)
{
	/* NULL both for an empty value and for a lack of memory, which the error code tells apart. */
	const void *const data = sqlite3_column_blob(statement, index);
	auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement, index));
	if (data == nullptr && size > 0)
		throw std::bad_alloc();
	batch.set_text(cell, {data == nullptr ? "" : static_cast<const char *>(data), size}, CellKind::bytes);
}

/* The number of $N, or 0 for another name. */
int
number_of_name(const char *name) noexcept
{
	int number = 0;
	auto const end = name + std::strlen(name);
	if (name[0] != '$' || name[1] < '1' || name[1] > '9')
		return 0;
	auto const result = std::from_chars(name + 1, end, number);
	return result.ec == std::errc() && result.ptr == end ? number : 0;
}

/* The digits that count of a number without an exponent: neither leading nor trailing zeros. */
std::size_t
significant_digits(const std::string &text)
{
	constexpr const char *counting = "123456789";
	std::size_t const first = text.find_first_of(counting), last = text.find_last_of(counting);
	if (first == text.npos)
		return 0;
	std::size_t const point = text.find('.');
	return last - first + 1 - (point > first && point < last ? 1 : 0);
}

/*
 * SQLite has no decimal type. A number of up to 15 significant digits comes back from a double as it was
 * (DBL_DIG), unless it is so small that the double has fewer; a longer one stays text, and the affinity of the column
 * decides. SQLite's own reading of digits is not always the nearest double.
 */
int
bind_decimal(sqlite3_stmt *statement, int index, const std::string &text)
{
	const char *const end = text.data() + text.size();
	std::int64_t integer = 0;
	double real = 0;
	if (auto const result = std::from_chars(text.data(), end, integer); result.ec == std::errc() && result.ptr == end)
		return sqlite3_bind_int64(statement, index, integer);
	if (auto const result = std::from_chars(text.data(), end, real, std::chars_format::fixed);
	    significant_digits(text) <= std::numeric_limits<double>::digits10 && result.ec == std::errc() &&
	    result.ptr == end && (real == 0 || std::isnormal(real)))
		return sqlite3_bind_double(statement, index, real);
	return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

int
bind_one(sqlite3_stmt *statement, int index, const Param &param)
{
	switch (param.kind) {
	case Param::Kind::null: return sqlite3_bind_null(statement, index);
	case Param::Kind::boolean:
	case Param::Kind::integer: return sqlite3_bind_int64(statement, index, param.integer);
	case Param::Kind::decimal: return bind_decimal(statement, index, param.text);
	case Param::Kind::float8:
		if (std::isnan(param.real)) /* which SQLite would store as NULL */
			throw Error(FailureKind::query, "22023", "SQLite has no NaN");
		return sqlite3_bind_double(statement, index, param.real);
	case Param::Kind::text:
		return sqlite3_bind_text64(statement, index, param.text.data(), param.text.size(), SQLITE_TRANSIENT,
		                           SQLITE_UTF8);
	case Param::Kind::bytes:
		return sqlite3_bind_blob64(statement, index, param.text.data(), param.text.size(), SQLITE_TRANSIENT);
	}
	return SQLITE_MISUSE;
}

} // namespace

std::uint32_t
type_of_declaration(std::string_view declaration)
{
	std::string upper(declaration);
	std::transform(upper.begin(), upper.end(), upper.begin(),
	               [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
	for (const DeclaredType &type : declared_types)
		if (upper.find(type.word) != std::string::npos)
			return type.oid;
	return pgtype::text;
}

std::vector<Column>
columns_of(sqlite3_stmt *statement, bool with_row)
{
	DescriptionRoom room;
	std::vector<Column> columns(static_cast<std::size_t>(sqlite3_column_count(statement)));
	for (std::size_t i = 0; i < columns.size(); ++i) {
		int const index = static_cast<int>(i);
		const char *const name = sqlite3_column_name(statement, index);
		if (name == nullptr)
			throw std::bad_alloc();
		columns[i].name = name;
		columns[i].utc = true;
		if (const char *const declaration = sqlite3_column_decltype(statement, index); declaration != nullptr) {
			columns[i].type_oid = type_of_declaration(declaration);
			columns[i].native_type = declaration;
		} else if (with_row) {
			DeclaredType const type = type_of_value(sqlite3_column_type(statement, index));
			columns[i].type_oid = type.oid;
			columns[i].native_type = type.word;
		}
		room.take(columns[i]);
	}
	return columns;
}

void
read_row(sqlite3_stmt *statement, const std::vector<Column> &columns, bool native, Batch &batch)
{
	std::size_t const before = batch.bytes();
	Cell *const cells = batch.add_row();
	for (std::size_t i = 0; i < columns.size(); ++i) {
		/* SQLite may show one value in all of them, which is a copy each here. */
		if (batch.bytes() - before > largest_row)
			throw Error(FailureKind::query, "54000", "a row of the SQLite database is larger than 128 MB");
		int const index = static_cast<int>(i);
		Cell &cell = cells[i];
		switch (sqlite3_column_type(statement, index)) {
		case SQLITE_INTEGER:
			cell.integer = sqlite3_column_int64(statement, index);
			cell.kind = columns[i].type_oid == pgtype::boolean && (cell.integer == 0 || cell.integer == 1)
			                ? CellKind::boolean
			                : CellKind::integer;
			break;
		case SQLITE_FLOAT:
			cell.real = sqlite3_column_double(statement, index);
			cell.kind = CellKind::float8;
			break;
		case SQLITE_TEXT:
			if (columns[i].type_oid == pgtype::timestamptz)
				set_moment(statement, index, batch, cell);
			else
				set_text(statement, index, batch, cell);
			break;
		case SQLITE_BLOB:
			if (native && columns[i].type_oid == pgtype::text && sqlite3_column_decltype(statement, index) != nullptr)
				throw Error(FailureKind::query, "22P02", "value of type blob in a column of type text");
			set_bytes(statement, index, batch, cell);
			break;
		default: break;
		}
	}
}

void
bind(sqlite3_stmt *statement, std::span<const Param> params)
{
	int const slots = sqlite3_bind_parameter_count(statement);
	int wanted = 0;
	for (int slot = 1; slot <= slots; ++slot) {
		const char *const name = sqlite3_bind_parameter_name(statement, slot);
		int const number = name != nullptr ? number_of_name(name) : 0;
		wanted = std::max(wanted, number > 0 ? number : slot);
	}
	if (static_cast<std::size_t>(wanted) != params.size())
		throw Error(FailureKind::query, "42601", "wrong number of parameters",
		            "The statement takes " + std::to_string(wanted) + " parameters but " +
		                std::to_string(params.size()) + " were given.");
	for (int slot = 1; slot <= slots; ++slot) {
		const char *const name = sqlite3_bind_parameter_name(statement, slot);
		int const number = name != nullptr ? number_of_name(name) : 0;
		const Param &param = params[static_cast<std::size_t>((number > 0 ? number : slot) - 1)];
		if (int const code = bind_one(statement, slot, param); code != SQLITE_OK)
			throw error_of(sqlite3_db_handle(statement), code);
	}
}

} // namespace tenancy::remote::sqlite
