/*
 * Tables of a MySQL or MariaDB server. Pure regime.
 */
#include <map>

#include "catalog/type.pure.hpp"
#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "fdw/import.pure.hpp"

namespace tenancy::fdw {

namespace {

namespace pgtype = core::pgtype;
using core::Error;
using core::FailureKind;

enum Field { table_name, column_name, data_type, column_type, collation, nullable, column_key, extra, fields };

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
	column.native_type = catalog::lower_mysql_type(text_of(cells[column_type]));
	catalog::LocalType const type =
		catalog::mysql_type(lower_ascii(text_of(cells[data_type])), column.native_type, options.tinyint1_as_boolean);
	column.type_oid = type.oid;
	column.typmod = type.typmod;
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

using Names = std::map<std::string, bool>; /* table: is it a view? */
using catalog::ColumnSet;

/* The columns that an index begins with. */
ColumnSet
read_indexed_columns(CatalogQuery &query, const ImportRequest &request, const Names &names)
{
	ColumnSet found;
	query(
		"SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND SEQ_IN_INDEX = 1",
		{request.schema}, 2, [&](const remote::Cell *cells) {
			if (std::string table = text_of(cells[0]); names.contains(table))
				found.add(std::move(table), text_of(cells[1]));
		});
	return found;
}

/* The tables and views of the schema, without sequences and temporary tables. */
Names
read_tables(CatalogQuery &query, const ImportRequest &request, const std::vector<std::string> &wanted,
            SchemaBuilder &builder)
{
	Names names;
	std::vector<std::string> params = wanted;
	params.insert(params.begin(), request.schema);
	std::string sql = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?";
	if (!wanted.empty())
		sql += " AND TABLE_NAME IN (" + SchemaBuilder::placeholders(wanted.size(), 2, false) + ")";
	query(sql, params, 2, [&](const remote::Cell *cells) {
		std::string const name = text_of(cells[0]), type = lower_ascii(text_of(cells[1]));
		bool const view = type == "view" || type == "system view";
		if ((view || type == "base table" || type == "system versioned") && builder.takes_table(name))
			names.emplace(name, view);
		SchemaBuilder::require_room(names.size());
	});
	return names;
}

void
require_schema(CatalogQuery &query, const ImportRequest &request)
{
	bool there = false;
	query("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", {request.schema}, 1,
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
	Names const names = read_tables(query, request, params, builder);
	if (names.empty()) {
		require_schema(query, request);
		return;
	}
	ColumnSet const json = catalog::read_json_columns(query, request.schema);
	ColumnSet const indexed = read_indexed_columns(query, request, names);
	std::string sql = mysql_catalog_statement;
	if (!params.empty())
		sql += " AND TABLE_NAME IN (" + SchemaBuilder::placeholders(params.size(), 2, false) + ")";
	params.insert(params.begin(), request.schema);
	query(sql + " ORDER BY CAST(TABLE_NAME AS BINARY), ORDINAL_POSITION", params, fields,
	      [&](const remote::Cell *cells) {
			  auto const name = names.find(text_of(cells[table_name]));
			  ImportedTable *const table = name == names.end() ? nullptr : builder.table(name->first);
			  if (table == nullptr)
				  return;
			  std::string const own_name = text_of(cells[column_name]);
			  bool const is_json = json.contains(name->first, own_name);
			  ImportedColumn column = column_of(cells, name->second, is_json, builder.options());
			  column.indexed = indexed.contains(name->first, own_name);
			  builder.column(*table, std::move(column));
		  });
}

} // namespace tenancy::fdw
