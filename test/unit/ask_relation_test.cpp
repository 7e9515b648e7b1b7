/*
 * The built-in translator where a condition may be of one row, of some other rows or of none: keys from a table to
 * itself, negations, verbs without a table, "all", roles, directions. Either the one reading, or a refusal.
 */
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

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

constexpr const char *bank = R"(
CREATE TABLE clients (id integer PRIMARY KEY, name varchar(60) NOT NULL);
CREATE TABLE accounts (id integer PRIMARY KEY, client_id integer NOT NULL REFERENCES clients (id),
	balance numeric(10,2) NOT NULL, opened_on date NOT NULL);
CREATE TABLE cards (id integer PRIMARY KEY, account_id integer NOT NULL REFERENCES accounts (id),
	blocked boolean NOT NULL);
)";

constexpr const char *market = R"(
CREATE TABLE categories (id integer PRIMARY KEY, name varchar(40) NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, name varchar(60) NOT NULL, created_at timestamp NOT NULL);
CREATE TABLE products (id integer PRIMARY KEY, name varchar(60) NOT NULL,
	category_id integer NOT NULL REFERENCES categories (id), created_at timestamp NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id), placed_at timestamp NOT NULL);
CREATE TABLE order_items (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id),
	product_id integer NOT NULL REFERENCES products (id), quantity integer NOT NULL);
INSERT INTO products VALUES (1, 'Lamp', 1, '2024-01-01'), (2, 'Vase', 1, '2024-01-01');
INSERT INTO users VALUES (1, 'Ann', '2024-01-01');
)";

constexpr const char *planner = R"(
CREATE TABLE people (id integer PRIMARY KEY, full_name varchar(40) NOT NULL, active boolean NOT NULL);
CREATE TABLE projects (id integer PRIMARY KEY, name varchar(40) NOT NULL, owner_id integer NOT NULL REFERENCES people (id),
	status varchar(20) NOT NULL, budget numeric(12,2) NOT NULL);
CREATE TABLE project_members (project_id integer NOT NULL REFERENCES projects (id),
	person_id integer NOT NULL REFERENCES people (id), PRIMARY KEY (project_id, person_id));
CREATE TABLE tasks (id integer PRIMARY KEY, title varchar(60) NOT NULL, project_id integer NOT NULL REFERENCES projects (id),
	parent_task_id integer REFERENCES tasks (id), priority varchar(10) NOT NULL, completed_on date);
CREATE TABLE payments (id integer PRIMARY KEY, project_id integer NOT NULL REFERENCES projects (id), amount numeric(10,2) NOT NULL);
INSERT INTO people VALUES (1, 'Ann Bell', TRUE);
INSERT INTO projects VALUES (1, 'Apollo', 1, 'active', 10), (2, 'Gemini', 1, 'closed', 10);
INSERT INTO tasks VALUES (1, 'a', 1, NULL, 'high', NULL), (2, 'b', 1, 1, 'low', NULL);
)";

std::string
sql_of(const Schema &schema, std::string_view question)
{
	Translation const translation = tenancy::ask::translate_builtin(schema, {question, 2024, 6, 15});
	return translation.refused ? "refused: " + translation.understood : translation.sql;
}

std::string
sql_of(const std::string &script, std::string_view question, bool with_values = true)
{
	return sql_of(schema_of(Database(script), with_values), question);
}

/* One of the schemas that the grammar was tuned to. */
std::string
script(const char *name)
{
	return read_file(fs::path(TENANCY_TEST_DIRECTORY "/ask/tuned") / name);
}

std::string
condition_of(const std::string &sql)
{
	std::size_t const at = sql.find("\nWHERE ");
	return at == sql.npos ? sql : sql.substr(at + 7, sql.find('\n', at + 1) - at - 7);
}

std::string
condition_of(const std::string &schema, std::string_view question)
{
	return condition_of(sql_of(schema, question));
}

void
expect_refused(const std::string &schema, std::initializer_list<const char *> questions)
{
	for (const char *const question : questions)
		EXPECT_TRUE(sql_of(schema, question).starts_with("refused")) << question << "\n" << sql_of(schema, question);
}

