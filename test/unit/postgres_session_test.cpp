/*
 * What statements may do to a session of the PostgreSQL driver: read-only, prepared statements, marks, COPY. Pure
 * regime.
 */
#include "postgres_fixture.hpp"

namespace tenancy::test {

namespace {

using PostgresSession = PostgresDriver;

TEST_F(PostgresSession, NothingEscapesAReadOnlyStatement)
{
	auto admin = open();
	rows(*admin, "DROP TABLE IF EXISTS driver_guarded");
	rows(*admin, "CREATE TABLE driver_guarded (a int)");
	rows(*admin, "DROP SEQUENCE IF EXISTS driver_numbers");
	rows(*admin, "CREATE SEQUENCE driver_numbers");
	rows(*admin, "CREATE OR REPLACE PROCEDURE driver_write() LANGUAGE plpgsql AS"
	             " $$ BEGIN COMMIT; SET transaction_read_only = off; INSERT INTO driver_guarded VALUES (1); END $$");
	RunOptions options;
	options.read_only = true;
	for (bool const by_session : {false, true}) {
		auto session = open(by_session);
		RunOptions const how = by_session ? RunOptions{} : options;
		for (const char *const attack : {
				 "INSERT INTO driver_guarded VALUES (1)",
				 "WITH w AS (INSERT INTO driver_guarded VALUES (1) RETURNING a) SELECT a FROM w",
				 "EXPLAIN ANALYZE INSERT INTO driver_guarded VALUES (1)",
				 "SELECT nextval('driver_numbers')",
				 "CREATE TABLE driver_escape (a int)",
				 "SELECT 1 INTO driver_escape",
				 "DO $$ BEGIN SET transaction_read_only = off; INSERT INTO driver_guarded VALUES (1); END $$",
				 "DO $$ BEGIN COMMIT; INSERT INTO driver_guarded VALUES (1); END $$",
				 "DO $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); INSERT INTO driver_guarded "
				 "VALUES (1); END $$",
				 "CALL driver_write()",
				 "COMMIT; INSERT INTO driver_guarded VALUES (1)",
			 }) {
			auto const error = failure_of([&] { rows(*session, attack, how); });
			EXPECT_TRUE(error.has_value()) << attack;
		}
		/* These succeed, change nothing, and open no door for what comes after. */
		for (const char *const key : {
				 "COMMIT",
				 "ROLLBACK",
				 "COMMIT AND CHAIN",
				 "BEGIN READ WRITE",
				 "SET transaction_read_only = off",
				 "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
				 "SET default_transaction_read_only = off",
				 "SELECT set_config('default_transaction_read_only', 'off', false)",
				 "SAVEPOINT a",
				 "DISCARD PLANS",
			 }) {
			(void) failure_of([&] { rows(*session, key, how); });
			expect_failure([&] { rows(*session, "INSERT INTO driver_guarded VALUES (2)", how); }, FailureKind::query,
			               "25006");
		}
		EXPECT_EQ(one(*session, "SELECT count(*) FROM driver_guarded", how), "0");
	}
	EXPECT_EQ(one(*admin, "SELECT count(*), to_regclass('driver_escape') FROM driver_guarded"), "0|~");
	rows(*admin, "DROP TABLE driver_guarded");
	rows(*admin, "DROP SEQUENCE driver_numbers");
	rows(*admin, "DROP PROCEDURE driver_write()");
}

TEST_F(PostgresSession, PreparesWhatComesBackAndSurvivesItsLoss)
{
	auto session = open();
	rows(*session, "DROP TABLE IF EXISTS driver_cached");
	rows(*session, "CREATE TABLE driver_cached AS SELECT 1 AS a");
	for (bool const read_only : {false, true}) {
		RunOptions options;
		options.read_only = read_only;
		for (int i = 0; i < 3; ++i)
			EXPECT_EQ(one(*session, "SELECT * FROM driver_cached", options), read_only ? "1|2" : "1");
		EXPECT_EQ(one(*session, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%driver_cached'"),
		          "1");
		rows(*session, read_only ? "ALTER TABLE driver_cached ADD c int DEFAULT 3"
		                         : "ALTER TABLE driver_cached ADD b int DEFAULT 2");
		EXPECT_EQ(one(*session, "SELECT * FROM driver_cached", options), read_only ? "1|2|3" : "1|2");
		EXPECT_EQ(one(*session, "SELECT * FROM driver_cached", options), read_only ? "1|2|3" : "1|2");
	}
	rows(*session, "DROP TABLE driver_cached");
	expect_failure([&] { rows(*session, "SELECT * FROM driver_cached"); }, FailureKind::query, "42P01");
	EXPECT_TRUE(session->reusable());
	/* The same text with other types is another statement. */
	for (int i = 0; i < 3; ++i) {
		EXPECT_EQ(one(*session, "SELECT $1", {}, {integer_param(7, pgtype::int4)}), "7");
		EXPECT_EQ(one(*session, "SELECT $1", {}, {text_param("seven")}), "seven");
	}
	/* More statements than the cache holds. */
	for (int round = 0; round < 2; ++round)
		for (int i = 0; i < 100; ++i)
			for (int twice = 0; twice < 2; ++twice)
				EXPECT_EQ(one(*session, "SELECT " + std::to_string(i)), std::to_string(i));
	EXPECT_LE(std::stoi(one(*session, "SELECT count(*)::int FROM pg_prepared_statements")), 64);
	/* Somebody deallocates them. */
	EXPECT_EQ(one(*session, "SELECT 99"), "99");
	rows(*session, "DEALLOCATE ALL");
	EXPECT_EQ(one(*session, "SELECT 99"), "99");
}

TEST_F(PostgresSession, FindsItsStatementDeallocated)
{
	auto session = open();
	rows(*session, "CREATE OR REPLACE FUNCTION driver_forget() RETURNS int LANGUAGE plpgsql AS"
	               " $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$");
	for (int i = 0; i < 2; ++i)
		EXPECT_EQ(one(*session, "SELECT 'kept'"), "kept");
	EXPECT_EQ(one(*session, "SELECT driver_forget()"), "1");
	EXPECT_EQ(one(*session, "SELECT 'kept'"), "kept");
	EXPECT_EQ(one(*session, "SELECT 'kept'"), "kept");
	rows(*session, "DROP FUNCTION driver_forget()");
}

/* A server that logs the parameters of what fails says them with the error. */
TEST_F(PostgresSession, FindsItsTableChangedWhereParametersAreLogged)
{
	auto session = open();
	rows(*session, "DROP TABLE IF EXISTS driver_logged");
	rows(*session, "CREATE TABLE driver_logged AS SELECT 1 AS a");
	rows(*session, "ALTER ROLE CURRENT_USER SET log_parameter_max_length_on_error = -1");
	session = open();
	rows(*session, "ALTER ROLE CURRENT_USER RESET log_parameter_max_length_on_error");
	std::string const sql = "SELECT * FROM driver_logged WHERE a = $1";
	for (int i = 0; i < 3; ++i)
		EXPECT_EQ(one(*session, sql, {}, {integer_param(1, pgtype::int4)}), "1");
	rows(*session, "ALTER TABLE driver_logged ADD b int DEFAULT 2");
	EXPECT_EQ(one(*session, sql, {}, {integer_param(1, pgtype::int4)}), "1|2");
	rows(*session, "DROP TABLE driver_logged");
}

/* Errors of a kept statement that are not about the statement: what a procedure has committed must not run again. */
TEST_F(PostgresSession, RunsNoProcedureTwice)
{
	auto session = open();
	rows(*session, "DROP TABLE IF EXISTS driver_ran, driver_changed");
	rows(*session, "CREATE TABLE driver_ran (a int)");
	rows(*session, "CREATE TABLE driver_changed (a int)");
	/* How it fails each time, and how it would have the statement taken for one that is not there any more. */
	for (auto const &[body, sqlstate] : std::vector<std::pair<std::string, const char *>>{
			 {"EXECUTE 'DEALLOCATE plan1';", "26000"},
			 {"RAISE invalid_sql_statement_name USING MESSAGE ="
	          " (SELECT coalesce(string_agg(name, ' '), 'plan1') || ' is gone' FROM pg_prepared_statements);",
	          "26000"},
			 {"IF NOT EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'plan1') THEN"
	          " PREPARE plan1 AS TABLE driver_changed; END IF;"
	          " ALTER TABLE driver_changed ADD b int; EXECUTE 'EXECUTE plan1';",
	          "0A000"},
		 }) {
		SCOPED_TRACE(body);
		rows(*session, "CREATE OR REPLACE PROCEDURE driver_commits() LANGUAGE plpgsql AS"
		               " $$ BEGIN INSERT INTO driver_ran VALUES (1); COMMIT; " +
		                   body + " END $$");
		for (int i = 0; i < 4; ++i) {
			expect_failure([&] { rows(*session, "CALL driver_commits()"); }, FailureKind::query, sqlstate);
			EXPECT_EQ(one(*session, "WITH ran AS (DELETE FROM driver_ran RETURNING a) SELECT count(*) FROM ran"), "1");
		}
	}
	rows(*session, "DROP PROCEDURE driver_commits()");
	rows(*session, "DROP TABLE driver_ran, driver_changed");
}

TEST_F(PostgresSession, LeavesNoMarks)
{
	for (const char *const mark : {
			 "SET DateStyle = German",
			 "SELECT set_config('DateStyle', 'German', false)",
			 "LISTEN driver",
			 "PREPARE mine AS SELECT 1",
			 "CREATE TEMP TABLE driver_temp (a int)",
			 "SELECT 1 INTO TEMPORARY driver_temp",
			 "CREATE /* a table */ TEMP TABLE driver_temp (a int)",
			 "CREATE OR REPLACE -- a view\n TEMPORARY VIEW driver_temp AS SELECT 1",
			 "SELECT 1 INTO /* a /* nested */ comment */ TEMP driver_temp",
			 "SELECT query_to_xml('SELECT set_config(''DateStyle'', ''German'', false)', true, false, '')",
			 "SELECT pg_advisory_lock(1)",
			 "DO $$ BEGIN SET TimeZone = 'Asia/Tokyo'; END $$",
			 "DISCARD ALL",
		 }) {
		auto session = open();
		rows(*session, mark);
		EXPECT_FALSE(session->reusable()) << mark;
		EXPECT_EQ(one(*session,
		              "SELECT '2024-02-01 00:00'::timestamptz, (SELECT count(*) FROM pg_listening_channels()),"
		              " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
		              " to_regclass('driver_temp')"),
		          "2024-02-01 00:00:00+00|0|0|~")
			<< mark;
		EXPECT_TRUE(session->reusable()) << mark;
	}
	auto session = open();
	rows(*session, "SELECT 20 AS temp, 30 AS temporary /* pg_temp: CREATE TEMP */");
	EXPECT_TRUE(session->reusable());
	rows(*session, "BEGIN");
	EXPECT_TRUE(session->reusable());
	EXPECT_TRUE(rows(*session, "VACUUM pg_database").empty());
}

/* What DO and CALL have committed stays when they fail, or are stopped, after it. */
TEST_F(PostgresSession, LeavesNoMarksOfWhatFailsAfterItsCommit)
{
	auto admin = open();
	std::string const there = one(*admin, "SHOW search_path");
	rows(*admin, "CREATE OR REPLACE PROCEDURE driver_marks() LANGUAGE plpgsql AS"
	             " $$ BEGIN SET search_path = driver_archive; COMMIT; RAISE EXCEPTION 'x'; END $$");
	std::string const block = "$$ BEGIN SET search_path = driver_archive; COMMIT; RAISE EXCEPTION 'x'; END $$";
	for (std::string const &mark : {
			 "DO " + block,
			 "/* a /* nested */ comment */ ; -- and\n ;dO LANGUAGE plpgsql " + block,
			 std::string("CALL driver_marks()"),
			 std::string("\n\tCall driver_marks()"),
		 }) {
		auto session = open();
		expect_failure([&] { rows(*session, mark); }, FailureKind::query, "P0001");
		EXPECT_FALSE(session->reusable()) << mark;
		EXPECT_EQ(one(*session, "SHOW search_path"), there) << mark;
		EXPECT_TRUE(session->reusable()) << mark;
	}
	auto session = open();
	RunOptions options;
	options.timeout_ms = 300;
	expect_failure(
		[&] {
			rows(*session, "DO $$ BEGIN SET search_path = driver_archive; COMMIT; PERFORM pg_sleep(30); END $$",
		         options);
		},
		FailureKind::timeout, "57014");
	EXPECT_EQ(one(*session, "SHOW search_path"), there);
	rows(*session, "SELECT 1 AS do, 2 AS call");
	EXPECT_TRUE(session->reusable());
	rows(*admin, "DROP PROCEDURE driver_marks()");
}

TEST_F(PostgresSession, RefusesCopy)
{
	auto observer = open();
	rows(*observer, "DROP TABLE IF EXISTS driver_copy");
	rows(*observer, "CREATE TABLE driver_copy (a int)");
	for (const char *const copy :
	     {"COPY driver_copy FROM STDIN", "COPY (SELECT generate_series(1, 10000000000)) TO STDOUT",
	      "COPY driver_copy TO STDOUT"}) {
		auto session = open();
		auto const start = Clock::now();
		expect_failure([&] { rows(*session, copy); }, FailureKind::query, "0A000");
		EXPECT_LT(seconds_since(start), in_time);
		EXPECT_FALSE(session->reusable());
	}
	EXPECT_EQ(running("COPY"), 0);
	rows(*observer, "DROP TABLE driver_copy");
}

} // namespace

} // namespace tenancy::test
