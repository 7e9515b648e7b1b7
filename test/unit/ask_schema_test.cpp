/*
 * The built-in translator on schemas that are out of the ordinary: names without letters, webs of keys, keys that may
 * be missing or refer to what is not unique, and work that has to be interruptible.
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "../ask/judge.hpp"
#include "waiter.hpp"

namespace {

using namespace ask_test;
using namespace tenancy;
using ask::Translation;
using catalog::Column;
using catalog::Table;

Column
column(std::string name, std::string type, bool nullable = true)
{
	Column made;
	made.name = std::move(name);
	made.type = std::move(type);
	made.nullable = nullable;
	return made;
}

Table
table(std::string name, std::vector<Column> columns)
{
	Table made;
	made.schema = "main";
	made.name = std::move(name);
	made.kind = "table";
	made.columns = std::move(columns);
	made.columns.insert(made.columns.begin(), column("id", "bigint", false));
	made.primary_key = {"id"};
	return made;
}

void
refer(Table &from, const std::string &by, const std::string &to, const std::string &referenced = "id")
{
	from.foreign_keys.push_back({by, {by}, "main", to, {referenced}});
}

Schema
schema(std::vector<Table> tables)
{
	Schema made;
	made.engine = remote::DatabaseType::sqlite;
	made.default_schema = "main";
	made.tables = std::move(tables);
	return made;
}

std::string
sql_of(const Schema &of, std::string_view question)
{
	Translation const translation = ask::translate_builtin(of, {question, 2024, 6, 15});
	return translation.refused ? "refused: " + translation.understood : translation.sql;
}

TEST(AskSchema, NamesMayHaveNeitherLettersNorDigits)
{
	for (const char *const name : {"___", "$", "…", ""}) {
		Schema const pets = schema({table(name, {column("pet_name", "text"), column("#", "integer")})});
		EXPECT_TRUE(sql_of(pets, "how many pets in 2024").starts_with("refused"));
	}
	Schema const things = schema({table("things", {column("#", "integer"), column("name", "text")})});
	EXPECT_TRUE(sql_of(things, "how many things in 2024").starts_with("refused"));
	Schema const albums = schema({table("albums", {column("year", "integer"), column("#", "integer")})});
	EXPECT_EQ(sql_of(albums, "how many albums in 2024"),
	          "SELECT COUNT(*) AS \"count\"\nFROM \"albums\"\n"
	          "WHERE \"albums\".\"year\" >= 2024 AND \"albums\".\"year\" < 2025");
}

/*
 * Tables of which each refers to the next so many times: no search may go through all ways, and none may dereference
 * what it did not find.
 */
Schema
web(int keys)
{
	Table links = table("links", {column("cat_id", "bigint"), column("team_id", "bigint")});
	Table cats = table("cats", {column("name", "text")}), teams = table("teams", {column("name", "text")});
	Table u = table("u", {}), v = table("v", {}), w = table("w", {column("grade", "text")});
	refer(links, "cat_id", "cats");
	refer(links, "team_id", "teams");
	for (auto const &[from, to] : {std::pair{&teams, "u"}, {&u, "v"}, {&v, "w"}})
		for (int i = 0; i < keys; ++i) {
			from->columns.push_back(column(std::string(to) + std::to_string(i), "bigint"));
			refer(*from, from->columns.back().name, to);
		}
	return schema({links, cats, teams, u, v, w});
}

TEST(AskSchema, AWebOfKeysIsNoWay)
{
	for (int const keys : {1, 27, 100}) {
		Schema const of = web(keys);
		EXPECT_NE(sql_of(of, "how many cats per team").find("COUNT(DISTINCT"), std::string::npos)
			<< keys << sql_of(of, "how many cats per team");
		EXPECT_EQ(sql_of(of, "teams with grade \"A\"").starts_with("refused"), keys > 1) << keys;
	}
}

