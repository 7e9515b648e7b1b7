/*
 * The built-in translator where numbers and dates are many, bare, or said of groups. Either the one reading, or a
 * refusal.
 */
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "../ask/judge.hpp"

namespace {

using namespace ask_test;
using tenancy::ask::Translation;

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

} // namespace
