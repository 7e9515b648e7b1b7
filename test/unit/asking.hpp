/*
 * A fixture that asks the built-in translator questions about one schema, with its values. Pure regime.
 */
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "../ask/judge.hpp"

namespace ask_test {

class Asking : public testing::Test {
protected:
	explicit Asking(const char *tables) : schema_(schema_of(Database(tables), true)) {}

	/* Without quotation marks; what is refused begins with "refused". */
	std::string sql_of(std::string_view question) const
	{
		auto const translation = ask(schema_, std::string(question));
		if (translation.refused)
			return "refused: " + translation.understood;
		std::string sql = translation.sql;
		std::erase(sql, '"');
		return sql;
	}

	/* What follows WHERE, up to the end of that line. */
	std::string condition_of(std::string_view question) const
	{
		std::string const sql = sql_of(question);
		std::size_t const at = sql.find("\nWHERE ");
		return at == sql.npos ? sql : sql.substr(at + 7, sql.find('\n', at + 1) - at - 7);
	}

	void expect_refused(std::initializer_list<const char *> questions) const
	{
		for (const char *const question : questions)
			EXPECT_TRUE(sql_of(question).starts_with("refused")) << question << "\n" << sql_of(question);
	}

private:
	Schema schema_;
};

} // namespace ask_test