TEST(AskRelation, AKeyFromATableToItselfIsNoWayRound)
{
	for (auto const engine : {DatabaseType::sqlite, DatabaseType::postgresql, DatabaseType::mysql}) {
		Schema const firm = schema_of(Database(company), true, engine),
					 board = schema_of(Database(forum), true, engine);
		for (const char *const question : {"departments with more than 5 employees", "departments without employees"})
			EXPECT_EQ(sql_of(firm, question).find("employees_2"), std::string::npos) << sql_of(firm, question);
		for (const char *const question :
		     {"posts with comments", "posts without comments", "users who commented in 2024"})
			EXPECT_EQ(sql_of(board, question).find("comments_2"), std::string::npos) << sql_of(board, question);
	}
	EXPECT_EQ(
		condition_of(company, "departments without employees"),
		"NOT EXISTS (SELECT 1 FROM \"employees\" WHERE \"employees\".\"department_id\" = \"departments\".\"id\")");
	EXPECT_NE(sql_of(company, "employees whose manager works in Sales").find("\"employees_2\".\"department_id\""),
	          std::string::npos);
}

TEST(AskRelation, ANegationBeforeATableDeniesItsRows)
{
	std::string const no_card = "NOT EXISTS (SELECT 1 FROM \"accounts\" JOIN \"cards\" ON \"cards\".\"account_id\" = "
								"\"accounts\".\"id\" WHERE \"accounts\".\"client_id\" = \"clients\".\"id\" AND "
								"\"cards\".\"blocked\" = TRUE)";
	EXPECT_EQ(condition_of(bank, "clients without blocked cards"), no_card);
	EXPECT_EQ(condition_of(bank, "clients who don't have a blocked card"), no_card);
	EXPECT_EQ(condition_of(bank, "clients with blocked cards"), no_card.substr(4));
	EXPECT_EQ(condition_of(script("shop.sql"), "customers with no cancelled orders"),
	          "NOT EXISTS (SELECT 1 FROM \"orders\" WHERE \"orders\".\"customer_id\" = \"customers\".\"id\" AND "
	          "\"orders\".\"status\" = 'cancelled')");
	EXPECT_EQ(condition_of(script("shop.sql"), "products except the furniture category"),
	          "\"products\".\"category\" <> 'furniture'");
	expect_refused(forum, {"users with no active posts", "users with active posts", "posts without featured comments"});
	expect_refused(bank, {"clients not blocked", "clients without blocked accounts"});
	expect_refused(company, {"departments without managers"});
}

/* What is said of rows that a word was about is denied of these; else there are no rows of which it is true. */
TEST(AskRelation, ANegatedValueOfOtherRowsDeniesTheRows)
{
	std::string const school = script("school.sql");
	std::string const drama = "NOT EXISTS (SELECT 1 FROM \"enrollment\" JOIN \"course\" ON \"course\".\"course_id\" = "
							  "\"enrollment\".\"course_id\" WHERE \"enrollment\".\"student_id\" = "
							  "\"student\".\"student_id\" AND \"course\".\"title\" = 'Drama')";
	for (const char *const question : {"students not in Drama", "students who do not take Drama"})
		EXPECT_EQ(condition_of(school, question), drama) << question;
	std::string const both = condition_of(school, "students enrolled in Algebra but not in Geometry");
	EXPECT_NE(both.find("\"title\" = 'Algebra') AND NOT EXISTS ("), both.npos) << both;
	EXPECT_NE(both.find("\"course_2\".\"title\" = 'Geometry'"), both.npos) << both;
	expect_refused(school, {"students not in Drama in 2024"});
	expect_refused(script("shop.sql"), {"customers not delivered"});
	EXPECT_EQ(condition_of(bank, "accounts with cards that are not blocked"),
	          "EXISTS (SELECT 1 FROM \"cards\" WHERE \"cards\".\"account_id\" = \"accounts\".\"id\" AND "
	          "\"cards\".\"blocked\" = FALSE)");
	EXPECT_EQ(condition_of(script("shop.sql"), "orders of customers not from Germany"),
	          "\"customers\".\"country\" <> 'Germany'");
}

TEST(AskRelation, WhatIsMissingIsNoConditionOfItself)
{
	EXPECT_EQ(condition_of(forum, "posts not published"), "\"posts\".\"published_at\" IS NULL");
	expect_refused(forum,
	               {"posts not published in 2024", "posts never published in 2024", "posts in 2024 not published"});
	expect_refused(company, {"employees who have not left in 2023"});
	expect_refused(script("shop.sql"), {"orders not of customers from Germany"});
	expect_refused(script("logistics.sql"), {"items without a supplier from Germany"});
}

