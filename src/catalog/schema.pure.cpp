/*
 * The JSON document of a schema, written and read. Pure regime.
 */
#include "catalog/schema.hpp"

#include <limits>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "remote/options.hpp"

namespace tenancy::catalog {

namespace {

namespace json = core::json;
using Value = nlohmann::json;

constexpr int format = 1;

void
name_member(std::string &out, std::string_view name)
{
	char const before = out.back();
	if (before != '{' && before != '[')
		out += ',';
	json::append_string(out, name);
	out += ':';
}

void
add_text(std::string &out, std::string_view name, std::string_view text)
{
	name_member(out, name);
	json::append_string(out, text);
}

void
add_text(std::string &out, std::string_view name, const std::optional<std::string> &text)
{
	name_member(out, name);
	if (text)
		json::append_string(out, *text);
	else
		out += "null";
}

void
add_flag(std::string &out, std::string_view name, bool flag)
{
	name_member(out, name);
	out += flag ? "true" : "false";
}

void
add_texts(std::string &out, std::string_view name, const std::vector<std::string> &texts)
{
	name_member(out, name);
	out += '[';
	for (const std::string &text : texts) {
		if (&text != &texts.front())
			out += ',';
		json::append_string(out, text);
	}
	out += ']';
}

/* An array of objects, each written by add_members. */
template <typename Item, typename AddMembers>
void
add_objects(std::string &out, std::string_view name, const std::vector<Item> &items, AddMembers add_members)
{
	name_member(out, name);
	out += '[';
	for (const Item &item : items) {
		out += &item == &items.front() ? "{" : ",{";
		add_members(out, item);
		out += '}';
	}
	out += ']';
}

void
add_column(std::string &out, const Column &column)
{
	add_text(out, "name", std::string_view(column.name));
	add_text(out, "type", std::string_view(column.type));
	add_text(out, "native_type", std::string_view(column.native_type));
	add_flag(out, "nullable", column.nullable);
	add_flag(out, "generated", column.generated);
	add_text(out, "default", column.default_value);
	add_text(out, "comment", column.comment);
	if (column.stores_numbers)
		add_flag(out, "stores_numbers", true);
	if (!column.values.empty())
		add_texts(out, "values", column.values);
}

void
add_foreign_key(std::string &out, const ForeignKey &key)
{
	add_text(out, "name", std::string_view(key.name));
	add_texts(out, "columns", key.columns);
	name_member(out, "references");
	out += '{';
	add_text(out, "schema", std::string_view(key.schema));
	add_text(out, "table", std::string_view(key.table));
	add_texts(out, "columns", key.referenced_columns);
	out += '}';
}

void
add_index(std::string &out, const Index &index)
{
	add_text(out, "name", std::string_view(index.name));
	add_flag(out, "unique", index.unique);
	add_texts(out, "columns", index.columns);
}

void
add_table(std::string &out, const Table &table)
{
	add_text(out, "schema", std::string_view(table.schema));
	add_text(out, "name", std::string_view(table.name));
	add_text(out, "kind", std::string_view(table.kind));
	add_text(out, "comment", table.comment);
	name_member(out, "row_estimate");
	if (table.row_estimate)
		json::append_integer(out, *table.row_estimate);
	else
		out += "null";
	add_objects(out, "columns", table.columns, add_column);
	add_texts(out, "primary_key", table.primary_key);
	add_objects(out, "foreign_keys", table.foreign_keys, add_foreign_key);
	add_objects(out, "indexes", table.indexes, add_index);
}

[[noreturn]] void
refuse(std::string detail)
{
	throw core::Error(core::FailureKind::other, "22030", "this is not the document of a schema", std::move(detail));
}

std::optional<std::string>
optional_text(const Value &object, const char *name)
{
	const Value &value = object.at(name);
	if (value.is_null())
		return std::nullopt;
	return value.get<std::string>();
}

template <typename Item, typename Read>
std::vector<Item>
read_objects(const Value &array, Read read)
{
	std::vector<Item> items;
	items.reserve(array.size());
	for (const Value &object : array.get_ref<const Value::array_t &>())
		items.push_back(read(object));
	return items;
}

Column
read_column(const Value &object)
{
	Column column;
	object.at("name").get_to(column.name);
	object.at("type").get_to(column.type);
	object.at("native_type").get_to(column.native_type);
	object.at("nullable").get_to(column.nullable);
	object.at("generated").get_to(column.generated);
	column.default_value = optional_text(object, "default");
	column.comment = optional_text(object, "comment");
	if (auto const numbers = object.find("stores_numbers"); numbers != object.end())
		numbers->get_to(column.stores_numbers);
	if (auto const values = object.find("values"); values != object.end())
		values->get_to(column.values);
	return column;
}

ForeignKey
read_foreign_key(const Value &object)
{
	ForeignKey key;
	const Value &references = object.at("references");
	object.at("name").get_to(key.name);
	object.at("columns").get_to(key.columns);
	references.at("schema").get_to(key.schema);
	references.at("table").get_to(key.table);
	references.at("columns").get_to(key.referenced_columns);
	return key;
}

Index
read_index(const Value &object)
{
	Index index;
	object.at("name").get_to(index.name);
	object.at("unique").get_to(index.unique);
	object.at("columns").get_to(index.columns);
	return index;
}

Table
read_table(const Value &object)
{
	Table table;
	object.at("schema").get_to(table.schema);
	object.at("name").get_to(table.name);
	object.at("kind").get_to(table.kind);
	table.comment = optional_text(object, "comment");
	if (const Value &estimate = object.at("row_estimate"); !estimate.is_null()) {
		if (!estimate.is_number_integer() ||
		    (estimate.is_number_unsigned() && estimate.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()))
			refuse("An estimate of rows is not a number of rows.");
		table.row_estimate = estimate.get<std::int64_t>();
	}
	table.columns = read_objects<Column>(object.at("columns"), read_column);
	object.at("primary_key").get_to(table.primary_key);
	table.foreign_keys = read_objects<ForeignKey>(object.at("foreign_keys"), read_foreign_key);
	table.indexes = read_objects<Index>(object.at("indexes"), read_index);
	return table;
}

Schema
read_schema(const Value &document)
{
	Schema schema;
	if (document.at("format") != format)
		refuse("Its format is not " + std::to_string(format) + ".");
	auto const engine = remote::parse_database_type(document.at("engine").get_ref<const std::string &>());
	if (!engine)
		refuse("Its engine is not known.");
	schema.engine = *engine;
	document.at("server_version").get_to(schema.server_version);
	document.at("default_schema").get_to(schema.default_schema);
	schema.tables = read_objects<Table>(document.at("tables"), read_table);
	return schema;
}

} // namespace

std::string
to_json(const Schema &schema)
{
	std::string out = "{\"format\":";
	json::append_integer(out, format);
	add_text(out, "engine", remote::name_of(schema.engine));
	add_text(out, "server_version", std::string_view(schema.server_version));
	add_text(out, "default_schema", std::string_view(schema.default_schema));
	add_objects(out, "tables", schema.tables, add_table);
	out += '}';
	return out;
}

Schema
parse_schema(std::string_view text)
{
	try {
		return read_schema(Value::parse(text));
	} catch (const Value::exception &) {
		refuse("It is not JSON, or a member of it is missing or of another type.");
	}
}

} // namespace tenancy::catalog
