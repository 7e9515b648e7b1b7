/*
 * The built-in translator where words look like others: values like small words, values that differ in signs, nouns
 * side by side, names like other names, numbers that do not count. Either the one reading, or a refusal.
 */
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "../ask/judge.hpp"

namespace {

using namespace ask_test;
using tenancy::ask::Translation;

constexpr const char *tables = R"(
CREATE TABLE customers (id integer PRIMARY KEY, name varchar(40) NOT NULL, country varchar(2) NOT NULL, city varchar(40) NOT NULL);
CREATE TABLE patients (id integer PRIMARY KEY, name varchar(40) NOT NULL, blood_type varchar(3));
CREATE TABLE departments (id integer PRIMARY KEY, name varchar(40) NOT NULL, budget integer NOT NULL);
CREATE TABLE employees (id integer PRIMARY KEY, department_id integer NOT NULL REFERENCES departments (id),
	full_name varchar(40) NOT NULL, language varchar(10) NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id), status varchar(20) NOT NULL,
	total numeric(10,2) NOT NULL, ordered_on date NOT NULL, destination varchar(30) NOT NULL);
CREATE TABLE stores (id integer PRIMARY KEY, name varchar(40) NOT NULL, distance_km integer NOT NULL);
CREATE TABLE buildings (id integer PRIMARY KEY, name varchar(40) NOT NULL, height integer NOT NULL);
CREATE TABLE shifts (id integer PRIMARY KEY, store_id integer NOT NULL REFERENCES stores (id), rating integer NOT NULL,
	hours integer NOT NULL);
CREATE TABLE parts (id integer PRIMARY KEY, sku varchar(10) NOT NULL, origin varchar(20) NOT NULL);
INSERT INTO customers VALUES (1, 'Anna Weiss', 'DE', 'Berlin'), (2, 'Maria Rossi', 'IT', 'Rome'), (3, 'Bea Roy', 'IN', 'Delhi'),
	(4, 'Eva Maes', 'BE', 'Gent'), (5, 'Max Auer', 'AT', 'Wien'), (6, 'Ola Dahl', 'NO', 'Oslo');
INSERT INTO patients VALUES (1, 'X', 'A'), (2, 'Y', 'B+'), (3, 'Z', 'B-');
INSERT INTO departments VALUES (1, 'Sales', 10);
INSERT INTO employees VALUES (1, 1, 'Ann Bell', 'C'), (2, 1, 'Al Bell', 'C++');
INSERT INTO orders VALUES (1, 1, 'pending', 10, '2024-02-01', 'Vienna'), (2, 1, 'cancelled', 2000, '2024-02-02', 'Berlin');
INSERT INTO stores VALUES (1, 'Desk Lamp', 3);
INSERT INTO parts VALUES (1, 'SKU1235', 'Slovenia'), (2, 'SKU9999', 'Germany');
)";

std::string
sql_of(std::string_view question)
{
	Translation const translation = ask(schema_of(Database(tables), true), std::string(question));
	return translation.refused ? "refused: " + translation.understood : translation.sql;
}

/* What follows WHERE, up to the end of that line, without the names of tables. */
std::string
condition_of(std::string_view question)
{
	std::string text = sql_of(question);
	if (std::size_t const at = text.find("\nWHERE "); at != text.npos)
		text = text.substr(at + 7, text.find('\n', at + 1) - at - 7);
	for (std::string_view const table :
	     {"customers", "patients", "employees", "orders", "stores", "buildings", "shifts", "parts"})
		for (std::size_t at; (at = text.find("\"" + std::string(table) + "\".")) != text.npos;)
			text.erase(at, table.size() + 3);
	return text;
}

void
expect_refused(std::initializer_list<const char *> questions)
{
	for (const char *const question : questions)
		EXPECT_TRUE(sql_of(question).starts_with("refused")) << question << "\n" << sql_of(question);
}

