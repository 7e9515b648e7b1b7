/*
 * libFuzzer target: a name in the quotes of a dialect is read as the same name again, by our own readers, by SQLite,
 * and in the statements that make foreign tables of a hostile server's names. Pure regime.
 */
#include <memory>
#include <vector>

#include <sqlite3.h>

#include "ask/check.pure.hpp"
#include "catalog/names.pure.hpp"
#include "core/pgtype.hpp"
#include "fdw/import.pure.hpp"
#include "fuzz.hpp"

using namespace tenancy;
using remote::DatabaseType;

namespace {

struct Close {
	void operator()(sqlite3 *database) const noexcept { sqlite3_close_v2(database); }
	void operator()(sqlite3_stmt *statement) const noexcept { sqlite3_finalize(statement); }
};

/* The quoted pieces of a statement as PostgreSQL reads them, and what is around them. */
struct Pieces {
	std::string skeleton;
	std::vector<std::string> texts;
};

Pieces
read_pieces(const std::string &sql)
{
	Pieces pieces;
	for (std::size_t i = 0; i < sql.size(); ++i) {
		char const quote = sql[i];
		if (quote != '"' && quote != '\'') {
			pieces.skeleton += quote;
			continue;
		}
		/* After E a backslash takes the next character with it; elsewhere none may be, as a setting decides on it. */
		bool const escapes = quote == '\'' && pieces.skeleton.ends_with('E');
		if (escapes)
			pieces.skeleton.pop_back();
		std::string text;
		for (++i;; ++i) {
			fuzz::require(i < sql.size());
			if (sql[i] == quote && (i + 1 == sql.size() || sql[i + 1] != quote))
				break;
			fuzz::require(quote == '"' || escapes || sql[i] != '\\');
			if (sql[i] == quote || (escapes && sql[i] == '\\'))
				++i;
			text += sql[i];
		}
		pieces.skeleton += quote;
		pieces.texts.push_back(std::move(text));
	}
	return pieces;
}

void
check_import(const std::string &name, const std::string &other)
{
	fdw::ImportedColumn column;
	column.name = column.local_name = name;
	column.type_oid = core::pgtype::text;
	column.native_type = other;
	column.collation = name;
	column.key = true;
	fdw::ImportedTable table;
	table.name = other;
	table.local_name = name;
	table.columns = {column, column};
	fdw::ImportedSchema schema;
	schema.schema = name;
	std::string const local_schema = "s" + other; /* an empty one is left out */
	Pieces const pieces = read_pieces(schema.create_statement(table, local_schema, name, {}));

	fuzz::require(pieces.skeleton == "CREATE FOREIGN TABLE \".\" (\n"
	                                 "\t\" pg_catalog.\" OPTIONS (column_name ', native_type ', collation ', key '),\n"
	                                 "\t\" pg_catalog.\" OPTIONS (column_name ', native_type ', collation ', key ')\n"
	                                 ") SERVER \" OPTIONS (schema_name ', table_name ')");
	std::vector<std::string> const columns = {name, "text", name, other, name, "true"};
	std::vector<std::string> expected = {local_schema, name};
	expected.insert(expected.end(), columns.begin(), columns.end());
	expected.insert(expected.end(), columns.begin(), columns.end());
	expected.insert(expected.end(), {name, name, other});
	fuzz::require(pieces.texts == expected);
}

/* SQLite gives the column the name, and finds the table by it. */
void
check_with_sqlite(const std::string &name)
{
	if (name.find('\0') != std::string::npos)
		return;
	sqlite3 *raw = nullptr;
	fuzz::require(sqlite3_open(":memory:", &raw) == SQLITE_OK);
	std::unique_ptr<sqlite3, Close> const database(raw);
	std::string const text = catalog::quoted(name, DatabaseType::sqlite);
	sqlite3_stmt *statement = nullptr;
	const char *rest = nullptr;
	std::string const sql = "SELECT 1 AS " + text;
	fuzz::require(sqlite3_prepare_v2(raw, sql.c_str(), -1, &statement, &rest) == SQLITE_OK && *rest == 0);
	std::unique_ptr<sqlite3_stmt, Close> const guard(statement);
	fuzz::require(sqlite3_column_name(statement, 0) == name);
}

void
check_engine(DatabaseType engine, const std::string &name, const std::string &other)
{
	catalog::Schema schema;
	schema.engine = engine;
	schema.default_schema = "main";
	catalog::Table table, decoy;
	table.schema = other;
	table.name = name;
	catalog::Column column;
	column.name = name;
	table.columns = {column};
	decoy.schema = other + "x";
	decoy.name = name + "x";
	schema.tables = {decoy, table};

	const catalog::Table *const wanted = &schema.tables[1];
	fuzz::require(catalog::find_table(schema, catalog::qualified(other, name, engine)) == wanted);
	fuzz::require(catalog::find_table(schema, catalog::quoted(name, engine)) == wanted);
	/* Of a backslash before a quote the check cannot know what a server's settings make of it. */
	if (name.find('\\') == std::string::npos && other.find('\\') == std::string::npos)
		fuzz::require(ask::objection_to(engine, catalog::sample_statement(schema, table, 5), &schema).empty());
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	std::string const name = input.ConsumeRandomLengthString(200);
	std::string const other = input.ConsumeRemainingBytesAsString();
	for (DatabaseType const engine : {DatabaseType::postgresql, DatabaseType::mysql, DatabaseType::sqlite})
		check_engine(engine, name, other);
	check_with_sqlite(name);
	check_import(name, other);
	return 0;
}
