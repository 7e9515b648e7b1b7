/*
 * The schema of a MySQL or MariaDB database: information_schema shows what the user may see. Pure regime.
 */
#include <charconv>

#include "catalog/read.pure.hpp"
#include "catalog/type.pure.hpp"
#include "remote/text.hpp"

namespace tenancy::catalog {

const char *const mysql_statement =
	"SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, EXTRA, LEFT(COLUMN_DEFAULT, 1001),"
	" LEFT(GENERATION_EXPRESSION, 1001), LEFT(COLUMN_COMMENT, 1001)"
	" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, ORDINAL_POSITION";

namespace {

constexpr const char *tables_statement = "SELECT TABLE_NAME, TABLE_TYPE, TABLE_ROWS, LEFT(TABLE_COMMENT, 1001)"
										 " FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?";

constexpr const char *keys_statement =
	"SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME,"
	" REFERENCED_COLUMN_NAME, @@lower_case_table_names <> 0 FROM information_schema.KEY_COLUMN_USAGE"
	" WHERE TABLE_SCHEMA = ? AND REFERENCED_TABLE_NAME IS NOT NULL"
	" ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION";

enum TableField { table_name, table_type, table_rows, table_comment, table_fields };
enum ColumnField {
	column_table,
	column_name,
	data_type,
	column_type,
	nullable,
	extra,
	default_value,
	expression,
	column_comment,
	column_fields
};
enum KeyField { key_table, key_name, key_column, to_database, to_table, to_column, folds, key_fields };
enum IndexField { index_table, index_name, index_not_unique, index_column, index_expression, index_fields };

/* Expressions are parts of indexes since MySQL 8.0.13, and MariaDB has none. */
bool
has_index_expressions(std::string_view version) noexcept
{
	int numbers[3] = {};
	const char *at = version.data(), *const end = at + version.size();
	for (int &number : numbers) {
		auto const [next, error] = std::from_chars(at, end, number);
		if (error != std::errc() || next == end)
			break;
		at = next + 1;
	}
	return !contains_ignoring_case(version, "mariadb") &&
	       std::tie(numbers[0], numbers[1], numbers[2]) >= std::tuple(8, 0, 13);
}

void
read_tables(CatalogQuery &query, const std::string &database, Collector &collector)
{
	query(tables_statement, {database}, table_fields, [&](const remote::Cell *cells) {
		std::string const type = lower_ascii(text_of(cells[table_type]));
		bool const view = type == "view" || type == "system view";
		if (!view && type != "base table" && type != "system versioned")
			return; /* sequences and temporary tables */
		Table *const table = collector.add_table(database, text_of(cells[table_name]), view ? "view" : "table");
		if (table == nullptr || view)
			return; /* a view's comment is the word VIEW */
		if (std::optional<std::string> comment = Collector::note(cells[table_comment]); comment && !comment->empty())
			table->comment = std::move(comment);
		std::int64_t rows = 0;
		std::string const text = text_of(cells[table_rows]);
		if (std::from_chars(text.data(), text.data() + text.size(), rows).ec == std::errc() && rows >= 0)
			table->row_estimate = rows;
	});
}

/* As an expression, which MariaDB has there; MySQL has the bare value, and an expression only where EXTRA says so. */
std::optional<std::string>
default_of(const remote::Cell *cells, const LocalType &type, bool is_mariadb)
{
	std::optional<std::string> value = Collector::note(cells[default_value]);
	if (is_mariadb)
		return value == "NULL" ? std::nullopt : value;
	bool const is_expression = contains_ignoring_case(text_of(cells[extra]), "default_generated") ||
	                           (value && value->starts_with("CURRENT_TIMESTAMP"));
	bool const is_number = type.oid == core::pgtype::int2 || type.oid == core::pgtype::int4 ||
	                       type.oid == core::pgtype::int8 || type.oid == core::pgtype::numeric ||
	                       type.oid == core::pgtype::float4 || type.oid == core::pgtype::float8 ||
	                       type.oid == core::pgtype::bit;
	if (!value || is_expression || is_number)
		return value;
	return remote::quoted(*value, '\'');
}

Column
column_of(const remote::Cell *cells, bool is_json, bool is_mariadb)
{
	Column column;
	column.name = text_of(cells[column_name]);
	column.native_type = lower_mysql_type(text_of(cells[column_type]));
	LocalType type = mysql_type(lower_ascii(text_of(cells[data_type])), column.native_type, false);
	if (is_json && type.oid == core::pgtype::text)
		type.oid = core::pgtype::json;
	column.type = type_name(type);
	column.nullable = truth_of(cells[nullable]);
	std::optional<std::string> formula = Collector::note(cells[expression]);
	column.generated = formula && !formula->empty();
	column.default_value = column.generated ? std::move(formula) : default_of(cells, type, is_mariadb);
	if (std::optional<std::string> comment = Collector::note(cells[column_comment]); comment && !comment->empty())
		column.comment = std::move(comment);
	return column;
}

void
read_columns(CatalogQuery &query, const std::string &database, Collector &collector)
{
	ColumnSet const json = read_json_columns(query, database);
	bool const is_mariadb = contains_ignoring_case(query.server_version(), "mariadb");
	query(mysql_statement, {database}, column_fields, [&](const remote::Cell *cells) {
		Table *const table = collector.find(database, text_of(cells[column_table]));
		if (table != nullptr)
			collector.add_column(*table,
			                     column_of(cells, json.contains(table->name, text_of(cells[column_name])), is_mariadb));
	});
}

void
read_indexes(CatalogQuery &query, const std::string &database, Collector &collector)
{
	std::string sql = "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, ";
	sql += has_index_expressions(query.server_version()) ? "LEFT(EXPRESSION, 1001)" : "NULL";
	sql += " FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";
	query(sql, {database}, index_fields, [&](const remote::Cell *cells) {
		Table *const table = collector.find(database, text_of(cells[index_table]));
		if (table == nullptr)
			return;
		std::string const name = text_of(cells[index_name]);
		bool const plain = cells[index_column].kind != remote::CellKind::null;
		std::string const column = text_of(cells[plain ? index_column : index_expression]);
		if (name == "PRIMARY")
			collector.add_primary_key_column(*table, column);
		else
			collector.add_index_column(*table, name, !truth_of(cells[index_not_unique]), column);
	});
}

} // namespace

void
read_mysql(CatalogQuery &query, const std::string &database, Collector &collector)
{
	read_tables(query, database, collector);
	read_columns(query, database, collector);
	read_indexes(query, database, collector);
	query(keys_statement, {database}, key_fields, [&](const remote::Cell *cells) {
		Table *const table = collector.find(database, text_of(cells[key_table]));
		if (table == nullptr)
			return;
		std::string const name = text_of(cells[key_name]);
		std::string to = text_of(cells[to_database]);
		if (truth_of(cells[folds]) && lower_ascii(to) == lower_ascii(database))
			to = database; /* as the connection spells it, where the server does not care */
		collector.add_key_column(*table, name, {name, {}, std::move(to), text_of(cells[to_table]), {}},
		                         text_of(cells[key_column]), text_of(cells[to_column]));
	});
}

} // namespace tenancy::catalog