TEST(AskWord, AValueMayBeSpelledLikeASmallWord)
{
	EXPECT_EQ(condition_of("how many customers from IT"), "\"country\" = 'IT'");
	EXPECT_EQ(condition_of("customers in IN"), "\"country\" = 'IN'");
	EXPECT_EQ(condition_of("customers from NO"), "\"country\" = 'NO'");
	EXPECT_EQ(condition_of("customers whose country is BE"), "\"country\" = 'BE'");
	EXPECT_EQ(condition_of("customers from DE or IT"), "\"country\" IN ('DE', 'IT')");
	EXPECT_EQ(condition_of("customers from IT in Rome"), "\"country\" = 'IT' AND \"city\" = 'Rome'");
	EXPECT_EQ(condition_of("patients with blood type A"), "\"blood_type\" = 'A'");
	EXPECT_EQ(condition_of("customers in Rome"), "\"city\" = 'Rome'");
	EXPECT_EQ(condition_of("HOW MANY CUSTOMERS FROM ROME"), "\"city\" = 'Rome'");
	EXPECT_FALSE(sql_of("what countries do customers come from").starts_with("refused"));
	EXPECT_FALSE(sql_of("which city do I have customers in").starts_with("refused"));
	expect_refused({"how many customers from it", "patients with blood type a", "HOW MANY CUSTOMERS FROM IT",
	                "customers IN Rome", "patients with A", "IT customers"});
	EXPECT_FALSE(sql_of("A list of patients").starts_with("refused"));
}

TEST(AskWord, WhatATextBeginsWithMayBeASmallWord)
{
	EXPECT_EQ(condition_of("customers whose name starts with A"), "LOWER(\"name\") LIKE LOWER('A%') ESCAPE '!'");
	EXPECT_EQ(condition_of("customers whose name starts with A in Berlin"),
	          "LOWER(\"name\") LIKE LOWER('A%') ESCAPE '!' AND \"city\" = 'Berlin'");
	EXPECT_EQ(condition_of("customers whose name contains Of Mice"),
	          "LOWER(\"name\") LIKE LOWER('%Of Mice%') ESCAPE '!'");
	expect_refused({"customers whose name contains in Berlin"});
}

TEST(AskWord, ValuesThatDifferInSignsAreSeveral)
{
	EXPECT_EQ(condition_of("patients with blood type B+"), "\"blood_type\" = 'B+'");
	EXPECT_EQ(condition_of("patients with blood type b-"), "\"blood_type\" = 'B-'");
	EXPECT_EQ(condition_of("patients with blood type B+ or B-"), "\"blood_type\" IN ('B+', 'B-')");
	EXPECT_EQ(condition_of("employees with language C"), "\"language\" = 'C'");
	EXPECT_EQ(condition_of("employees with language C++"), "\"language\" = 'C++'");
	EXPECT_TRUE(condition_of("customers with 5+ orders").ends_with(" >= 5"));
	expect_refused({"patients with blood type B", "patients with blood type A+", "employees with language C#"});
}

TEST(AskWord, TwoTablesSideBySideAreOneNoun)
{
	std::string const one = sql_of("how many customer orders were placed in 2024");
	EXPECT_TRUE(one.starts_with("SELECT COUNT(*) AS \"count\"\nFROM \"orders\"\nWHERE")) << one;
	EXPECT_EQ(condition_of("customer orders over 100"), "\"total\" > 100");
	EXPECT_TRUE(sql_of("average customer order total").starts_with("SELECT AVG(\"orders\".\"total\")"));
	expect_refused({"order customers", "customers with customer orders", "part stores"});
	EXPECT_NE(sql_of("customers who ordered in 2024").find("EXISTS"), std::string::npos);
	EXPECT_EQ(condition_of("how many orders customers placed in 2024"), condition_of("how many orders in 2024"));
}

TEST(AskWord, ByBehindAVerbTellsWhoDidIt)
{
	std::string const one = sql_of("How many orders were placed by customers from DE?");
	EXPECT_TRUE(one.starts_with("SELECT COUNT(*) AS \"count\"\nFROM \"orders\"")) << one;
	EXPECT_TRUE(one.ends_with("WHERE \"customers\".\"country\" = 'DE'")) << one;
	EXPECT_EQ(condition_of("how many orders were placed by customer Anna Weiss"), "\"name\" = 'Anna Weiss'");
	for (const char *const question : {"orders placed by customer", "orders by customers", "orders placed by month"})
		EXPECT_NE(sql_of(question).find("GROUP BY"), std::string::npos) << sql_of(question);
}

