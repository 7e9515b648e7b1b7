/*
 * describe_schema of relevance.pure.hpp: tables as JSON, so that no name or comment can end what it is in. Pure regime.
 */
#include "ask/relevance.pure.hpp"

#include <algorithm>
#include <functional>

#include "core/json.hpp"
#include "core/utf8.hpp"
#include "remote/text.hpp"

namespace tenancy::ask {

namespace {

namespace json = core::json;
using catalog::Column;
using catalog::Schema;
using catalog::Table;

constexpr std::size_t most_comment_bytes = 200;
constexpr std::size_t most_values = 20;

void
append_text(std::string &out, std::string_view text)
{
	json::append_string(out, remote::is_utf8(text) ? text : std::string_view("?"));
}

/* Comments can be pages long, and are cut between characters. */
void
append_comment(std::string &out, const std::optional<std::string> &comment)
{
	if (!comment || comment->empty())
		return;
	std::string_view text = *comment;
	if (text.size() > most_comment_bytes) {
		std::size_t end = most_comment_bytes;
		while (end > 0 && !core::begins_character(text[end]))
			--end;
		text = text.substr(0, end);
	}
	out += ",\"comment\":";
	append_text(out, text);
}

void
append_list(std::string &out, const std::vector<std::string> &names, std::size_t most = SIZE_MAX)
{
	out += '[';
	for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
		if (i > 0)
			out += ',';
		append_text(out, names[i]);
	}
	out += ']';
}

std::string
name_of(const Schema &schema, const std::string &table_schema, const std::string &table)
{
	return table_schema.empty() || table_schema == schema.default_schema ? table : table_schema + "." + table;
}

void
append_column(std::string &out, const Column &column, bool with_values)
{
	out += "{\"name\":";
	append_text(out, column.name);
	out += ",\"type\":";
	append_text(out, column.native_type.empty() ? column.type : column.native_type);
	if (column.stores_numbers)
		out += ",\"stores_numbers\":true";
	if (!column.nullable)
		out += ",\"not_null\":true";
	append_comment(out, column.comment);
	if (with_values && !column.values.empty()) {
		out += ",\"values\":";
		append_list(out, column.values, most_values);
	}
	out += '}';
}

void
append_foreign_keys(std::string &out, const Schema &schema, const Table &table)
{
	if (table.foreign_keys.empty())
		return;
	out += ",\"foreign_keys\":[";
	for (std::size_t i = 0; i < table.foreign_keys.size(); ++i) {
		auto const &key = table.foreign_keys[i];
		out += i > 0 ? ",{\"columns\":" : "{\"columns\":";
		append_list(out, key.columns);
		out += ",\"references\":";
		append_text(out, name_of(schema, key.schema, key.table));
		out += ",\"to\":";
		append_list(out, key.referenced_columns);
		out += '}';
	}
	out += ']';
}

/* One table with the columns that are wanted of it. */
std::string
describe_table(const Schema &schema, const Table &table, bool with_values,
               const std::function<bool(const Column &)> &wanted)
{
	std::string out = "{\"table\":";
	append_text(out, name_of(schema, table.schema, table.name));
	if (table.kind != "table") {
		out += ",\"kind\":";
		append_text(out, table.kind);
	}
	append_comment(out, table.comment);
	out += ",\"columns\":[";
	bool first = true;
	for (Column const &column : table.columns) {
		if (!wanted(column))
			continue;
		if (!first)
			out += ',';
		first = false;
		append_column(out, column, with_values);
	}
	out += ']';
	if (!table.primary_key.empty()) {
		out += ",\"primary_key\":";
		append_list(out, table.primary_key);
	}
	append_foreign_keys(out, schema, table);
	return out += '}';
}

} // namespace

std::string
describe_schema(const Schema &schema, std::string_view question, const Extent &extent, core::Waiter &waiter)
{
	constexpr std::size_t least = 32; /* bytes of a table without columns */
	Relevance relevance(schema, question, waiter);
	std::string out = "[";
	for (std::size_t const at : relevance.rank()) {
		if (out.size() + least > extent.most_bytes)
			break;
		waiter.serve();
		Table const &table = schema.tables[at];
		std::string text = describe_table(schema, table, extent.with_values, [](const Column &) { return true; });
		if (out.size() + text.size() + 3 > extent.most_bytes)
			text = describe_table(schema, table, false,
			                      [&](const Column &column) { return relevance.is_wanted(table, column); });
		if (out.size() + text.size() + 3 > extent.most_bytes)
			continue;
		if (out.size() > 1)
			out += ",\n";
		out += text;
	}
	return out += ']';
}

} // namespace tenancy::ask
