/*
 * Types, parameters, errors and functions of the SQLite driver. Pure regime.
 */
#include <cmath>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "core/pgtype.hpp"
#include "sqlite_fixture.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test;

class SqliteValue : public SqliteFixture {};

namespace pgtype = core::pgtype;

TEST_F(SqliteValue, DeclaredTypes)
{
	auto const session = open();
	rows(*session,
	     "CREATE TABLE t(a INTEGER, b VARCHAR(20), c, d BLOB, e DOUBLE PRECISION, f DECIMAL(10,2), g BOOLEAN, h DATE,"
	     " i DATETIME, j TIMESTAMP WITH TIME ZONE, k TIME, l JSON, m UUID, n STRING, o BIGINT, p REAL, q CLOB)");
	std::vector<std::uint32_t> const wanted = {
		pgtype::int8,    pgtype::text, pgtype::text,      pgtype::bytea,       pgtype::float8, pgtype::numeric,
		pgtype::boolean, pgtype::date, pgtype::timestamp, pgtype::timestamptz, pgtype::time,   pgtype::json,
		pgtype::text,    pgtype::text, pgtype::int8,      pgtype::float8,      pgtype::text};
	auto const columns = session->describe("SELECT * FROM t", {}, waiter_);
	ASSERT_EQ(columns.size(), wanted.size());
	for (std::size_t i = 0; i < wanted.size(); ++i)
		EXPECT_EQ(columns[i].type_oid, wanted[i]) << columns[i].name << " " << columns[i].native_type;
	EXPECT_EQ(columns[1].native_type, "VARCHAR(20)");
	EXPECT_TRUE(session->describe("INSERT INTO t(a) VALUES (1)", {}, waiter_).empty());
	EXPECT_EQ(value(*session, "SELECT count(*) FROM t"), "int 0"); /* describing ran nothing */
}

TEST_F(SqliteValue, ExpressionsHaveTheTypeOfTheirFirstRow)
{
	auto const session = open();
	auto const cursor = session->execute("SELECT 1, 1.5, 'x', x'00', NULL, 1 AS one", {}, {}, waiter_);
	std::vector<std::uint32_t> types;
	for (const Column &column : cursor->columns())
		types.push_back(column.type_oid);
	EXPECT_EQ(types, (std::vector<std::uint32_t>{pgtype::int8, pgtype::float8, pgtype::text, pgtype::bytea,
	                                             pgtype::text, pgtype::int8}));
	EXPECT_EQ(cursor->columns()[5].name, "one");
}

TEST_F(SqliteValue, CellsSayWhatTheyAre)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(i INTEGER, b BOOLEAN, d DATE)");
	rows(*session,
	     "INSERT INTO t VALUES (9223372036854775807, 1, '2024-02-29'), ('abc', 2, 19000), (1.5, 'yes', x'00'),"
	     " (NULL, 0, NULL), (-9223372036854775807 - 1, false, 2460000.5)");
	EXPECT_EQ(affected_, 5);
	EXPECT_EQ(rows(*session, "SELECT * FROM t"),
	          (std::vector<std::string>{"int 9223372036854775807|bool true|text 2024-02-29", "text abc|int 2|int 19000",
	                                    "real 1.5|text yes|bytes 1", "null|bool false|null",
	                                    "int -9223372036854775808|bool false|real 2460000.5"}));
	EXPECT_EQ(affected_, 5);
	EXPECT_EQ(value(*session, "SELECT 9e999, x'', ''"), "real inf|bytes 0|text ");
	EXPECT_EQ(fails(*session, "SELECT 'a' || char(0) || 'b'").sqlstate, "22021");
}