/* "sold", of which the schema has neither a table nor a date, is no word to leave out. */
TEST(AskRelation, AVerbWithoutATableIsToldByWhatFollowsIt)
{
	expect_refused(market,
	               {"how many products were sold last month", "products purchased in 2024", "sold products",
	                "number of products sold per category", "how many products were sold", "users who bought in 2023",
	                "how many users bought something last month", "products bought in 2024", "users living in 2024",
	                "orders paid in 2024", "how many orders were paid", "available products", "users with many orders",
	                "how many users did we have in 2023", "how many users ordered per month"});
	expect_refused(company, {"current employees"});
	expect_refused("CREATE TABLE listeners (id integer PRIMARY KEY, name varchar(60), joined_on date);",
	               {"listeners who listened in 2024"});
	std::string const lamp = condition_of(market, "users who bought a Lamp");
	EXPECT_NE(lamp.find("EXISTS (SELECT 1 FROM \"orders\""), lamp.npos) << lamp;
	EXPECT_NE(sql_of(market, "total quantity sold per product").find("SUM(\"order_items\".\"quantity\")"), lamp.npos);
	EXPECT_EQ(condition_of(market, "how many orders were made in 2024"),
	          "\"orders\".\"placed_at\" >= '2024-01-01' AND \"orders\".\"placed_at\" < '2025-01-01'");
	EXPECT_EQ(condition_of(market, "users created in 2024"),
	          "\"users\".\"created_at\" >= '2024-01-01' AND \"users\".\"created_at\" < '2025-01-01'");
	std::string const shop = script("shop.sql");
	EXPECT_EQ(condition_of(shop, "customers who live in Berlin"), "\"customers\".\"city\" = 'Berlin'");
	EXPECT_EQ(condition_of(shop, "currently cancelled orders"), "\"orders\".\"status\" = 'cancelled'");
	EXPECT_EQ(condition_of(script("school.sql"), "absences due to illness"), "\"absence\".\"reason\" = 'illness'");
	EXPECT_EQ(condition_of(script("school.sql"), "teachers paid more than 60000"), "\"teacher\".\"salary\" > 60000");
}

TEST(AskRelation, DeniesAFlagByAPrefix)
{
	std::string const inactive = "\"users\".\"active\" = FALSE";
	for (const char *const question : {"inactive users", "users who are inactive", "how many non-active users"})
		EXPECT_EQ(condition_of(forum, question), inactive) << question;
	EXPECT_EQ(condition_of(forum, "unfeatured posts"), "\"posts\".\"featured\" = FALSE");
	expect_refused(forum, {"inactive posts", "users who are not inactive", "unlinked posts"});
}

constexpr const char *bills = R"(
CREATE TABLE bills (id integer PRIMARY KEY, amount numeric(10,2) NOT NULL, issued_on date NOT NULL, due_on date NOT NULL);
)";

/* In June, July has last been a year ago; but for what is to come it is next month. */
TEST(AskRelation, AMonthIsNearForWhatIsDue)
{
	auto const within = [](const std::string &column, const char *from, const char *until) {
		std::string const place = "\"bills\".\"" + column + "\"";
		return place + " >= '" + from + "' AND " + place + " < '" + until + "'";
	};
	EXPECT_EQ(condition_of(bills, "bills issued in July"), within("issued_on", "2023-07-01", "2023-08-01"));
	EXPECT_EQ(condition_of(bills, "bills due in July"), within("due_on", "2024-07-01", "2024-08-01"));
	EXPECT_EQ(condition_of(bills, "bills due on 1 July"), within("due_on", "2024-07-01", "2024-07-02"));
	EXPECT_EQ(condition_of(bills, "bills due in July and August"), within("due_on", "2024-07-01", "2024-09-01"));
	EXPECT_EQ(condition_of(bills, "bills due in January"), within("due_on", "2024-01-01", "2024-02-01"));
	EXPECT_EQ(condition_of(bills, "bills due in July 2023"), within("due_on", "2023-07-01", "2023-08-01"));
	EXPECT_EQ(condition_of(bills, "bills due after July"), "\"bills\".\"due_on\" >= '2024-08-01'");
}

/* One row that is so does not make all so. */
TEST(AskRelation, AllAndEveryAreNotSome)
{
	std::string const shop = script("shop.sql"), school = script("school.sql");
	expect_refused(shop, {"customers whose orders are all delivered", "customers who ordered every month",
	                      "customers who ordered each month", "customers who ordered every product",
	                      "how many customers ordered every product", "number of customers with orders per month"});
	expect_refused(school, {"scores over 80 in all courses", "students enrolled in all courses",
	                        "students who take every course", "how many students are enrolled in every course"});
	for (const char *const question :
	     {"all orders", "list all orders", "show me all of the orders", "orders of all time"})
		EXPECT_EQ(sql_of(shop, question), sql_of(shop, "orders")) << question;
	EXPECT_EQ(sql_of(shop, "average price of all products"), sql_of(shop, "average price of products"));
	EXPECT_EQ(sql_of(shop, "orders every month"), sql_of(shop, "orders per month"));
	EXPECT_FALSE(sql_of(shop, "orders per month").starts_with("refused"));
	EXPECT_NE(sql_of(school, "how many students are enrolled in each course").find("GROUP BY \"course\""),
	          std::string::npos);
}

