/*
 * The built-in translator where English is slippery: ages, ranges of dates, "or", what differs, what is ranked. Either
 * the one reading, or a refusal.
 */
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "../ask/judge.hpp"

namespace {

using namespace ask_test;
using tenancy::ask::Translation;
using tenancy::remote::DatabaseType;

constexpr const char *schemas = TENANCY_TEST_DIRECTORY "/ask/tuned";

struct Asked {
	const char *schema;
	int year = 2024, month = 6, day = 15;

	Translation operator()(std::string_view question) const
	{
		Schema const made = schema_of(Database(read_file(fs::path(schemas) / schema)), true);
		return tenancy::ask::translate_builtin(made, {question, year, month, day});
	}
	std::string sql(std::string_view question) const
	{
		Translation const translation = (*this)(question);
		return translation.refused ? "refused: " + translation.understood : translation.sql;
	}
	bool refuses(std::string_view question) const { return (*this)(question).refused; }
};

/* What follows WHERE, up to the end of that line. */
std::string
condition_of(const std::string &sql)
{
	std::size_t const at = sql.find("\nWHERE ");
	return at == sql.npos ? sql : sql.substr(at + 7, sql.find('\n', at + 1) - at - 7);
}

bool
holds(const std::string &text, std::string_view part)
{
	return text.find(part) != text.npos;
}

TEST(AskReading, AMeasureWithoutANounIsRefused)
{
	Asked const shop{"shop.sql"};
	for (const char *const question :
	     {"top 5 customers from Germany by count", "customers without orders with count over 3",
	      "customers from Germany with the highest count", "customers from Germany sorted by count",
	      "products with minimum and maximum price and average stock over 3",
	      "products with minimum price and average stock over 3", "customers with count over 3",
	      "customers with average total over 3 and with count over 5"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
	EXPECT_TRUE(holds(shop.sql("minimum price and average stock of products"),
	                  "MIN(\"products\".\"price\") AS \"minimum_price\", AVG(\"products\".\"stock\")"));
}

TEST(AskReading, AgesCountFromTheDayOfBirth)
{
	Asked const clinic{"clinic.sql"};
	std::string const born = "\"Patient\".\"BirthDate\" ";
	EXPECT_EQ(condition_of(clinic.sql("patients older than 30")), born + "< '1994-06-15'");
	EXPECT_EQ(condition_of(clinic.sql("patients more than 30 years old")), born + "< '1994-06-15'");
	EXPECT_EQ(condition_of(clinic.sql("patients over 30 years old")), born + "< '1994-06-15'");
	EXPECT_EQ(condition_of(clinic.sql("patients at least 18 years old")), born + "< '2006-06-16'");
	EXPECT_EQ(condition_of(clinic.sql("patients younger than 18")), born + ">= '2006-06-16'");
	EXPECT_EQ(condition_of(clinic.sql("patients less than 18 years old")), born + ">= '2006-06-16'");
	EXPECT_EQ(condition_of(clinic.sql("patients 30 years old")),
	          born + ">= '1993-06-16' AND " + born + "< '1994-06-16'");
	for (const char *const question : {"patients at most 30 years old", "patients older than 30 days",
	                                   "patients older than 1.5", "departments older than 30"})
		EXPECT_TRUE(clinic.refuses(question)) << question << "\n" << clinic.sql(question);
	EXPECT_TRUE(holds(clinic.sql("the oldest patient"), "ORDER BY " + born.substr(0, born.size() - 1) + "\nLIMIT 1"));
	EXPECT_TRUE(holds(clinic.sql("the youngest patient"), "ORDER BY " + born + "DESC\nLIMIT 1"));

	EXPECT_EQ(condition_of(Asked{"clinic.sql", 2024, 3, 31}.sql("patients older than 30")), born + "< '1994-03-31'");
	EXPECT_EQ(condition_of(Asked{"clinic.sql", 2024, 2, 29}.sql("patients at least 1 year old")),
	          born + "< '2023-03-01'");
}

TEST(AskReading, AYearAtOneEndOfARangeIsThatOfTheOther)
{
	auto const range = [](const std::string &from, const std::string &until) {
		std::string const of = "\"orders\".\"ordered_on\" ";
		return of + ">= '" + from + "' AND " + of + "< '" + until + "'";
	};
	Asked const summer{"shop.sql", 2026, 7, 10};
	EXPECT_EQ(condition_of(summer.sql("orders from March to May 2024")), range("2024-03-01", "2024-06-01"));
	EXPECT_EQ(condition_of(summer.sql("orders since March until May 2024")), range("2024-03-01", "2024-06-01"));
	EXPECT_EQ(condition_of(summer.sql("orders from November to February 2024")), range("2023-11-01", "2024-03-01"));
	EXPECT_EQ(condition_of(summer.sql("orders from November 2023 to February")), range("2023-11-01", "2024-03-01"));
	EXPECT_EQ(condition_of(summer.sql("orders from Q3 to Q4 2023")), range("2023-07-01", "2024-01-01"));
	EXPECT_EQ(condition_of(summer.sql("orders from March to May")), range("2026-03-01", "2026-06-01"));
	EXPECT_EQ(condition_of(summer.sql("orders from 2022 to 2024")), range("2022-01-01", "2025-01-01"));
	EXPECT_EQ(condition_of(Asked{"shop.sql", 2026, 1, 10}.sql("orders between 1 March and 15 April 2026")),
	          range("2026-03-01", "2026-04-16"));
	EXPECT_EQ(condition_of(Asked{"shop.sql", 2026, 1, 10}.sql("orders between December and January")),
	          range("2025-12-01", "2026-02-01"));
	for (const char *const question :
	     {"orders from March to 2024", "orders in March to May 2024", "orders from July 2024 to May 2023",
	      "orders from March until whenever", "orders between May and August", "orders in 2024 in March",
	      "orders from 2023 to March"})
		EXPECT_TRUE(summer.refuses(question)) << question << "\n" << summer.sql(question);
}

TEST(AskReading, OrJoinsConditionsOfTheSameRowsOrIsRefused)
{
	Asked const shop{"shop.sql"};
	EXPECT_EQ(condition_of(shop.sql("products cheaper than 50 or with a stock over 100")),
	          "(\"products\".\"price\" < 50 OR \"products\".\"stock\" > 100)");
	for (const char *const question :
	     {"customers from Germany or without orders", "customers from Germany or with orders",
	      "customers from Germany or orders", "customers from Germany or Stapler",
	      "products with a price between 5 and 10 or between 20 and 30", "customers from Germany or",
	      "customers from Germany or per city", "orders from customers in Germany or"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
}

TEST(AskReading, NothingThatIsAskedOfARankingIsDropped)
{
	Asked const shop{"shop.sql"};
	EXPECT_FALSE(shop.refuses("top 5 customers by number of orders"));
	for (const char *const question :
	     {"top 5 customers by number of orders per month", "top 5 customers by number of orders by country",
	      "top 5 customers by total order value per month", "different cities by country",
	      "customers sorted by name sorted by city"})
		EXPECT_TRUE(shop.refuses(question)) << question << "\n" << shop.sql(question);
}

TEST(AskReading, DifferentNumbersAreCountedAndNotAddedUp)
{
	Asked const shop{"shop.sql"};
	EXPECT_TRUE(
		holds(shop.sql("how many different prices do the products have"), "COUNT(DISTINCT \"products\".\"price\")"));
	EXPECT_FALSE(holds(shop.sql("number of different prices"), "SUM("));
}

TEST(AskReading, NumbersBeyondAllMeasureAreNoneAndDoNotOverflow)
{
	EXPECT_TRUE(Asked{"shop.sql"}.refuses("products cheaper than 999999999999999m"));
}

/* A text of an enumeration has no LOWER in PostgreSQL. */
TEST(AskReading, ComparesTextWithoutCaseInEachDialect)
{
	Database const database(read_file(fs::path(schemas) / "shop.sql"));
	std::string const question = "customers named \"Rosa Nobody\"";
	EXPECT_EQ(condition_of(ask(schema_of(database, false, DatabaseType::postgresql), question).sql),
	          "LOWER(CAST(\"customers\".\"name\" AS text)) = LOWER('Rosa Nobody')");
	EXPECT_EQ(condition_of(ask(schema_of(database, false), question).sql),
	          "LOWER(\"customers\".\"name\") = LOWER('Rosa Nobody')");
}

} // namespace