TEST_F(SqliteValue, Parameters)
{
	auto const session = open();
	EXPECT_EQ(value(*session, "SELECT ?, ?, ?", {number(1), Param(), string(Param::Kind::text, "é")}),
	          "int 1|null|text é");
	EXPECT_EQ(value(*session, "SELECT $2, $1, $2", {number(1), number(2)}), "int 2|int 1|int 2");
	EXPECT_EQ(value(*session, "SELECT ?2, ?1", {number(1), number(2)}), "int 2|int 1");
	EXPECT_EQ(value(*session, "SELECT :b, :a", {number(1), number(2)}), "int 1|int 2");
	EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::bytes, std::string("\0x", 2))}), "bytes 2");
	EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::bytes, "")}), "bytes 0");
	EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::text, "")}), "text ");
	EXPECT_EQ(value(*session, "SELECT ?", {real_number(0.1)}), "real 0.10000000000000001");
	for (auto const &[decimal, wanted] : std::vector<std::pair<std::string, std::string>>{
			 {"42", "int 42"},
			 {"-9223372036854775808", "int -9223372036854775808"},
			 {"1.25", "real 1.25"},
			 {"9223372036854775808", "text 9223372036854775808"},
			 {"0.12345678901234567890", "text 0.12345678901234567890"},
			 {"0.00141765211419631", "real 0.0014176521141963099"},
			 {"-1.2500000000000000000", "real -1.25"},
			 {"3000000000000000000000", "real 3e+21"},
			 {"0.0000000000000000000", "real 0"},
			 {"1" + std::string(400, '0'), "text 1" + std::string(400, '0')},
			 {"0." + std::string(310, '0') + "123456789012345", "text 0." + std::string(310, '0') + "123456789012345"},
			 {"NaN", "text NaN"},
			 {"Infinity", "text Infinity"}})
		EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::decimal, decimal)}), wanted);
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT ?", {real_number(std::nan(""))}); }).sqlstate, "22023");
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT ?", {}); }).sqlstate, "42601");
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT 1", {number(1)}); }).sqlstate, "42601");
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT $3", {number(1)}); }).sqlstate, "42601");
	EXPECT_EQ(value(*session, "SELECT ?", {number(7)}), "int 7"); /* nothing is left of earlier bindings */
}

TEST_F(SqliteValue, AffectedRows)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	EXPECT_EQ(affected_, 0);
	rows(*session, "INSERT INTO t VALUES (1), (2), (3)");
	EXPECT_EQ(affected_, 3);
	rows(*session, "CREATE TABLE u(a)");
	EXPECT_EQ(affected_, 0);
	rows(*session, "DELETE FROM t WHERE a > 5");
	EXPECT_EQ(affected_, 0);
	EXPECT_EQ(rows(*session, "UPDATE t SET a = a + 1 RETURNING a").size(), 3U);
	EXPECT_EQ(affected_, 3);
	rows(*session, "SELECT * FROM t LIMIT 2");
	EXPECT_EQ(affected_, 2);
}

TEST_F(SqliteValue, ErrorsHaveSqlstates)
{
	auto const session = open();
	rows(*session, "CREATE TABLE p(id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL, c CHECK (c > 0))");
	rows(*session, "CREATE TABLE r(p REFERENCES p)");
	rows(*session, "CREATE TABLE s(a INTEGER) STRICT");
	rows(*session, "INSERT INTO p VALUES (1, 1, 1, 1)");
	for (auto const &[sql, sqlstate] :
	     std::vector<std::pair<std::string, std::string>>{{"INSERT INTO p VALUES (1, 2, 1, 1)", "23505"},
	                                                      {"INSERT INTO p VALUES (2, 1, 1, 1)", "23505"},
	                                                      {"INSERT INTO p VALUES (2, 2, NULL, 1)", "23502"},
	                                                      {"INSERT INTO p VALUES (2, 2, 1, 0)", "23514"},
	                                                      {"INSERT INTO r VALUES (9)", "23503"},
	                                                      {"DELETE FROM p", "00000"},
	                                                      {"SELEC 1", "42601"},
	                                                      {"SELECT (", "42601"},
	                                                      {"SELECT * FROM nowhere", "42P01"},
	                                                      {"SELECT nope FROM p", "42703"},
	                                                      {"SELECT nofunc(1)", "42883"},
	                                                      {"SELECT abs(1, 2)", "42883"},
	                                                      {"CREATE TABLE p(a)", "42P07"},
	                                                      {"DROP INDEX nowhere", "42704"},
	                                                      {"SELECT id FROM p, p AS q", "42702"},
	                                                      {"INSERT INTO p VALUES (1)", "42601"},
	                                                      {"SELECT sum(count(*)) FROM p", "42803"},
	                                                      {"INSERT INTO s VALUES ('x')", "42804"},
	                                                      {"INSERT INTO p(id, n) VALUES ('x', 1)", "42804"},
	                                                      {"SELECT abs(-9223372036854775807 - 1)", "22003"},
	                                                      {"SELECT json('{')", "22032"},
	                                                      {"SELECT zeroblob(1000000000)", "54000"},
	                                                      {"SELECT 1 ORDER BY 1 COLLATE nope", "42704"}}) {
		Failure const failure = fails(*session, sql);
		EXPECT_EQ(failure.sqlstate, sqlstate) << sql << ": " << failure.message;
		EXPECT_TRUE(session->reusable());
	}
	EXPECT_EQ(fails(*session, "SELECT 1 FRM p").message, "near \"p\": syntax error");
}

