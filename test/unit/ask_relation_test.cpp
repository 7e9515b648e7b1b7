/*
 * The built-in translator where a condition may be of one row, of some other rows or of none: keys from a table to
 * itself, negations, verbs without a table, "all", roles, directions. Either the one reading, or a refusal.
 */
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "../ask/judge.hpp"

namespace {

using namespace ask_test;
using tenancy::ask::Translation;
using tenancy::remote::DatabaseType;

/* Each table has a key from itself to itself, or is beside one that has. */
constexpr const char *company = R"(
CREATE TABLE departments (id integer PRIMARY KEY, name varchar(40) NOT NULL);
CREATE TABLE employees (id integer PRIMARY KEY, first_name varchar(40) NOT NULL, last_name varchar(40) NOT NULL,
	department_id integer NOT NULL REFERENCES departments (id), manager_id integer REFERENCES employees (id),
	hired_on date NOT NULL, left_on date);
CREATE TABLE leave_requests (id integer PRIMARY KEY, employee_id integer NOT NULL REFERENCES employees (id),
	approved boolean NOT NULL, requested_on date NOT NULL);
INSERT INTO departments VALUES (1, 'Sales'), (2, 'Support');
)";

constexpr const char *forum = R"(
CREATE TABLE users (id integer PRIMARY KEY, name varchar(60) NOT NULL, active boolean NOT NULL,
	joined_on date NOT NULL, last_login timestamp);
CREATE TABLE posts (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES users (id),
	title varchar(60) NOT NULL, published_at timestamp, featured boolean NOT NULL);
CREATE TABLE comments (id integer PRIMARY KEY, post_id integer NOT NULL REFERENCES posts (id),
	user_id integer NOT NULL REFERENCES users (id), parent_id integer REFERENCES comments (id),
	created_at timestamp NOT NULL, spam boolean NOT NULL);
INSERT INTO users VALUES (1, 'Ann', TRUE, '2024-01-01', NULL);
)";

std::string
sql_of(const Schema &schema, std::string_view question)
{
	Translation const translation = tenancy::ask::translate_builtin(schema, {question, 2024, 6, 15});
	return translation.refused ? "refused: " + translation.understood : translation.sql;
}

std::string
sql_of(const char *script, std::string_view question, bool with_values = true)
{
	return sql_of(schema_of(Database(script), with_values), question);
}

std::string
condition_of(const std::string &sql)
{
	std::size_t const at = sql.find("\nWHERE ");
	return at == sql.npos ? sql : sql.substr(at + 7, sql.find('\n', at + 1) - at - 7);
}

std::string
condition_of(const char *schema, std::string_view question)
{
	return condition_of(sql_of(schema, question));
}

TEST(AskRelation, AKeyFromATableToItselfIsNoWayRound)
{
	for (auto const engine : {DatabaseType::sqlite, DatabaseType::postgresql, DatabaseType::mysql}) {
		Schema const firm = schema_of(Database(company), true, engine), board = schema_of(Database(forum), true, engine);
		for (const char *const question : {"departments with more than 5 employees", "departments without employees"})
			EXPECT_EQ(sql_of(firm, question).find("employees_2"), std::string::npos) << sql_of(firm, question);
		for (const char *const question :
		     {"posts with comments", "posts without comments", "users who commented in 2024"})
			EXPECT_EQ(sql_of(board, question).find("comments_2"), std::string::npos) << sql_of(board, question);
	}
	EXPECT_EQ(condition_of(company, "departments without employees"),
	          "NOT EXISTS (SELECT 1 FROM \"employees\" WHERE \"employees\".\"department_id\" = \"departments\".\"id\")");
	EXPECT_NE(sql_of(company, "employees whose manager works in Sales").find("\"employees_2\".\"department_id\""),
	          std::string::npos);
}

} // namespace
