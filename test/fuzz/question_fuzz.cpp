/*
 * libFuzzer target: any question about a schema of hostile names is refused, or becomes one statement that SQLite's own
 * parser takes: no word of the question or of a name gets out of its quotes. Pure regime.
 */
#include <cstring>
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

/* What the first bytes of an input say of the schema that the rest asks about. */
struct Shape {
	unsigned char tables, keys, names, columns;
};

/* Names with no letter, names that the grammar knows, and a piece of the question, so that it can ask for it. */
std::string
name_of(unsigned which, const std::string &piece)
{
	static constexpr const char *const names[] = {"___",      "$",    "#",      "…",         "orders",     "customers",
	                                              "pet_name", "year", "amount", "status",    "birth_date", "is_old",
	                                              "price",    "name", "total",  "created_at"};
	constexpr unsigned count = sizeof names / sizeof *names;
	which %= count + 1;
	return which == count ? piece : names[which];
}

void
add_column(catalog::Table &table, std::string name, unsigned type)
{
	static constexpr const char *const types[] = {"text", "integer", "date", "numeric", "boolean"};
	for (auto const &known : table.columns)
		if (known.name == name)
			return;
	table.columns.push_back(column(std::move(name), types[type % 5]));
	table.columns.back().nullable = type % 3 != 0;
	if (type % 5 == 0)
		table.columns.back().values = {"open", "Germany", "or"};
}

/* Customers have orders; beside them stand tables of any name, each with keys to others: chains, webs, circles. */
catalog::Schema
make_schema(const Shape &shape, const std::string &piece)
{
	constexpr unsigned most_tables = 24, most_keys = 30;
	catalog::Schema schema;
	schema.engine = remote::DatabaseType::sqlite;
	schema.default_schema = "main";
	unsigned const count = 2 + shape.tables % most_tables;
	for (unsigned i = 0; i < count; ++i) {
		catalog::Table table;
		table.schema = "main";
		table.kind = "table";
		table.name = i == 0   ? "customers"
		             : i == 1 ? "orders" + name_of(shape.names, piece)
		                      : name_of(shape.names + i, piece);
		for (auto const &known : schema.tables)
			if (known.name == table.name)
				table.name += "_" + std::to_string(i);
		table.columns = {column("id", "bigint"), column("name", "text"), column("city", "text")};
		table.columns[0].nullable = false;
		table.primary_key = {"id"};
		for (unsigned c = 0; c < 1 + shape.columns % 6u; ++c)
			add_column(table, name_of(shape.columns + i + c * 5, piece), shape.names + i + c);
		schema.tables.push_back(std::move(table));
	}
	for (unsigned i = 1; i < count; ++i)
		for (unsigned k = 0; k < 1 + shape.keys % most_keys; ++k) {
			auto &table = schema.tables[i];
			std::string const by = k == 0 ? "customer_id" : "key" + std::to_string(k);
			std::string const to = schema.tables[k == 0 ? 0 : (i + 1 + (k & shape.columns) % 4) % count].name;
			add_column(table, by, 1 + k % 2 * 2);
			table.foreign_keys.push_back({by, {by}, "main", to, {"id"}});
		}
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
	Shape shape{};
	if (size < sizeof shape)
		return 0;
	std::memcpy(&shape, data, sizeof shape);
	std::string const text(reinterpret_cast<const char *>(data) + sizeof shape, size - sizeof shape);
	auto const schema = make_schema(shape, text.substr(text.size() / 2, text.size() % 17));
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
		if (statement_of(table).find('\0') != std::string::npos ||
		    sqlite3_exec(raw, statement_of(table).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
			return 0;
	sqlite3_stmt *statement = nullptr;
	const char *rest = nullptr;
	fuzz::require(sqlite3_prepare_v2(raw, made.sql.c_str(), -1, &statement, &rest) == SQLITE_OK);
	std::unique_ptr<sqlite3_stmt, Close> const guard(statement);
	fuzz::require(statement != nullptr && sqlite3_stmt_readonly(statement) != 0 && *rest == 0);
	return 0;
}