TEST_F(SqliteValue, ReplacedFunctionsAreTheSame)
{
	auto const session = open();
	sqlite3 *plain = nullptr;
	ASSERT_EQ(sqlite3_open(":memory:", &plain), SQLITE_OK);
	std::vector<std::string> const values = {"NULL", "''",      "'a'",   "'aXbXaa'", "'X'", "'aa'",   "'äöä'", "'ä'",
	                                         "x''",  "x'6158'", "x'58'", "12341",    "1.5", "'  a '", "' '",   "'XbX'"};
	std::vector<std::string> calls;
	for (const std::string &a : values)
		for (const std::string &b : values) {
			for (const std::string function : {"instr", "trim", "ltrim", "rtrim"})
				calls.push_back(function + "(" + a + ", " + b + ")");
			for (const std::string &c : values)
				calls.push_back("replace(" + a + ", " + b + ", " + c + ")");
		}
	for (const std::string &call : calls) {
		std::string const sql = "SELECT quote(" + call + ") || typeof(" + call + ")";
		std::string wanted;
		ASSERT_EQ(sqlite3_exec(
					  plain, sql.c_str(),
					  [](void *to, int, char **cells, char **) {
						  *static_cast<std::string *>(to) = cells[0];
						  return 0;
					  },
					  &wanted, nullptr),
		          SQLITE_OK);
		EXPECT_EQ(value(*session, sql), "text " + wanted) << call;
	}
	sqlite3_close(plain);
	/* And they are usable where only innocuous, deterministic functions are. */
	rows(*session, "CREATE TABLE t(a, g AS (replace(trim(a, 'x'), 'b', 'c')), CHECK (instr(a, 'q') = 0))");
	rows(*session, "CREATE INDEX i ON t(replace(a, 'a', 'b'))");
	rows(*session, "INSERT INTO t(a) VALUES ('xabx')");
	EXPECT_EQ(value(*session, "SELECT g FROM t"), "text ac");
}

TEST_F(SqliteValue, LongSearchesEnd)
{
	auto const session = open();
	std::string const big = "printf('%.*c', 10000000, 'a')", needle = "printf('%.*c', 5000000, 'a') || 'b'";
	EXPECT_LT(seconds_of([&] {
				  EXPECT_EQ(value(*session, "SELECT instr(" + big + ", " + needle + ")"), "int 0");
				  EXPECT_EQ(value(*session, "SELECT length(replace(" + big + ", " + needle + ", 'x'))"),
		                    "int 10000000");
				  EXPECT_NE(fails(*session, "SELECT unhex(" + big + ", " + needle + ")").sqlstate, "00000");
				  EXPECT_NE(fails(*session, "SELECT trim(" + big + ", " + needle + ")").sqlstate, "00000");
			  }),
	          20.0);
}

} // namespace
