/*
 * The built-in translator where numbers and dates are many, bare, or said of groups. Either the one reading, or a
 * refusal.
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../ask/judge.hpp"
#include "ask/words.pure.hpp"
#include "waiter.hpp"

namespace {

using namespace ask_test;
using tenancy::ask::Translation;
using tenancy::remote::DatabaseType;

struct Asked {
	Schema schema;

	explicit Asked(const std::string &script) : schema(schema_of(Database(script), true)) {}

	std::string sql(std::string_view question, int month = 6, int day = 15) const
	{
		Translation const translation = tenancy::ask::translate_builtin(schema, {question, 2024, month, day});
		return translation.refused ? "refused: " + translation.understood : translation.sql;
	}
	bool refuses(std::string_view question) const { return ask(schema, std::string(question)).refused; }
	/* What follows WHERE, up to the end of that line, without the names of tables. */
	std::string condition(std::string_view question, int month = 6, int day = 15) const
	{
		std::string text = sql(question, month, day);
		if (std::size_t const at = text.find("\nWHERE "); at != text.npos)
			text = text.substr(at + 7, text.find('\n', at + 1) - at - 7);
		for (auto const &table : schema.tables)
			for (std::size_t at; (at = text.find("\"" + table.name + "\".")) != text.npos;)
				text.erase(at, table.name.size() + 3);
		return text;
	}
};

Asked
tuned(const char *name)
{
	return Asked(read_file(fs::path(TENANCY_TEST_DIRECTORY "/ask/tuned") / name));
}

