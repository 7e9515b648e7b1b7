/*
 * Tables of a MySQL or MariaDB server. Pure regime.
 */
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "fdw/import.pure.hpp"

namespace tenancy::fdw {

namespace {

namespace pgtype = core::pgtype;
using core::Error;
using core::FailureKind;

enum Field { table_name, column_name, data_type, column_type, collation, nullable, column_key, extra };

struct Rule {
	std::string_view word;
	std::uint32_t oid, natural; /* natural: of the unsigned type */
};

/* The local types that the driver delivers (remote/mysql/types.hpp). Whatever is not here is text. */
constexpr Rule rules[] = {
	{"tinyint", pgtype::int2, pgtype::int2},
	{"smallint", pgtype::int2, pgtype::int4},
	{"mediumint", pgtype::int4, pgtype::int4},
	{"int", pgtype::int4, pgtype::int8},
	{"bigint", pgtype::int8, pgtype::numeric},
	{"year", pgtype::int2, pgtype::int2},
	{"decimal", pgtype::numeric, pgtype::numeric},
	{"float", pgtype::float4, pgtype::float4},
	{"double", pgtype::float8, pgtype::float8},
	{"bit", pgtype::bit, pgtype::bit},
	{"date", pgtype::date, pgtype::date},
	{"datetime", pgtype::timestamp, pgtype::timestamp},
	{"timestamp", pgtype::timestamptz, pgtype::timestamptz},
	{"time", pgtype::interval, pgtype::interval},
	{"json", pgtype::json, pgtype::json},
	{"uuid", pgtype::uuid, pgtype::uuid},
	{"binary", pgtype::bytea, pgtype::bytea},
	{"varbinary", pgtype::bytea, pgtype::bytea},
	{"tinyblob", pgtype::bytea, pgtype::bytea},
	{"blob", pgtype::bytea, pgtype::bytea},
	{"mediumblob", pgtype::bytea, pgtype::bytea},
	{"longblob", pgtype::bytea, pgtype::bytea},
	{"vector", pgtype::bytea, pgtype::bytea},
	{"geometry", pgtype::bytea, pgtype::bytea},
	{"point", pgtype::bytea, pgtype::bytea},
	{"linestring", pgtype::bytea, pgtype::bytea},
	{"polygon", pgtype::bytea, pgtype::bytea},
	{"multipoint", pgtype::bytea, pgtype::bytea},
	{"multilinestring", pgtype::bytea, pgtype::bytea},
	{"multipolygon", pgtype::bytea, pgtype::bytea},
	{"geometrycollection", pgtype::bytea, pgtype::bytea},
	{"geomcollection", pgtype::bytea, pgtype::bytea},
};

/* The numbers of "word(a,b)", each 0 when it is not there. */
std::pair<int, int>
numbers_of(std::string_view type) noexcept
{
	int first = 0, second = 0;
	std::size_t const open = type.find('(');
	if (open == std::string_view::npos)
		return {0, 0};
	const char *const end = type.data() + type.size();
	auto const result = std::from_chars(type.data() + open + 1, end, first);
	if (result.ec == std::errc() && result.ptr != end && *result.ptr == ',')
		std::from_chars(result.ptr + 1, end, second);
	return {first, second};
}

void
choose_type(ImportedColumn &column, const std::string &word, const ImportOptions &options)
{
	std::string_view const native = column.native_type;
	auto const rule = std::ranges::find(rules, word, &Rule::word);
	if (rule == std::end(rules)) {
		column.type_oid = pgtype::text;
		return;
	}
	bool const natural = word != "bit" && native.find(" unsigned") != std::string_view::npos;
	column.type_oid = natural ? rule->natural : rule->oid;
	auto const [first, second] = numbers_of(native);
	if (word == "decimal" && first > 0)
		column.typmod = pgtype::numeric_typmod(first, second);
	else if (word == "bigint" && natural)
		column.typmod = pgtype::numeric_typmod(20, 0);
	else if (word == "bit")
		column.typmod = std::max(first, 1);
	else if (options.tinyint1_as_boolean && native == "tinyint(1)")
		column.type_oid = pgtype::boolean;
}

/* Words in lower case; labels of enum and set as they are. */
std::string
lower_type(std::string_view type)
{
	std::string result;
	bool label = false;
	for (char const c : type) {
		label = label != (c == '\'');
		result += label ? std::string(1, c) : lower_ascii({&c, 1});
	}
	return result;
}

/* A zero date of a NOT NULL column is read as NULL, so there that promise is not worth anything. */
bool
may_read_null(std::uint32_t oid) noexcept
{
	return oid == pgtype::date || oid == pgtype::timestamp || oid == pgtype::timestamptz;
}

ImportedColumn
column_of(const remote::Cell *cells, bool is_view, bool is_json, const ImportOptions &options)
{
	ImportedColumn column;
	column.name = text_of(cells[column_name]);
	column.native_type = lower_type(text_of(cells[column_type]));
	choose_type(column, lower_ascii(text_of(cells[data_type])), options);
	if (is_json && column.type_oid == pgtype::text)
		column.type_oid = pgtype::json;
	if (cells[collation].kind != remote::CellKind::null)
		column.collation = lower_ascii(text_of(cells[collation]));
	std::string const notes = lower_ascii(text_of(cells[extra]));
	auto const says = [&notes](std::string_view word) { return notes.find(word) != std::string::npos; };
	column.not_null = !is_view && !truth_of(cells[nullable]) && !may_read_null(column.type_oid);
	column.key = !is_view && text_of(cells[column_key]) == "PRI";
	column.generated = says("virtual") || says("stored generated") || says("persistent");
	column.identity = says("auto_increment");
	return column;
}

using Names = std::map<std::string, bool>;                       /* table: is it a view? */
using ColumnSet = std::set<std::pair<std::string, std::string>>; /* table and column */

/* MariaDB's JSON is text with this check, by which its server too calls the column json. */
ColumnSet
read_json_columns(CatalogQuery &query, const ImportRequest &request)
{
	ColumnSet found;
	if (!contains_ignoring_case(query.server_version(), "mariadb"))
		return found;
	query("SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS"
	      " WHERE CONSTRAINT_SCHEMA = ?",
	      {request.schema}, [&found](const remote::Cell *cells) {
			  std::string column = text_of(cells[1]), check = "json_valid(`";
			  for (char const c : column)
				  check.append(c == '`' ? 2 : 1, c);
			  if (lower_ascii(text_of(cells[2])) == lower_ascii(check + "`)"))
				  found.emplace(text_of(cells[0]), std::move(column));
		  });
	return found;
}

/* Those that an index begins with. */
ColumnSet
read_indexed_columns(CatalogQuery &query, const ImportRequest &request)
{
	ColumnSet found;
	query(
		"SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND SEQ_IN_INDEX = 1",
		{request.schema}, [&found](const remote::Cell *cells) { found.emplace(text_of(cells[0]), text_of(cells[1])); });
	return found;
}

/* Without sequences and temporary tables. */
Names
read_tables(CatalogQuery &query, const ImportRequest &request, const std::vector<std::string> &wanted)
{
	Names names;
	std::vector<std::string> params = wanted;
	params.insert(params.begin(), request.schema);
	std::string sql = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?";
	if (!wanted.empty())
		sql += " AND TABLE_NAME IN (" + SchemaBuilder::placeholders(wanted.size(), 2, false) + ")";
	query(sql, params, [&names](const remote::Cell *cells) {
		std::string const type = lower_ascii(text_of(cells[1]));
		if (type == "base table" || type == "system versioned" || type == "view" || type == "system view")
			names.emplace(text_of(cells[0]), type == "view" || type == "system view");
	});
	return names;
}

void
require_schema(CatalogQuery &query, const ImportRequest &request)
{
	bool there = false;
	query("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", {request.schema},
	      [&there](const remote::Cell *) { there = true; });
	if (!there)
		throw Error(FailureKind::query, "3F000",
		            "schema \"" + request.schema + "\" does not exist on the remote server", {},
		            "In MySQL and MariaDB a schema is a database.");
}

} // namespace

const char *const mysql_catalog_statement =
	"SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COLLATION_NAME, IS_NULLABLE, COLUMN_KEY, EXTRA"
	" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?";

void
read_mysql_schema(CatalogQuery &query, const ImportRequest &request, SchemaBuilder &builder)
{
	builder.schema.schema = request.schema;
	std::vector<std::string> params = builder.wanted_names();
	Names const names = read_tables(query, request, params);
	if (names.empty()) {
		require_schema(query, request);
		return;
	}
	ColumnSet const json = read_json_columns(query, request);
	ColumnSet const indexed = read_indexed_columns(query, request);
	std::string sql = mysql_catalog_statement;
	if (!params.empty())
		sql += " AND TABLE_NAME IN (" + SchemaBuilder::placeholders(params.size(), 2, false) + ")";
	params.insert(params.begin(), request.schema);
	query(sql + " ORDER BY CAST(TABLE_NAME AS BINARY), ORDINAL_POSITION", params, [&](const remote::Cell *cells) {
		auto const name = names.find(text_of(cells[table_name]));
		ImportedTable *const table = name == names.end() ? nullptr : builder.table(name->first);
		if (table == nullptr)
			return;
		std::pair const place(name->first, text_of(cells[column_name]));
		ImportedColumn column = column_of(cells, name->second, json.contains(place), builder.options());
		column.indexed = indexed.contains(place);
		builder.column(*table, std::move(column));
	});
}

} // namespace tenancy::fdw