/* The same column in thousands of tables that no key leads to, and in hundreds that one does. */
TEST(AskSchema, ManyTablesAreNoReasonToSearchForLong)
{
	std::vector<Table> tables{table("orders", {column("amount", "numeric")})};
	for (int i = 0; i < 300; ++i) {
		std::string const name = "part" + std::to_string(i);
		tables.push_back(table(name, {column("colour", "text")}));
		tables[0].columns.push_back(column(name + "_id", "bigint"));
		refer(tables[0], name + "_id", name);
		for (int next = 1; next < 4; ++next) {
			std::string const other = "part" + std::to_string((i + next * 7) % 300);
			tables[static_cast<std::size_t>(i) + 1].columns.push_back(column(other + "_id", "bigint"));
			refer(tables[static_cast<std::size_t>(i) + 1], other + "_id", other);
		}
	}
	for (int i = 0; i < 5000; ++i)
		tables.push_back(table("lost" + std::to_string(i), {column("colour", "text")}));
	Schema const of = schema(std::move(tables));
	test::PollWaiter waiter;
	auto const started = std::chrono::steady_clock::now();
	Translation const translation =
		ask::translate_builtin(of, {"orders whose colour is \"red\"", 2024, 6, 15}, &waiter);
	EXPECT_TRUE(translation.refused);
	EXPECT_LE(translation.understood.size(), 400U);
	EXPECT_GT(waiter.serves(), 5000);
	RecordProperty(
		"milliseconds",
		static_cast<int>(
			std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started).count()));

	waiter.interrupt();
	EXPECT_THROW((void) ask::translate_builtin(of, {"orders", 2024, 6, 15}, &waiter), test::Interrupted);
}

/* Orders may lack a customer; each customer has a city. */
Schema
cities()
{
	Table cities = table("cities", {column("city_name", "text", false)});
	Table customers =
		table("customers", {column("name", "text"), column("email", "text"), column("city_id", "bigint", false)});
	Table orders = table("orders", {column("customer_id", "bigint"), column("total", "numeric", false)});
	Table tickets = table("tickets", {column("customer_id", "bigint", false), column("topic", "text")});
	refer(customers, "city_id", "cities");
	refer(orders, "customer_id", "customers");
	refer(tickets, "customer_id", "customers");
	return schema({cities, customers, orders, tickets});
}

const char *const rows_of_cities = "CREATE TABLE cities (id, city_name); INSERT INTO cities VALUES (1, 'Bern');"
								   "CREATE TABLE customers (id, name, email, city_id);"
								   "INSERT INTO customers VALUES (1, 'Ada', NULL, 1), (2, 'Bob', 'b@example.com', 1);"
								   "CREATE TABLE orders (id, customer_id, total);"
								   "INSERT INTO orders VALUES (1, 1, 10), (2, NULL, 20), (3, 2, 30);"
								   "CREATE TABLE tickets (id, customer_id, topic);"
								   "INSERT INTO tickets VALUES (1, 1, 'late');";

std::vector<std::string>
ids_of(std::string_view question)
{
	std::vector<std::string> ids;
	std::string const sql = sql_of(cities(), question);
	if (sql.starts_with("refused"))
		return {sql};
	for (auto const &row : Database(rows_of_cities).rows(sql))
		ids.push_back(row[0]);
	std::ranges::sort(ids);
	return ids;
}

TEST(AskSchema, AListKeepsRowsThatLackWhatIsShownBesideThem)
{
	using Ids = std::vector<std::string>;
	EXPECT_EQ(ids_of("orders and city name"), (Ids{"1", "2", "3"})) << sql_of(cities(), "orders and city name");
	EXPECT_EQ(ids_of("orders from customers with no email"), (Ids{"1"}));
}

TEST(AskSchema, RelatedRowsMayBeginAboveTheBase)
{
	std::string const sql = sql_of(cities(), "orders without tickets");
	EXPECT_EQ(sql.find("AS \"\""), std::string::npos) << sql;
	EXPECT_EQ(ids_of("orders with tickets"), std::vector<std::string>{"1"});
}

TEST(AskSchema, AKeyToWhatIsNotUniqueIsNoWay)
{
	Table codes = table("codes", {column("code", "text"), column("label", "text")});
	Table items = table("items", {column("code", "text")});
	refer(items, "code", "codes", "code");
	EXPECT_TRUE(sql_of(schema({codes, items}), "number of items per label").starts_with("refused"));
	codes.indexes.push_back({"codes_code", true, {"Code"}});
	EXPECT_NE(sql_of(schema({codes, items}), "number of items per label").find("JOIN \"codes\""), std::string::npos);
	codes.indexes[0].unique = false;
	EXPECT_TRUE(sql_of(schema({codes, items}), "number of items per label").starts_with("refused"));
}

} // namespace