TEST(AskNumber, ANumberThatNeitherCountsNorMeasuresIsRefused)
{
	Asked const shop = tuned("shop.sql");
	for (const char *const question :
	     {"orders 2024", "orders placed 2024", "orders for 100", "orders from 10 to 20", "orders from Germany or 100",
	      "customers with between 3 and 5 orders", "orders cheaper than 100 or 200"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
	EXPECT_EQ(shop.condition("orders over 1000"), "\"total\" > 1000");
	EXPECT_EQ(shop.condition("orders exactly 1000"), "\"total\" = 1000");
	EXPECT_EQ(shop.condition("orders of 100 or more"), "\"total\" >= 100");
	EXPECT_EQ(shop.condition("orders of 100 euros"), "\"total\" = 100");
	EXPECT_EQ(shop.condition("products with stock 3"), "\"stock\" = 3");
	EXPECT_EQ(tuned("school.sql").condition("courses with 3 credits"), "\"credits\" = 3");
	EXPECT_EQ(shop.condition("customers with 3 orders"),
	          "(SELECT COUNT(*) FROM \"orders\" WHERE \"customer_id\" = \"id\") = 3");
}

TEST(AskNumber, SeveralNumbersOfOneColumnAreAlternatives)
{
	Asked const shop = tuned("shop.sql"), school = tuned("school.sql");
	for (const char *const question :
	     {"reviews with rating 1, 2 or 3", "reviews with rating 1, 2 and 3", "reviews with rating exactly 1, 2, or 3"})
		EXPECT_EQ(shop.condition(question), "\"rating\" IN (1, 2, 3)") << question;
	EXPECT_EQ(shop.condition("reviews with rating 4 and 5"), "\"rating\" IN (4, 5)");
	EXPECT_EQ(shop.condition("orders of 100 or 200 euros"), "\"total\" IN (100, 200)");
	EXPECT_EQ(school.condition("courses with 3, 4 or 5 credits"), "\"credits\" IN (3, 4, 5)");
	EXPECT_EQ(school.condition("students in grade 9 and 10"), "\"grade_level\" IN (9, 10)");
	EXPECT_TRUE(shop.sql("products with rating 4 and 5 reviews").ends_with(") = 5"));
	for (const char *const question : {"customers with 3 or 4 orders", "reviews with rating 1 or 2 or more"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
}

TEST(AskNumber, WhatNoRowCanMeetIsRefused)
{
	Asked const shop = tuned("shop.sql"), school = tuned("school.sql");
	for (const char *const question :
	     {"orders in March and since May", "orders ordered in 2022 with items and ordered in 2023",
	      "customers in Berlin from Munich", "customers with orders in 2022 and since 2023"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
	EXPECT_TRUE(school.refuses("students in grade 9 and in grade 10"));
	EXPECT_EQ(shop.condition("orders since March and before May"),
	          "\"ordered_on\" >= '2024-03-01' AND \"ordered_on\" < '2024-05-01'");
	EXPECT_EQ(school.condition("students in grade 9 or in grade 10"), "(\"grade_level\" = 9 OR \"grade_level\" = 10)");
}

/* The condition on a date; more than one range: any of them. */
std::string
dated(const std::string &column, const std::vector<std::pair<std::string, std::string>> &ranges)
{
	std::string text;
	for (auto const &[from, until] : ranges)
		text += (text.empty() ? "" : " OR ") + column + " >= '" + from + "' AND " + column + " < '" + until + "'";
	return ranges.size() > 1 ? "(" + text + ")" : text;
}

TEST(AskNumber, SeveralDatesAreAlternatives)
{
	Asked const shop = tuned("shop.sql");
	auto const ordered = [](const std::vector<std::pair<std::string, std::string>> &ranges) {
		return dated("\"ordered_on\"", ranges);
	};
	EXPECT_EQ(shop.condition("orders in 2023 and 2024"), ordered({{"2023-01-01", "2025-01-01"}}));
	EXPECT_EQ(shop.condition("orders in 2022, 2023"), ordered({{"2022-01-01", "2024-01-01"}}));
	EXPECT_EQ(shop.condition("orders in 2020, 2022 or in 2023"),
	          ordered({{"2020-01-01", "2021-01-01"}, {"2022-01-01", "2024-01-01"}}));
	EXPECT_EQ(shop.condition("orders in Q1 and Q2 2024"), ordered({{"2024-01-01", "2024-07-01"}}));
	EXPECT_EQ(shop.condition("total revenue in March and May 2023"),
	          ordered({{"2023-03-01", "2023-04-01"}, {"2023-05-01", "2023-06-01"}}));
	EXPECT_EQ(shop.condition("orders this month and last month"), ordered({{"2024-05-01", "2024-07-01"}}));
	EXPECT_EQ(shop.condition("orders in December and January", 1), ordered({{"2023-12-01", "2024-02-01"}}));
	EXPECT_EQ(shop.condition("orders from Germany or in March or May 2024"),
	          "(\"country\" = 'Germany' OR " +
	              ordered({{"2024-03-01", "2024-04-01"}, {"2024-05-01", "2024-06-01"}}).substr(1));
	for (const char *const question : {"orders from 1 to 15 March", "orders between 1 and 15 March 2024"})
		EXPECT_EQ(shop.condition(question), ordered({{"2024-03-01", "2024-03-16"}})) << question;
	for (const char *const question :
	     {"orders in March 2023 or 2024", "orders in March and 2024", "orders in March 2023 and April",
	      "orders in November and February 2024", "orders since March or April", "orders in March and July",
	      "orders between March and April and May", "orders from 15 to 1 March", "orders from 257 to 15 March",
	      "orders on 257 March", "orders from 1 to 31 February", "orders this month and last month and in 2022"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);

	Asked const films("CREATE TABLE films (id integer PRIMARY KEY, title varchar(60), year integer)");
	EXPECT_EQ(films.condition("films in 2021 or 2023"), "(\"year\" = 2021 OR \"year\" = 2023)");
	EXPECT_EQ(films.condition("films in 2022 and 2023"), "\"year\" >= 2022 AND \"year\" < 2024");
}

/* Customers who ordered in both years are others than those who ordered in any. */
TEST(AskNumber, AndOfRowsOfWhichSomeAreMeantIsRefused)
{
	Asked const shop = tuned("shop.sql");
	for (const char *const question :
	     {"customers with orders in 2021 and 2023", "products with rating 4 and 5",
	      "customers with orders that are pending and shipped", "customers with orders in 2022, 2023"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
	std::string const either = dated("\"ordered_on\"", {{"2021-01-01", "2022-01-01"}, {"2023-01-01", "2024-01-01"}});
	EXPECT_NE(shop.sql("customers with orders in 2021 or 2023").find("WHERE EXISTS"), std::string::npos);
	EXPECT_TRUE(shop.condition("customers without orders in 2021 and 2023").ends_with(either + ")"));
	EXPECT_TRUE(shop.condition("customers with more than 2 orders in 2021 and 2023").ends_with(either + ") > 2"));
}

TEST(AskNumber, AComparisonBehindGroupsChoosesGroups)
{
	Asked const shop = tuned("shop.sql");
	auto const having = [&](const char *question) {
		std::string const sql = shop.sql(question);
		std::size_t const at = sql.find("\nHAVING ");
		return at == sql.npos ? sql : sql.substr(at + 8, sql.find('\n', at + 1) - at - 8);
	};
	EXPECT_EQ(having("number of orders per customer greater than 3"), "COUNT(*) > 3");
	EXPECT_EQ(having("number of orders per customer, 3 or more"), "COUNT(*) >= 3");
	EXPECT_EQ(having("orders per customer in 2023 more than 2"), "COUNT(*) > 2");
	EXPECT_EQ(shop.condition("orders per customer in 2023 more than 2"),
	          dated("\"ordered_on\"", {{"2023-01-01", "2024-01-01"}}));
	EXPECT_EQ(having("customers with their number of orders over 3"), "COUNT(*) > 3");
	EXPECT_EQ(having("revenue per month over 1000"), "SUM(\"orders\".\"total\") > 1000");
	/* Rows are compared where they are what stands before the number. */
	for (const char *const question :
	     {"number of orders over 1000 per customer", "customers per country with orders over 1000"})
		EXPECT_NE(shop.sql(question).find("\"total\" > 1000"), std::string::npos) << question;
	EXPECT_EQ(shop.condition("products per category with stock over 10"), "\"stock\" > 10");
	for (const char *const question :
	     {"number of orders per customer between 3 and 5", "number of orders per customer over 1000 euros",
	      "number of orders per customer from Germany over 3 or in 2024", "orders per customer of 3",
	      "highest and lowest price per category above 100", "number of orders per customer over 3 and under 9"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
	Asked const visits("CREATE TABLE visits (id integer PRIMARY KEY, place varchar(60), seen_on date)");
	EXPECT_TRUE(visits.refuses("maximum seen on per place over 3"));
	EXPECT_FALSE(visits.refuses("maximum seen on per place"));
}

TEST(AskNumber, SignsOfComparisonAreReadWhole)
{
	Asked const shop = tuned("shop.sql");
	EXPECT_EQ(shop.condition("products with price != 100"), "\"price\" <> 100");
	EXPECT_EQ(shop.condition("products with price<>100"), "\"price\" <> 100");
	EXPECT_EQ(shop.condition("products with price <= 100"), "\"price\" <= 100");
	EXPECT_EQ(shop.condition("products with price >= 100!"), "\"price\" >= 100");
	EXPECT_EQ(shop.condition("All orders! From Germany !"), "\"country\" = 'Germany'");
	for (const char *const question :
	     {"products with price ! 100", "products with price !100", "products with price !! 100",
	      "products with price >< 100", "products with price !> 100", "customers with country != Germany",
	      "products with price != 100 or more"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
}

TEST(AskNumber, SoManyDaysAreThatManyWithToday)
{
	Asked const shop = tuned("shop.sql");
	auto const expect = [&](const char *question, const char *from, const char *until, int month = 6, int day = 15) {
		EXPECT_EQ(shop.condition(question, month, day), dated("\"ordered_on\"", {{from, until}})) << question;
	};
	expect("orders in the last 7 days", "2024-06-09", "2024-06-16");
	expect("orders in the next 7 days", "2024-06-15", "2024-06-22");
	expect("orders in the last 2 weeks", "2024-06-02", "2024-06-16");
	expect("orders in the last 3 months", "2024-03-16", "2024-06-16");
	expect("orders in the last quarter", "2024-01-01", "2024-04-01");
	expect("orders in the next 3 months", "2024-06-15", "2024-09-15");
	expect("orders in the last 1 month", "2024-03-01", "2024-04-01", 3, 31);
	expect("orders in the last 1 month", "2024-01-30", "2024-03-01", 2, 29);
	expect("orders in the next 1 month", "2024-01-31", "2024-03-01", 1, 31);
	expect("orders in the past week", "2024-06-09", "2024-06-16");
	expect("orders in the past month", "2024-05-16", "2024-06-16");
	expect("orders in the past year", "2023-06-16", "2024-06-16");
	expect("orders last week", "2024-06-03", "2024-06-10");
	expect("orders in the previous month", "2024-05-01", "2024-06-01");
}

TEST(AskNumber, NothingBehindAComparedNumberIsDropped)
{
	Asked const shop = tuned("shop.sql");
	EXPECT_EQ(shop.condition("products with stock over 100 discontinued"),
	          "\"stock\" > 100 AND \"discontinued\" = TRUE");
	EXPECT_EQ(shop.condition("products with price 10, stock 5"), "\"price\" = 10 AND \"stock\" = 5");
	EXPECT_EQ(tuned("clinic.sql").condition("appointments longer than 30 minutes"), "\"DurationMinutes\" > 30");
}

/* Only 5 to 20 is a range; two numbers that bound the same side, or leave nothing between them, are of two columns. */
TEST(AskNumber, ComparisonsThatMakeNoRangeShareNoNoun)
{
	Asked const shop = tuned("shop.sql");
	std::string const items = "(SELECT COUNT(*) FROM \"order_items\" WHERE \"order_id\" = \"id\")",
					  same = "(SELECT COUNT(*) FROM \"order_items\" AS \"order_items_2\" "
							 "WHERE \"order_items_2\".\"order_id\" = \"id\")";
	EXPECT_EQ(shop.condition("orders over 100 and more than 3 items"), "\"total\" > 100 AND " + items + " > 3");
	EXPECT_EQ(shop.condition("orders over 100 and fewer than 3 items"), "\"total\" > 100 AND " + items + " < 3");
	EXPECT_EQ(shop.condition("orders of 100 or more and at least 3 items"), "\"total\" >= 100 AND " + items + " >= 3");
	EXPECT_EQ(shop.condition("orders with over 3 and under 20 items"), items + " > 3 AND " + same + " < 20");
	EXPECT_EQ(shop.condition("orders with under 20 and at least 3 items"), items + " < 20 AND " + same + " >= 3");
	Asked const goods("CREATE TABLE products (id integer PRIMARY KEY, name varchar(60), price numeric(10,2), "
	                  "weight_kg numeric(10,2))");
	for (const char *const question : {"products over 100 and over 5 kg", "products over 100 and under 5 kg"})
		EXPECT_TRUE(goods.refuses(question)) << question << "\n" << goods.sql(question);
	EXPECT_EQ(goods.condition("products over 5 and under 20 kg"), "\"weight_kg\" > 5 AND \"weight_kg\" < 20");
	EXPECT_EQ(goods.condition("products over 20 or under 5 kg"), "(\"weight_kg\" > 20 OR \"weight_kg\" < 5)");
}

TEST(AskNumber, AnApostropheIsPartOfTheText)
{
	Asked const shop = tuned("shop.sql");
	EXPECT_EQ(shop.condition("products whose name contains O'Brien"),
	          "LOWER(\"name\") LIKE LOWER('%O''Brien%') ESCAPE '!'");
	EXPECT_EQ(shop.condition("products whose name contains Señora's"),
	          "LOWER(\"name\") LIKE LOWER('%Señora%') ESCAPE '!'");
	EXPECT_EQ(shop.condition("products whose name contains Zoé\xe2\x80\x99mar"),
	          "LOWER(\"name\") LIKE LOWER('%Zoé\xe2\x80\x99mar%') ESCAPE '!'");
	for (const char *const question : {"customers who don't have orders", "customers who don\xe2\x80\x99t have orders"})
		EXPECT_EQ(shop.sql(question), shop.sql("customers without orders"));
	EXPECT_EQ(shop.sql("customers\xe2\x80\x99 emails"), shop.sql("customers' emails"));
	EXPECT_TRUE(shop.refuses("\xe2\x80\x99"));
	auto const words = tenancy::ask::split_question("Zoé\xe2\x80\x99mars");
	ASSERT_EQ(words.size(), 1u);
	EXPECT_EQ(words[0].folded, "zoemars");
	EXPECT_EQ(words[0].stem, "zoemar");
}

TEST(AskNumber, WhatOrJoinsIsToldFromWhatAndJoins)
{
	Schema const shop = tuned("shop.sql").schema;
	auto const where = [&](const char *question) {
		std::string const said = ask(shop, question).understood;
		return said.substr(std::min(said.find(", where ") + 8, said.size()));
	};
	EXPECT_EQ(where("products cheaper than 50 or with a stock over 100 that are discontinued"),
	          "either price is less than 50 or stock is more than 100, and discontinued is true");
	EXPECT_EQ(where("customers from Germany or France with orders"),
	          "country is 'Germany' or 'France', and there are orders");
	EXPECT_EQ(where("customers from Germany with orders"), "country is 'Germany' and there are orders");
}

/* Customers with unique indexes of two columns each, and orders with as many keys to columns of them. */
Schema
schema_of_keys(int keys, tenancy::remote::DatabaseType engine)
{
	Schema schema;
	schema.engine = engine;
	schema.default_schema = "main";
	for (const char *const name : {"customers", "orders"}) {
		auto &table = schema.tables.emplace_back();
		table.schema = "main";
		table.name = name;
		table.kind = "table";
		for (int i = 0; i <= keys; ++i) {
			auto &column = table.columns.emplace_back();
			column.name = "Field_" + std::to_string(i);
			column.type = "integer";
		}
		auto &city = table.columns.emplace_back();
		city.name = std::string(name) == "customers" ? "city" : "street";
		city.type = "text";
	}
	for (int i = 0; i < keys; ++i) {
		std::string const field = std::to_string(i), next = std::to_string(i + 1);
		schema.tables[0].indexes.push_back({"i" + field, true, {"Field_" + next, "Field_" + field}});
		schema.tables[1].foreign_keys.push_back(
			{"k" + field, {"Field_" + field, "Field_0"}, "main", "customers", {"field_" + field, "field_0"}});
	}
	return schema;
}

TEST(AskNumber, ManyKeysCanBeInterruptedAndAreFoundWhateverTheirOrder)
{
	constexpr int keys = 200;
	Schema of = schema_of_keys(keys, DatabaseType::mysql);
	tenancy::test::PollWaiter waiter;
	auto const asked = [&](const Schema &schema) {
		auto const translation = tenancy::ask::translate_builtin(schema, {"orders per city", 2024, 6, 15}, &waiter);
		return translation.refused ? translation.understood : translation.sql;
	};
	/* Only the second key refers to an index: to its columns in another order, in letters of another size. */
	EXPECT_NE(asked(of).find("`field_1` = `orders`.`Field_1`"), std::string::npos) << asked(of);
	EXPECT_GT(waiter.serves(), 2 * keys);
	of.tables[0].indexes[0].unique = false;
	EXPECT_TRUE(asked(of).starts_with("Not understood")) << asked(of);
	of.tables[0].indexes[0].unique = true;
	of.engine = DatabaseType::postgresql;
	EXPECT_TRUE(asked(of).starts_with("Not understood")) << asked(of);

	waiter.interrupt();
	EXPECT_THROW((void) asked(of), tenancy::test::Interrupted);
}

TEST(AskNumber, WordsWithTooManyMeaningsAreRefused)
{
	Schema schema = schema_of_keys(0, DatabaseType::sqlite);
	schema.tables.resize(1);
	for (int i = 0; i < 10000; ++i) {
		auto &column = schema.tables[0].columns.emplace_back();
		column.name = "ordered_" + std::to_string(i);
		column.type = "date";
	}
	tenancy::test::PollWaiter waiter;
	auto const said = [&](int times) {
		std::string question = "customers";
		for (int i = 0; i < times; ++i)
			question += " ordered";
		return tenancy::ask::translate_builtin(schema, {question, 2024, 6, 15}, &waiter).understood;
	};
	std::string const refusal = "the words may mean more than can be compared";
	EXPECT_EQ(said(2).find(refusal), std::string::npos) << said(2);
	EXPECT_GT(waiter.serves(), 10000); /* also where one table has all columns */
	EXPECT_NE(said(70).find(refusal), std::string::npos) << said(70);
}

} // namespace
