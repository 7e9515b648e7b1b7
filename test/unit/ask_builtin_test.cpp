/*
 * The built-in translator: its answers to test/ask/tuned, judged by their rows; its refusals, its dialects, hostile
 * text.
 */
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "../ask/judge.hpp"
#include "ask/words.pure.hpp"

namespace {

using namespace ask_test;
using tenancy::ask::Translation;
using tenancy::remote::DatabaseType;

constexpr const char *schemas = TENANCY_TEST_DIRECTORY "/ask/tuned";

/* Questions with an answer that are refused: the grammar does not go so far. All others are answered, and right. */
constexpr std::string_view refused[] = {
	"the no-show rate",
	"patients seen by a dermatologist",
	"quantity in stock per warehouse",
	"which items are out of stock in every warehouse",
	"average delivery time in days",
	"number of warehouses, carriers and suppliers",
	"total value of stock",
	"longest serving teacher",
	"median score",
	"which courses does Drama's teacher teach?",
	"best selling product",
	"what percentage of orders was cancelled?",
};

Schema
shop(DatabaseType engine = DatabaseType::sqlite, bool with_values = true)
{
	return schema_of(Database(read_file(fs::path(schemas) / "shop.sql")), with_values, engine);
}

TEST(AskBuiltin, AnswersWhatItWasTunedToAndNothingWrongly)
{
	for (auto const &file : question_files(schemas)) {
		auto script = file;
		Database const database(read_file(script.replace_extension(".sql")));
		Schema const schema = schema_of(database, true);
		for (auto const &of : read_cases(file)) {
			bool const expected = !of.answers.empty() && std::ranges::find(refused, of.question) == std::end(refused);
			Translation const translation = ask(schema, of.question);
			EXPECT_EQ(judge(database, of, translation), expected ? Verdict::right : Verdict::refused)
				<< of.question << "\n"
				<< translation.understood << "\n"
				<< translation.sql;
		}
	}
}

TEST(AskBuiltin, NamesTheWordsThatHaveNoPlace)
{
	EXPECT_EQ(ask(shop(), "happy customers of the moon").understood,
	          "Not understood: there is no place for the words happy, moon.");
	EXPECT_EQ(ask(shop(), "").understood, "A question has between one word and 80 words of text.");
	EXPECT_EQ(ask(shop(), "customers \xff").understood, "A question has between one word and 80 words of text.");
}

TEST(AskBuiltin, SaysWhatItUnderstood)
{
	EXPECT_EQ(ask(shop(), "number of customers from Germany by city").understood,
	          "the number of customers, for each city, where country is 'Germany'");
	EXPECT_EQ(ask(shop(), "orders over 1000 since March").understood.substr(0, 7), "the id,");
}

TEST(AskBuiltin, PrintsEachDialect)
{
	std::string const question = "revenue per month in 2024";
	EXPECT_EQ(ask(shop(DatabaseType::postgresql), question).sql,
	          "SELECT to_char(\"orders\".\"ordered_on\", 'YYYY-MM') AS \"month\", SUM(\"orders\".\"total\") AS "
	          "\"total_total\"\n"
	          "FROM \"orders\"\n"
	          "WHERE \"orders\".\"ordered_on\" >= DATE '2024-01-01' AND \"orders\".\"ordered_on\" < DATE '2025-01-01'\n"
	          "GROUP BY to_char(\"orders\".\"ordered_on\", 'YYYY-MM')\n"
	          "ORDER BY to_char(\"orders\".\"ordered_on\", 'YYYY-MM')");
	EXPECT_EQ(ask(shop(DatabaseType::mysql), question).sql,
	          "SELECT DATE_FORMAT(`orders`.`ordered_on`, '%Y-%m') AS `month`, SUM(`orders`.`total`) AS `total_total`\n"
	          "FROM `orders`\n"
	          "WHERE `orders`.`ordered_on` >= DATE '2024-01-01' AND `orders`.`ordered_on` < DATE '2025-01-01'\n"
	          "GROUP BY DATE_FORMAT(`orders`.`ordered_on`, '%Y-%m')\n"
	          "ORDER BY DATE_FORMAT(`orders`.`ordered_on`, '%Y-%m')");
	EXPECT_EQ(ask(shop(), question).sql,
	          "SELECT strftime('%Y-%m', \"orders\".\"ordered_on\") AS \"month\", SUM(\"orders\".\"total\") AS "
	          "\"total_total\"\n"
	          "FROM \"orders\"\n"
	          "WHERE \"orders\".\"ordered_on\" >= '2024-01-01' AND \"orders\".\"ordered_on\" < '2025-01-01'\n"
	          "GROUP BY strftime('%Y-%m', \"orders\".\"ordered_on\")\n"
	          "ORDER BY strftime('%Y-%m', \"orders\".\"ordered_on\")");
}

/* Text reaches SQL as a literal only, or the question is refused. */
TEST(AskBuiltin, KeepsHostileTextInLiterals)
{
	EXPECT_EQ(ask(shop(DatabaseType::postgresql), "products whose name contains \"x' OR 1=1 --\"").sql,
	          "SELECT \"products\".\"id\", \"products\".\"name\"\nFROM \"products\"\n"
	          "WHERE LOWER(CAST(\"products\".\"name\" AS text)) LIKE LOWER('%x'' OR 1=1 --%') ESCAPE '!'");
	EXPECT_TRUE(ask(shop(DatabaseType::mysql), "products whose name contains \"a\\' OR 1=1 --\"").refused);

	Schema schema = shop(DatabaseType::mysql);
	for (auto &table : schema.tables)
		if (table.name == "customers")
			for (auto &column : table.columns)
				if (column.name == "city")
					column.name = "city` FROM mysql.user --", column.values = {"x' UNION SELECT"};
	EXPECT_NE(
		ask(schema, "customers from x' UNION SELECT").sql.find("`city`` FROM mysql.user --` = 'x'' UNION SELECT'"),
		std::string::npos);
}

/* Words of questions in any order, and bytes in any order: an answer or a refusal, nothing else. */
TEST(AskBuiltin, IsTotal)
{
	std::mt19937 random(4711); /* the same every time */
	std::vector<std::string> words{"\"",  "'",    ",",     "%",    ">=", "or",  "and", "between",
	                               "per", "last", "month", "with", "no", "the", "top"};
	for (auto const &of : read_cases(fs::path(schemas) / "shop.txt"))
		for (auto const &word : tenancy::ask::split_question(of.question))
			words.push_back(word.text);
	Database const database(read_file(fs::path(schemas) / "shop.sql"));
	Schema const schema = schema_of(database, true);
	for (int i = 0; i < 3000; ++i) {
		std::string question;
		for (unsigned length = random() % 12; length > 0; --length)
			question += words[random() % words.size()] + " ";
		if (i % 10 == 0)
			for (char &c : question)
				c = static_cast<char>(random());
		Translation const translation = ask(schema, question);
		EXPECT_EQ(translation.refused, translation.sql.empty());
		EXPECT_FALSE(translation.understood.empty());
		if (!translation.refused) {
			EXPECT_NO_THROW((void) database.rows(translation.sql)) << question;
		}
	}
}

TEST(AskBuiltin, KnowsPluralsRootsAndMisspellings)
{
	using namespace tenancy::ask;
	EXPECT_EQ(singular("categories"), "category");
	EXPECT_EQ(singular("addresses"), "address");
	EXPECT_EQ(singular("status"), "status");
	EXPECT_TRUE(related("shipped", "shipments"));
	EXPECT_TRUE(related("enrolled", "enrollment"));
	EXPECT_TRUE(related("prescribed", "prescription"));
	EXPECT_FALSE(related("orders", "ordinary"));
	EXPECT_TRUE(resembles("custmer", "customer"));
	EXPECT_TRUE(resembles("recieve", "receive"));
	EXPECT_FALSE(resembles("price", "prize pool"));
	EXPECT_FALSE(resembles("cat", "car"));
	EXPECT_EQ(split_name("HTTPRequestLog2"), (std::vector<std::string>{"http", "request", "log2"}));
}

} // namespace
