/*
 * libFuzzer target: any question about a schema of hostile names is refused, or becomes one statement that SQLite's own
 * parser takes: no word of the question or of a name gets out of its quotes. Pure regime.
 */
#include <memory>

#include <sqlite3.h>

#include "ask/builtin.hpp"
#include "fuzz.hpp"

using namespace tenancy;

namespace {

struct Close {
	void operator()(sqlite3 *database) const noexcept { sqlite3_close_v2(database); }
	void operator()(sqlite3_stmt *statement) const noexcept { sqlite3_finalize(statement); }
};

catalog::Column
column(std::string name, std::string type)
{
	catalog::Column made;
	made.name = std::move(name);
	made.type = std::move(type);
	return made;
}

/* Customers have orders; names are sensible, but for one column and one table that the input chooses. */
catalog::Schema
make_schema(const std::string &hostile_column, const std::string &hostile_table)
{
	catalog::Schema schema;
	schema.engine = remote::DatabaseType::sqlite;
	schema.default_schema = "main";
	catalog::Table customers;
	customers.schema = "main";
	customers.name = "customers";
	customers.kind = "table";
	customers.columns = {column("id", "bigint"), column("name", "text"), column("city", "text"),
	                     column(hostile_column, "text")};
	customers.primary_key = {"id"};
	catalog::Table orders = customers;
	orders.name = hostile_table;
	orders.columns = {column("id", "bigint"), column("customer_id", "bigint"), column("amount", "numeric"),
	                  column("ordered_at", "timestamp without time zone")};
	orders.foreign_keys = {{"fk", {"customer_id"}, "main", "customers", {"id"}}};
	schema.tables = {customers, orders};
	return schema;
}

std::string
quoted(const std::string &name)
{
	std::string out = "\"";
	for (char const c : name)
		out.append(c == '"' ? 2 : 1, c);
	return out + "\"";
}

std::string
statement_of(const catalog::Table &table)
{
	std::string sql = "CREATE TABLE " + quoted(table.name) + " (";
	for (std::size_t i = 0; i < table.columns.size(); ++i)
		sql += (i == 0 ? "" : ", ") + quoted(table.columns[i].name);
	return sql + ")";
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string const text(reinterpret_cast<const char *>(data), size);
	/* The names are pieces of the question, so that it can ask for them. */
	std::string const piece = text.substr(size / 2, size % 17);
	auto const schema = make_schema(piece, size % 2 == 0 ? "orders" : "orders" + piece);
	ask::Translation const made = ask::translate_builtin(schema, {text, 2026, 3, 31});
	fuzz::require(made.refused ? made.sql.empty() : !made.sql.empty());
	fuzz::require(!made.understood.empty());
	if (made.refused)
		return 0;
	sqlite3 *raw = nullptr;
	if (sqlite3_open(":memory:", &raw) != SQLITE_OK)
		return 0;
	std::unique_ptr<sqlite3, Close> const database(raw);
	/* Names that SQLite does not take cannot come from it. */
	for (auto const &table : schema.tables)
		if (table.name.find('\0') != std::string::npos ||
		    sqlite3_exec(raw, statement_of(table).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
			return 0;
	for (auto const &each : schema.tables.front().columns)
		if (each.name.find('\0') != std::string::npos)
			return 0;
	sqlite3_stmt *statement = nullptr;
	const char *rest = nullptr;
	fuzz::require(sqlite3_prepare_v2(raw, made.sql.c_str(), -1, &statement, &rest) == SQLITE_OK);
	std::unique_ptr<sqlite3_stmt, Close> const guard(statement);
	fuzz::require(statement != nullptr && sqlite3_stmt_readonly(statement) != 0 && *rest == 0);
	return 0;
}