constexpr const char *billing = R"(
CREATE TABLE users (id integer PRIMARY KEY, name varchar(60) NOT NULL, email varchar(80), last_login timestamp);
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id),
	paid boolean NOT NULL, placed_at timestamp NOT NULL);
CREATE TABLE invoices (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id), paid_at timestamp);
)";

TEST(AskRelation, AColumnBeforeATableIsAFlagOrNothing)
{
	std::string const paid = "\"orders\".\"paid\" = TRUE";
	for (const char *const question : {"paid orders", "orders that are paid", "number of paid orders"})
		EXPECT_EQ(condition_of(billing, question), paid) << question;
	EXPECT_EQ(condition_of(billing, "paid orders last month"),
	          paid + " AND \"orders\".\"placed_at\" >= '2024-05-01' AND \"orders\".\"placed_at\" < '2024-06-01'");
	EXPECT_EQ(condition_of(billing, "users without paid orders"),
	          "NOT EXISTS (SELECT 1 FROM \"orders\" WHERE \"orders\".\"user_id\" = \"users\".\"id\" AND " + paid + ")");
	expect_refused(billing, {"last 10 orders", "first 10 orders", "users last in 2024", "email users",
	                         "number of email users", "users with email orders", "users with last in 2024"});
	expect_refused(company, {"last 3 leave requests", "last 5 employees", "first 5 employees", "last departments"});
	for (const char *const question :
	     {"emails of users", "which emails do users have", "user emails", "users with an email"})
		EXPECT_NE(sql_of(billing, question).find("\"users\".\"email\""), std::string::npos) << question;
	EXPECT_NE(sql_of(billing, "last login of users").find("\"users\".\"last_login\""), std::string::npos);
}

constexpr const char *tracker = R"(
CREATE TABLE people (id integer PRIMARY KEY, name varchar(60) NOT NULL);
CREATE TABLE issues (id integer PRIMARY KEY, title varchar(60) NOT NULL, opened_on date NOT NULL,
	reporter_id integer NOT NULL REFERENCES people (id), assignee_id integer REFERENCES people (id));
INSERT INTO people VALUES (1, 'Anna Berg'), (2, 'Cleo Dunn');
)";

/* Who it is by is no title of it, and a role that no key of the query plays is not left out. */
TEST(AskRelation, NamesAndRolesBehindByAreOfOtherRows)
{
	EXPECT_TRUE(sql_of(forum, "posts by Bob", false).starts_with("refused"));
	EXPECT_TRUE(sql_of(tracker, "issues reported by Anna", false).starts_with("refused"));
	EXPECT_EQ(condition_of(sql_of(forum, "posts named Bob", false)), "LOWER(\"posts\".\"title\") = LOWER('Bob')");
	EXPECT_EQ(condition_of(sql_of(script("logistics.sql"), "items supplied by Nordic Steel", false)),
	          "LOWER(\"suppliers\".\"name\") = LOWER('Nordic Steel')");
	EXPECT_NE(sql_of(forum, "posts by Ann").find("\"author_id\"\nWHERE \"users\".\"name\" = 'Ann'"), std::string::npos)
		<< sql_of(forum, "posts by Ann");
	for (auto const &[question, key] : {std::pair{"issues reported by Anna Berg", "\"reporter_id\""},
	                                    {"issues assigned to Anna Berg", "\"assignee_id\""}})
		EXPECT_NE(sql_of(tracker, question).find(key), std::string::npos) << sql_of(tracker, question);
	EXPECT_EQ(condition_of(tracker, "issues reported last month"),
	          "\"issues\".\"opened_on\" >= '2024-05-01' AND \"issues\".\"opened_on\" < '2024-06-01'");
	expect_refused(company, {"employees who are managers"});
	expect_refused(tracker, {"issues by Anna Berg"});
}

