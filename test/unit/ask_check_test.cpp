/*
 * Which statements may run, in each dialect: what only reads, and every way known to do more. Pure regime.
 */
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../ask/judge.hpp"
#include "ask/check.pure.hpp"
#include "ask/token.pure.hpp"

namespace {

using namespace tenancy;
using ask::objection_to;
using remote::DatabaseType;

constexpr DatabaseType engines[] = {DatabaseType::postgresql, DatabaseType::mysql, DatabaseType::sqlite};

std::vector<std::string>
tokens_of(DatabaseType engine, std::string_view sql)
{
	ask::Tokens tokens(engine, sql);
	std::vector<std::string> texts;
	for (ask::Token token = tokens.next(); token.kind != ask::TokenKind::end; token = tokens.next()) {
		if (token.kind == ask::TokenKind::bad) {
			texts.push_back(std::string("bad: ") + tokens.complaint());
			break;
		}
		texts.emplace_back(token.text);
	}
	return texts;
}

void
expect_taken(DatabaseType engine, const std::string &sql)
{
	EXPECT_EQ(objection_to(engine, sql), "") << sql;
}

void
expect_objection(DatabaseType engine, const std::string &sql, const std::string &objection)
{
	EXPECT_EQ(objection_to(engine, sql), objection) << sql;
}

TEST(AskTokens, QuotesAndCommentsOfEachDialect)
{
	using Texts = std::vector<std::string>;
	EXPECT_EQ(
		tokens_of(DatabaseType::postgresql, "a.\"b\"\"c\"='it''s'||E'\\'x'||$t$;'$t$ -- ;\n/* ; */::int"),
		(Texts{"a", ".", "\"b\"\"c\"", "=", "'it''s'", "|", "|", "E'\\'x'", "|", "|", "$t$;'$t$", ":", ":", "int"}));
	EXPECT_EQ(tokens_of(DatabaseType::mysql, "`a``b` \"c;\" 1.5e-3 # ;\n-- ;\nx"),
	          (Texts{"`a``b`", "\"c;\"", "1.5e-3", "x"}));
	EXPECT_EQ(tokens_of(DatabaseType::sqlite, "[a;b] `c` \"d\" x'00'"), (Texts{"[a;b]", "`c`", "\"d\"", "x", "'00'"}));
}

TEST(AskTokens, WhatCanBeReadInTwoWaysIsBad)
{
	for (DatabaseType const engine : engines) {
		EXPECT_EQ(tokens_of(engine, "'a\\'b'").back(), "bad: a backslash before a quote");
		EXPECT_EQ(tokens_of(engine, "'a\\''").back(), "bad: a backslash before a quote");
		EXPECT_EQ(tokens_of(engine, "'\\'").back(), "bad: a backslash before a quote");
		EXPECT_EQ(tokens_of(engine, "'a").back(), "bad: an unterminated quote");
		EXPECT_EQ(tokens_of(engine, "\"a").back(), "bad: an unterminated quote");
		EXPECT_EQ(tokens_of(engine, "/* a").back(), "bad: an unterminated comment");
		EXPECT_EQ(tokens_of(engine, "/* /* */ */").back(), "bad: a comment within a comment");
		EXPECT_EQ(tokens_of(engine, "/*!50000 a */").back(), "bad: a comment that the server may execute");
		EXPECT_EQ(tokens_of(engine, "/*M! a */").back(), "bad: a comment that the server may execute");
		EXPECT_EQ(tokens_of(engine, "/*+ a */").back(), "bad: a comment that the server may execute");
		EXPECT_EQ(tokens_of(engine, "1 --2").back(), "bad: two dashes without a blank after them");
		EXPECT_EQ(tokens_of(engine, "-- a\rb\nc").back(), "bad: a carriage return within a comment");
		EXPECT_EQ(tokens_of(engine, std::string("a\0b", 3)).back(), "bad: a control character");
		EXPECT_EQ(tokens_of(engine, "a\x0b").back(), "bad: a control character");
		EXPECT_EQ(tokens_of(engine, std::string("/*\0*/ a", 8)).back(), "bad: a control character");
		EXPECT_EQ(tokens_of(engine, "1a").back(), "bad: a number followed by a letter");
		EXPECT_EQ(tokens_of(engine, "\\N").back(), "bad: a character that is not SQL");
		EXPECT_EQ(tokens_of(engine, "-- a\r\nc"), (std::vector<std::string>{"c"}));
		EXPECT_EQ(tokens_of(engine, "a -- b"), (std::vector<std::string>{"a"}));
		EXPECT_EQ(tokens_of(engine, "a --"), (std::vector<std::string>{"a"}));
	}
	EXPECT_EQ(tokens_of(DatabaseType::postgresql, "$1").back(), "bad: a parameter");
	EXPECT_EQ(tokens_of(DatabaseType::postgresql, "$t$ x").back(), "bad: an unterminated quote");
	EXPECT_EQ(tokens_of(DatabaseType::postgresql, "U&'\\0041'").back(), "bad: a text with Unicode escapes");
	EXPECT_EQ(tokens_of(DatabaseType::postgresql, "E'\\'").back(), "bad: an unterminated quote");
	EXPECT_EQ(tokens_of(DatabaseType::postgresql, "E'a'\n'b\\''").back(), "bad: a backslash before a quote");
	EXPECT_EQ(tokens_of(DatabaseType::mysql, "?").back(), "bad: a parameter");
	EXPECT_EQ(tokens_of(DatabaseType::mysql, "@a").back(), "bad: a variable");
	EXPECT_EQ(tokens_of(DatabaseType::sqlite, ":a").back(), "bad: a parameter or an assignment");
	EXPECT_EQ(tokens_of(DatabaseType::sqlite, "[a").back(), "bad: an unterminated bracket");
	for (const char *sql :
	     {"SELECT 1 # ; DROP TABLE t", "SELECT 1 : , 2", "SELECT 1 @ , 2", "SELECT $a(b) , 2", "SELECT #a"})
		EXPECT_TRUE(tokens_of(DatabaseType::sqlite, sql).back().starts_with("bad: ")) << sql;
}

TEST(AskCheck, TakesWhatReads)
{
	for (DatabaseType const engine : engines) {
		expect_taken(engine, "SELECT 1");
		expect_taken(engine, "select a.id, count(*) as n from orders a join items b on b.order_id = a.id group by 1;");
		expect_taken(engine, "SELECT 'DROP TABLE x; -- ' AS \"delete\" FROM t WHERE note = 'it''s; update'");
		expect_taken(engine, "SELECT t.update, t.into FROM t");
		expect_taken(engine, "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1");
		expect_taken(engine, "WITH a AS (SELECT 1 AS x), b (y) AS (SELECT x FROM a) SELECT * FROM b");
		expect_taken(engine,
		             "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5) SELECT n FROM c");
		expect_taken(engine, "SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) AS s");
		expect_taken(engine, "SELECT replace(name, 'a', 'b') FROM t WHERE id IN (SELECT id FROM u)");
		expect_taken(engine, "SELECT lock, load, handler, copy FROM t");
		expect_taken(engine, "SELECT 1 /* a remark */ -- and another");
	}
	expect_taken(DatabaseType::postgresql, "SELECT substring(name FROM 1 FOR 3), a::date, b ->> 'x', c ? 'y' FROM t");
	expect_taken(DatabaseType::postgresql, "WITH a AS NOT MATERIALIZED (SELECT 1) SELECT * FROM a");
	expect_taken(DatabaseType::postgresql, "SELECT * FROM (VALUES (1), (2)) AS v(x)");
	expect_taken(DatabaseType::mysql,
	             "SELECT INSERT(name, 1, 2, 'x'), truncate(price, 1), b FROM t GROUP BY b WITH ROLLUP");
}

TEST(AskCheck, TakesWhatTheBuiltInTranslatorWrites)
{
	int answered = 0;
	for (auto const &file : ask_test::question_files(TENANCY_TEST_DIRECTORY "/ask/tuned")) {
		auto script = file;
		ask_test::Database const database(ask_test::read_file(script.replace_extension(".sql")));
		for (DatabaseType const engine : engines) {
			auto const schema = ask_test::schema_of(database, true, engine);
			for (auto const &of : ask_test::read_cases(file)) {
				ask::Translation const translation = ask_test::ask(schema, of.question);
				answered += !translation.refused;
				if (!translation.refused)
					expect_taken(engine, translation.sql);
			}
		}
	}
	EXPECT_GT(answered, 100);
}

TEST(AskCheck, RefusesWhatIsNoQuery)
{
	for (DatabaseType const engine : engines) {
		expect_objection(engine, "", "it is empty");
		expect_objection(engine, " ; ", "it is empty");
		expect_objection(engine, "-- nothing", "it is empty");
		expect_objection(engine, "DROP TABLE orders", "it is drop, not SELECT");
		expect_objection(engine, "VALUES (1)", "it is values, not SELECT");
		expect_objection(engine, "(DELETE FROM orders)", "it is delete, not SELECT");
		expect_objection(engine, "EXPLAIN SELECT 1", "it is explain, not SELECT");
		expect_objection(engine, "1", "it is not SELECT");
		expect_objection(engine, "SELECT 1; SELECT 2", "it is more than one statement");
		expect_objection(engine, "SELECT 1; DROP TABLE orders", "it is more than one statement");
		expect_objection(engine, "SELECT 1;;", "it is more than one statement");
		expect_objection(engine, "SELECT (1", "its parentheses do not match");
		expect_objection(engine, "SELECT 1) + (2", "its parentheses do not match");
	}
}

TEST(AskCheck, RefusesWhatWritesLocksOrExports)
{
	for (DatabaseType const engine : engines) {
		expect_objection(engine, "SELECT * INTO backup FROM orders", "it holds the word into");
		expect_objection(engine, "SELECT * FROM orders INTO/**/OUTFILE '/tmp/x'", "it holds the word into");
		expect_objection(engine, "SELECT * FROM orders FOR UPDATE", "it holds the word update");
		expect_objection(engine, "SELECT * FROM orders FOR SHARE", "it locks rows");
		expect_objection(engine, "SELECT * FROM orders FOR NO KEY UPDATE", "it locks rows");
		expect_objection(engine, "SELECT * FROM orders LOCK IN SHARE MODE", "it locks rows");
		expect_objection(engine, "SELECT next value for s", "it advances a sequence");
		expect_objection(engine, "WITH d AS (DELETE FROM orders RETURNING id) SELECT * FROM d",
		                 "it is delete, not SELECT");
		expect_objection(engine, "WITH d AS (MERGE INTO orders USING x ON true WHEN MATCHED THEN DO NOTHING) SELECT 1",
		                 "it is merge, not SELECT");
		expect_objection(engine, "WITH d AS (SELECT 1) DELETE FROM orders", "it is delete, not SELECT");
		expect_objection(engine, "WITH d AS (SELECT 1), e AS (UPDATE orders SET id = 1) SELECT 1",
		                 "it is update, not SELECT");
		expect_objection(engine, "SELECT * FROM (WITH d AS (DELETE FROM orders) SELECT 1) AS s",
		                 "it is delete, not SELECT");
		expect_objection(engine, "WITH d AS (SELECT 1) SEARCH DEPTH FIRST BY a SET b SELECT 1",
		                 "it is search, not SELECT");
	}
	expect_objection(DatabaseType::mysql, "SELECT a FROM t PROCEDURE ANALYSE()", "it holds the word procedure");
	expect_objection(DatabaseType::mysql, "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */",
	                 "it holds a comment that the server may execute");
	expect_objection(DatabaseType::mysql, "SELECT @a := 1", "it holds a variable");
}

TEST(AskCheck, RefusesFunctionsWithEffects)
{
	expect_objection(DatabaseType::postgresql, "SELECT pg_sleep(10)", "it calls the function pg_sleep");
	expect_objection(DatabaseType::postgresql, "SELECT (3600::float8).pg_sleep", "it calls the function pg_sleep");
	expect_objection(DatabaseType::postgresql, "SELECT (array[1])[1].\"PG_SLEEP\"", "it calls the function pg_sleep");
	for (const char *const alias : {"x", "\"x\"", "public.x"})
		for (const char *const name : {"pg_sleep", "\"pg_sleep\"", " /**/ PG_SLEEP"})
			expect_objection(DatabaseType::postgresql,
			                 "SELECT " + std::string(alias) + "." + name + " FROM generate_series(3600, 3600) AS x",
			                 "it calls the function pg_sleep");
	expect_taken(DatabaseType::postgresql, "SELECT pg_data.items.id, x.y FROM pg_data.items, pg_data.others AS x");
	expect_objection(DatabaseType::postgresql, "SELECT brin_desummarize_range('i', 0)",
	                 "it calls the function brin_desummarize_range");
	expect_objection(DatabaseType::mysql, "SELECT asynchronous_connection_failover_reset()",
	                 "it calls the function asynchronous_connection_failover_reset");
	expect_objection(DatabaseType::postgresql, "SELECT pg_catalog.\"pg_sleep\" /**/ (10)",
	                 "it calls the function pg_sleep");
	expect_objection(DatabaseType::postgresql, "SELECT PG_READ_FILE('/etc/passwd')",
	                 "it calls the function pg_read_file");
	for (const char *const name : {"lo_import", "dblink", "dblink_exec", "set_config", "nextval", "setval",
	                               "query_to_xml", "database_to_xml_and_xmlschema", "pg_terminate_backend", "crosstab",
	                               "ts_stat", "heap_force_kill", "bt_index_check", "autoprewarm_start_worker"})
		EXPECT_TRUE(ask::has_effects(DatabaseType::postgresql, name)) << name;
	for (const char *const name : {"count", "lower", "date_trunc", "generate_series", "to_char", "jsonb_each"})
		EXPECT_FALSE(ask::has_effects(DatabaseType::postgresql, name)) << name;
	expect_objection(DatabaseType::mysql, "SELECT `sleep`(10)", "it calls the function sleep");
	for (const char *const name : {"benchmark", "get_lock", "load_file", "sys_exec", "release_all_locks",
	                               "wsrep_sync_wait_upto_gtid", "service_get_write_locks", "version_tokens_set",
	                               "keyring_key_fetch", "gen_dictionary_load", "audit_log_rotate"})
		EXPECT_TRUE(ask::has_effects(DatabaseType::mysql, name)) << name;
	expect_objection(DatabaseType::sqlite, "SELECT [load_extension]('x')", "it calls the function load_extension");
	EXPECT_TRUE(ask::has_effects(DatabaseType::sqlite, "writefile"));
	EXPECT_FALSE(ask::has_effects(DatabaseType::sqlite, "strftime"));
}

/* Of the catalog's tables, x.f is a column; f of x is a function where the catalog has none, or where it is called. */
TEST(AskCheck, TakesColumnsAndTablesThatAreNamedLikeFunctions)
{
	constexpr DatabaseType engine = DatabaseType::postgresql;
	auto schema = ask_test::schema_of(
		ask_test::Database("CREATE TABLE leases (id integer PRIMARY KEY, tenancy_start date);"
	                       "CREATE TABLE lineorder (id integer PRIMARY KEY, lo_revenue numeric(10,2));"
	                       "CREATE TABLE movies (id integer PRIMARY KEY, title varchar(40), pg_rating integer);"
	                       "CREATE TABLE tenancy_agreements (id integer PRIMARY KEY, signed_on date)"),
		false, engine);
	schema.tables.back().schema = "app";
	for (const char *const question :
	     {"total lo revenue", "leases with tenancy start in 2023", "movies with pg rating 5", "average pg rating",
	      "how many tenancy agreements in 2023"}) {
		ask::Translation const translation = ask_test::ask(schema, question);
		ASSERT_FALSE(translation.refused) << question << translation.understood;
		EXPECT_EQ(objection_to(engine, translation.sql, &schema), "") << translation.sql;
		EXPECT_NE(objection_to(engine, translation.sql), "") << translation.sql;
	}
	EXPECT_EQ(objection_to(engine, "SELECT m.PG_Rating FROM public.movies AS m", &schema), "");
	for (const char *const sql :
	     {"SELECT pg_rating(m) FROM movies AS m", "SELECT m.pg_rating (1) FROM movies AS m",
	      "SELECT (m).pg_rating FROM movies AS m", "SELECT (array[m])[1].pg_rating FROM movies AS m",
	      "SELECT m.\"PG_RATING\" FROM movies AS m"})
		EXPECT_EQ(objection_to(engine, sql, &schema), "it calls the function pg_rating") << sql;
	schema.tables.back().name = "a\"_to_xml";
	EXPECT_EQ(objection_to(engine, "SELECT 1 FROM app.\"a\"\"_to_xml\"", &schema), "");
	EXPECT_EQ(objection_to(engine, "SELECT m.id, x.pg_sleep FROM movies AS m, generate_series(60, 60) AS x", &schema),
	          "it calls the function pg_sleep");
}

} // namespace
