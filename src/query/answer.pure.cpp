/*
 * See answer.pure.hpp. Pure regime.
 */
#include "query/answer.pure.hpp"

#include <algorithm>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/hex.hpp"
#include "core/json.hpp"
#include "core/pgtype.hpp"
#include "remote/text.hpp"

namespace tenancy::query {

namespace {

namespace json = core::json;
namespace pgtype = core::pgtype;
using remote::Cell;
using remote::CellKind;

struct TypeName {
	std::uint32_t oid;
	std::string_view name;
};
constexpr TypeName type_names[] = {{pgtype::boolean, "boolean"},
                                   {pgtype::bytea, "bytea"},
                                   {pgtype::name, "name"},
                                   {pgtype::int8, "bigint"},
                                   {pgtype::int2, "smallint"},
                                   {pgtype::int4, "integer"},
                                   {pgtype::text, "text"},
                                   {pgtype::oid, "oid"},
                                   {pgtype::json, "json"},
                                   {pgtype::float4, "real"},
                                   {pgtype::float8, "double precision"},
                                   {pgtype::bpchar, "character"},
                                   {pgtype::varchar, "character varying"},
                                   {pgtype::date, "date"},
                                   {pgtype::time, "time without time zone"},
                                   {pgtype::timestamp, "timestamp without time zone"},
                                   {pgtype::timestamptz, "timestamp with time zone"},
                                   {pgtype::interval, "interval"},
                                   {pgtype::timetz, "time with time zone"},
                                   {pgtype::bit, "bit"},
                                   {pgtype::varbit, "bit varying"},
                                   {pgtype::numeric, "numeric"},
                                   {pgtype::uuid, "uuid"},
                                   {pgtype::jsonb, "jsonb"}};

void
append_bytes(std::string &out, std::string_view bytes)
{
	out += "\"\\\\x";
	core::append_hex(out, bytes);
	out += '"';
}

/* MySQL's ZEROFILL has zeros before a number, which JSON does not allow. */
std::string_view
without_zeros(std::string_view number) noexcept
{
	while (number.size() > 1 && number[0] == '0' && number[1] >= '0' && number[1] <= '9')
		number.remove_prefix(1);
	return number;
}

/* Text by its type: numbers and JSON documents stay what they are, if they really are; all else is a string. */
void
append_text(std::string &out, std::uint32_t type, std::string_view text)
{
	if (!remote::is_utf8(text))
		throw core::Error(core::FailureKind::query, "22021", "the client database returned text that is not UTF-8", {},
		                  "Convert the value, or select it as binary data.");
	std::string_view const number = without_zeros(text);
	if (type == pgtype::numeric && json::is_number(number))
		out += number;
	else if ((type == pgtype::json || type == pgtype::jsonb) && json::is_valid(text))
		out += text;
	else
		json::append_string(out, text);
}

void
append_cell(std::string &out, std::uint32_t type, const Cell &cell)
{
	switch (cell.kind) {
	case CellKind::null: out += "null"; break;
	case CellKind::boolean: out += cell.integer != 0 ? "true" : "false"; break;
	case CellKind::integer: json::append_integer(out, cell.integer); break;
	case CellKind::float4: json::append_float4(out, static_cast<float>(cell.real)); break;
	case CellKind::float8: json::append_float8(out, cell.real); break;
	case CellKind::text: append_text(out, type, cell.view()); break;
	case CellKind::bytes: append_bytes(out, cell.view()); break;
	/* Not asked for: this statement did not run with RunOptions::native. */
	case CellKind::date:
	case CellKind::time:
	case CellKind::timestamp:
	case CellKind::wire: break;
	}
}

void
append_row(std::string &out, const std::vector<remote::Column> &columns, const Cell *row)
{
	out += '[';
	for (std::size_t i = 0; i < columns.size(); ++i) {
		if (i > 0)
			out += ',';
		append_cell(out, columns[i].type_oid, row[i]);
	}
	out += ']';
}

std::string
describe(const std::vector<remote::Column> &columns)
{
	std::string out = "[";
	for (auto const &column : columns) {
		if (out.size() > 1)
			out += ',';
		out += "{\"name\":";
		json::append_string(out, remote::is_utf8(column.name) ? std::string_view(column.name) : std::string_view("?"));
		out += ",\"type\":";
		json::append_string(out, type_name(column));
		out += '}';
	}
	return out += ']';
}

std::string
sha256_hex(std::string_view text)
{
	std::string hex;
	core::append_hex(hex, core::sha256(text).bytes);
	return hex;
}

} // namespace

std::string_view
type_name(const remote::Column &column) noexcept
{
	auto const found = std::ranges::find(type_names, column.type_oid, &TypeName::oid);
	return found != std::end(type_names) ? found->name : std::string_view(column.native_type);
}

void
Answer::collect(Stream &stream, const AnswerLimits &limits, bool stops, core::Waiter &waiter)
{
	columns = describe(stream.columns());
	rows = "[";
	while (!truncated && stream.fetch(waiter)) {
		for (std::size_t i = 0; i < stream.batch().rows(); ++i) {
			std::size_t const before = rows.size();
			if (row_count == limits.rows) {
				truncated = true;
				break;
			}
			if (row_count > 0)
				rows += ',';
			append_row(rows, stream.columns(), stream.batch().row(i));
			if (static_cast<std::int64_t>(rows.size()) > limits.bytes) {
				rows.resize(before);
				truncated = true;
				break;
			}
			++row_count;
		}
	}
	rows += ']';
	if (truncated && stops)
		stream.close();
	else if (truncated)
		stream.read_on(waiter);
	else if (stream.columns().empty())
		row_count = stream.rows();
	hash = sha256_hex(rows);
}

} // namespace tenancy::query