TEST(AskRelation, AndBetweenValuesOfManyRowsIsOfEach)
{
	std::string const shop = script("shop.sql"), school = script("school.sql");
	std::string const both = condition_of(school, "students who take Algebra and Geometry");
	EXPECT_NE(both.find("\"course\".\"title\" = 'Algebra') AND EXISTS ("), both.npos) << both;
	EXPECT_NE(both.find("\"course_2\".\"title\" = 'Geometry')"), both.npos) << both;
	EXPECT_EQ(both.find(" IN ("), both.npos) << both;
	EXPECT_NE(condition_of(shop, "customers who ordered Keyboard and Mouse").find("'Keyboard') AND EXISTS ("),
	          both.npos);
	EXPECT_NE(condition_of(shop, "customers who ordered Keyboard or Mouse").find("IN ('Keyboard', 'Mouse')"),
	          both.npos);
	EXPECT_EQ(condition_of(shop, "customers in Berlin and Paris"), "\"customers\".\"city\" IN ('Berlin', 'Paris')");
	EXPECT_EQ(condition_of(school, "average score in Algebra and Geometry"),
	          "\"course\".\"title\" IN ('Algebra', 'Geometry')");
	expect_refused(shop,
	               {"how many customers ordered Keyboard and Mouse", "customers who never ordered Keyboard and Mouse"});
	expect_refused(school, {"students in Algebra and Geometry", "students not in Algebra and Geometry",
	                        "students with absences because of illness and family"});
}

/* A condition leads on from orders to their products; the date is still that of the orders. */
TEST(AskRelation, ADateIsOfTheRowsThatAWordNamed)
{
	std::string const keyboard = condition_of(script("shop.sql"), "customers who ordered Keyboard in 2023");
	EXPECT_EQ(keyboard.find("\"created_at\""), keyboard.npos) << keyboard;
	EXPECT_NE(keyboard.find("\"ordered_on\" >= '2023-01-01'"), keyboard.npos) << keyboard;
	expect_refused(bank, {"clients with cards in 2024"});
	EXPECT_NE(condition_of(bank, "clients with accounts in 2024").find("\"opened_on\" >= '2024-01-01'"), keyboard.npos);
}

TEST(AskRelation, FromAndToAreOppositeColumns)
{
	std::string const table =
		"CREATE TABLE flights (id integer PRIMARY KEY, origin varchar(30), destination varchar(30), "
		"seats integer);\nINSERT INTO flights VALUES (1, 'Berlin', 'Paris', 10), (2, 'Rome', ";
	std::string const one = table + "'Oslo', 10);", both = table + "'Berlin', 10);";
	expect_refused(
		one, {"flights from Paris", "flights to Berlin", "flights from Paris to Berlin", "flights not from Oslo"});
	EXPECT_EQ(condition_of(one, "flights to Paris"), "\"flights\".\"destination\" = 'Paris'");
	EXPECT_EQ(condition_of(one, "flights from Berlin to Paris"),
	          "\"flights\".\"origin\" = 'Berlin' AND \"flights\".\"destination\" = 'Paris'");
	EXPECT_EQ(condition_of(both, "flights from Berlin"), "\"flights\".\"origin\" = 'Berlin'");
	EXPECT_EQ(condition_of(both, "flights from Rome or to Berlin"),
	          "(\"flights\".\"origin\" = 'Rome' OR \"flights\".\"destination\" = 'Berlin')");
	EXPECT_EQ(condition_of(both, "flights from Berlin or Rome"), "\"flights\".\"origin\" IN ('Berlin', 'Rome')");
}

/* What a word may name in two tables goes with the table that it stands before. */
TEST(AskRelation, AWordBeforeATableIsOfThatTable)
{
	EXPECT_EQ(sql_of(planner, "projects with no tasks").find("JOIN"), std::string::npos);
	EXPECT_NE(sql_of(planner, "projects with no tasks").find("NOT EXISTS (SELECT 1 FROM \"tasks\" WHERE"),
	          std::string::npos);
	EXPECT_NE(sql_of(planner, "active people").find("WHERE \"people\".\"active\" = TRUE"), std::string::npos);
	EXPECT_NE(sql_of(planner, "total budget of active projects").find("WHERE \"projects\".\"status\" = 'active'"),
	          std::string::npos);
	EXPECT_NE(sql_of(planner, "high priority tasks").find("WHERE \"tasks\".\"priority\" = 'high'"), std::string::npos);
}

TEST(AskRelation, SumsAndMonthsAreOfWhatThereIs)
{
	EXPECT_EQ(sql_of(planner, "sum of payments").find("COUNT"), std::string::npos);
	EXPECT_NE(sql_of(planner, "tasks completed per month").find("\"completed_on\" IS NOT NULL"), std::string::npos);
	EXPECT_TRUE(sql_of(planner, "people on Apollo").starts_with("refused")) << sql_of(planner, "people on Apollo");
}

} // namespace