TEST(AskWord, OnlyWhatAddsUpIsAddedUp)
{
	expect_refused({"how many ratings does Desk Lamp have", "how many heights do the buildings have"});
	EXPECT_TRUE(sql_of("how many hours does Desk Lamp have").starts_with("SELECT SUM(\"shifts\".\"hours\")"));
	constexpr const char *amounts[] = {"pages", "seats", "goals", "rooms", "passengers", "votes", "points", "credits"};
	constexpr const char *levels[] = {"scores", "grades",       "widths", "depths",   "ages",      "prices", "ranks",
	                                  "levels", "temperatures", "rates",  "averages", "latitudes", "years"};
	auto const asked = [](const std::string &noun) {
		Database const things("CREATE TABLE things (id integer PRIMARY KEY, name varchar(40), " + noun + " integer)");
		Translation const translation = ask(schema_of(things, true), "how many " + noun + " do the things have");
		return translation.refused ? "refused: " + translation.understood : translation.sql;
	};
	for (const char *const noun : amounts)
		EXPECT_TRUE(asked(noun).starts_with("SELECT SUM(")) << asked(noun);
	for (const char *const noun : levels)
		EXPECT_TRUE(asked(noun).starts_with("refused")) << asked(noun);
}

TEST(AskWord, IncludingRestrictsNothing)
{
	expect_refused({"orders including cancelled", "customers including their orders"});
}

TEST(AskWord, NamesAreNotCorrectedToOtherNames)
{
	for (std::string const question : {"parts from Slovakia", "how many parts with sku SKU1234",
	                                   "parts with sku sku1234", "SKU1234", "Slovakia parts"}) {
		std::string const likely = question.find("Slovakia") == question.npos ? "SKU1235" : "Slovenia";
		EXPECT_TRUE(sql_of(question).starts_with("refused") &&
		            sql_of(question).ends_with("(did you mean \"" + likely + "\"?)."))
			<< question << "\n"
			<< sql_of(question);
	}
	EXPECT_EQ(condition_of("Custmers from Berlin"), "\"city\" = 'Berlin'");
	EXPECT_EQ(condition_of("ordrs that are canceled"), "\"status\" = 'cancelled'");
	/* What a sentence begins with has a capital, be it a name or not. */
	EXPECT_EQ(condition_of("Canceled orders"), "\"status\" = 'cancelled'");
	EXPECT_TRUE(condition_of("Canceled orders in 2024").starts_with("\"status\" = 'cancelled' AND"));
	expect_refused({"Orders that are Canceled in 2024"});
}

TEST(AskWord, TwoComparisonsShareTheNounBehindThem)
{
	std::string const count = "(SELECT COUNT(*) FROM \"employees\" WHERE \"employees\".\"department_id\" = "
							  "\"departments\".\"id\") > 5 AND ";
	std::string const both = sql_of("departments with more than 5 and fewer than 20 employees");
	EXPECT_NE(both.find("WHERE " + count), std::string::npos) << both;
	EXPECT_EQ(condition_of("shifts over 3 and under 6 hours"), "\"hours\" > 3 AND \"hours\" < 6");
	EXPECT_EQ(condition_of("orders over 100 and under 200"), "\"total\" > 100 AND \"total\" < 200");
	expect_refused({"departments with more than 20 or fewer than 5 employees"});
}

TEST(AskWord, AndBeforeOrIsRefusedWhereItMayJoinEither)
{
	expect_refused({"orders that are pending and over 1000 or cancelled",
	                "orders that are pending and over 1000 or to Vienna",
	                "orders that are pending with a total over 1000 or cancelled"});
	EXPECT_EQ(condition_of("orders over 1000 or cancelled"), "(\"total\" > 1000 OR \"status\" = 'cancelled')");
	EXPECT_EQ(condition_of("orders to Vienna and under 100 or over 1000"),
	          "\"destination\" = 'Vienna' AND (\"total\" < 100 OR \"total\" > 1000)");
}

TEST(AskWord, NumbersAreNotReadAsOthers)
{
	expect_refused({"the 2nd highest building", "2nd tallest building", "customers with a 2nd order",
	                "customers with exactly 2nd orders", "buildings taller than 100m", "orders over 1m"});
	EXPECT_EQ(condition_of("buildings taller than 100M"), "\"height\" > 100000000");
	EXPECT_EQ(condition_of("buildings taller than 100"), "\"height\" > 100");
	EXPECT_EQ(condition_of("stores within 5 km"), "\"distance_km\" <= 5");
	EXPECT_EQ(condition_of("stores with a distance within 5km"), "\"distance_km\" <= 5");
	EXPECT_EQ(condition_of("orders on March 1st 2024"),
	          "\"ordered_on\" >= '2024-03-01' AND \"ordered_on\" < '2024-03-02'");
	expect_refused({"customers within 5 orders"});
}

} // namespace
