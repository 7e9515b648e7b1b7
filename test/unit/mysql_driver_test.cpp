/*
 * The MySQL/MariaDB driver against a real server, named by MYSQL_HOST, MYSQL_PORT, MYSQL_USER, MYSQL_PASSWORD and
 * MYSQL_DATABASE. Without those settings it fails: it never skips.
 */
#include <functional>
#include <thread>

#include "core/pgtype.hpp"
#include "mysql_fixture.hpp"
#include "remote/mysql/lexer.hpp"
#include "remote/stop_limit.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test::maria;
namespace pgtype = core::pgtype;

class MysqlDriver : public MysqlFixture {};

struct TypeCase {
	const char *declared;
	std::uint32_t oid;
	const char *native;
	std::vector<std::pair<const char *, const char *>> values; /* literal, cell */
};

std::vector<TypeCase>
type_cases(bool is_mariadb)
{
	const char *const least_time = is_mariadb ? "-838:59:59.999999" : "-838:59:58.999999";
	const char *const least_time_quoted = is_mariadb ? "'-838:59:59.999999'" : "'-838:59:58.999999'";
	return {
		{"tinyint", pgtype::int2, "tinyint", {{"-128", "-128"}, {"127", "127"}}},
		{"tinyint(1)", pgtype::int2, "tinyint", {{"2", "2"}, {"true", "1"}}},
		{"tinyint unsigned", pgtype::int2, "tinyint unsigned", {{"255", "255"}}},
		{"smallint", pgtype::int2, "smallint", {{"-32768", "-32768"}, {"32767", "32767"}}},
		{"smallint unsigned", pgtype::int4, "smallint unsigned", {{"65535", "65535"}}},
		{"mediumint", pgtype::int4, "mediumint", {{"-8388608", "-8388608"}}},
		{"mediumint unsigned", pgtype::int4, "mediumint unsigned", {{"16777215", "16777215"}}},
		{"int", pgtype::int4, "int", {{"-2147483648", "-2147483648"}, {"2147483647", "2147483647"}}},
		{"int unsigned", pgtype::int8, "int unsigned", {{"4294967295", "4294967295"}}},
		{"bigint",
	     pgtype::int8,
	     "bigint",
	     {{"-9223372036854775808", "-9223372036854775808"}, {"9223372036854775807", "9223372036854775807"}}},
		{"bigint unsigned",
	     pgtype::numeric,
	     "bigint unsigned",
	     {{"18446744073709551615", "18446744073709551615"}, {"0", "0"}}},
		{"decimal(65,30)",
	     pgtype::numeric,
	     "decimal(65,30)",
	     {{"-99999999999999999999999999999999999.999999999999999999999999999999",
	       "-99999999999999999999999999999999999.999999999999999999999999999999"}}},
		{"decimal(5,0) unsigned", pgtype::numeric, "decimal(5,0) unsigned", {{"99999", "99999"}}},
		{"float", pgtype::float4, "float", {{"1.234567", "1.23456705"}, {"0.1", "0.100000001"}}},
		{"double",
	     pgtype::float8,
	     "double",
	     {{"1.7976931348623157e308", "1.7976931348623157e+308"}, {"-0.1", "-0.10000000000000001"}}},
		{"date", pgtype::date, "date", {{"'1000-01-01'", "1000-01-01"}, {"'9999-12-31'", "9999-12-31"}}},
		{"datetime(6)",
	     pgtype::timestamp,
	     "datetime",
	     {{"'2024-02-29 23:59:59.000001'", "2024-02-29 23:59:59.000001"}, {"'2024-02-29'", "2024-02-29 00:00:00"}}},
		{"timestamp(3) null",
	     pgtype::timestamptz,
	     "timestamp",
	     {{"'2038-01-19 03:14:07.999'", "2038-01-19 03:14:07.999000+00"}}},
		{"time(6)",
	     pgtype::interval,
	     "time",
	     {{least_time_quoted, least_time},
	      {"'838:59:59'", "838:59:59"},
	      {"'24:00:01'", "24:00:01"},
	      {"'00:00:00'", "00:00:00"},
	      {"'-00:00:00.5'", "-00:00:00.500000"}}},
		{"year", pgtype::int2, "year", {{"2155", "2155"}, {"0", "0"}}},
		{"bit(10)", pgtype::bit, "bit(10)", {{"b'0000000101'", "0000000101"}, {"b'1111111111'", "1111111111"}}},
		{"bit(1)", pgtype::bit, "bit(1)", {{"b'1'", "1"}}},
		{"bit(64)",
	     pgtype::bit,
	     "bit(64)",
	     {{"1", "0000000000000000000000000000000000000000000000000000000000000001"}}},
		{"json", pgtype::json, "json", {{"'{\"a\": 1}'", "{\"a\": 1}"}}},
		{"enum('x','y')", pgtype::text, "enum", {{"'y'", "y"}}},
		{"set('p','q')", pgtype::text, "set", {{"'q,p'", "p,q"}, {"''", ""}}},
		{"char(5)", pgtype::text, "char(5)", {{"'ab'", "ab"}}},
		{"varchar(20)",
	     pgtype::text,
	     "varchar(20)",
	     {{"'h\u00e9llo \U0001f600'", "h\u00e9llo \U0001f600"}, {"''", ""}, {"'a\\b'", "a\\b"}}},
		{"mediumtext", pgtype::text, "text", {{"'x'", "x"}}},
		{"binary(4)", pgtype::bytea, "binary(4)", {{"'ab'", "\\x61620000"}}},
		{"varbinary(9)", pgtype::bytea, "varbinary(9)", {{"x'00ff00'", "\\x00ff00"}, {"''", "\\x"}}},
		{"blob", pgtype::bytea, "blob", {{"x'00'", "\\x00"}}},
	};
}

TEST_F(MysqlDriver, TypesAreExact)
{
	for (const TypeCase &item : type_cases(is_mariadb())) {
		SCOPED_TRACE(item.declared);
		define("drop table if exists driver_types");
		define(std::string("create table driver_types (n int primary key auto_increment, v ") + item.declared +
		       ") character set utf8mb4");
		for (auto const &[literal, cell] : item.values) {
			rows(std::string("insert into driver_types (v) values (") + literal + ")");
			EXPECT_EQ(one("select v from driver_types order by n desc limit 1"), cell);
		}
		rows("insert into driver_types (v) values (null)");
		EXPECT_EQ(one("select v from driver_types order by n desc limit 1"), "NULL");
		auto const columns = session->describe("select v from driver_types", {}, waiter);
		ASSERT_EQ(columns.size(), 1u);
		EXPECT_EQ(columns[0].name, "v");
		EXPECT_EQ(columns[0].type_oid, item.oid);
		EXPECT_EQ(columns[0].native_type, item.native);
	}
	auto const decimal = session->describe("select cast(1 as decimal(10,2)) a, sum(1.5) b", {}, waiter);
	EXPECT_EQ(decimal[0].typmod, -1) << "an expression's scale is a promise that the server need not keep";
	define("drop table driver_types");
}

TEST_F(MysqlDriver, ZeroDates)
{
	define_table("driver_dates", "(d date, t datetime, s timestamp null)");
	rows("set sql_mode = ''");
	rows("insert into driver_dates values ('0000-00-00', '0000-00-00', '0000-00-00'), ('2024-00-10', null, null)");
	EXPECT_EQ(rows("select * from driver_dates where d = 0"), Rows({{"NULL", "NULL", "NULL"}}));
	core::Error const error = failure([&] { rows("select d from driver_dates"); });
	EXPECT_STREQ(error.sqlstate, "22008");
	EXPECT_FALSE(error.hint.empty());
	EXPECT_EQ(one("select cast(d as char) from driver_dates where d <> 0"), "2024-00-10");
	define("drop table driver_dates");
}

TEST_F(MysqlDriver, LongValuesAreWhole)
{
	for (long const size : {255L, 256L, 257L, 1000L, 65535L, 65536L, 65537L, 100'000L, 5'000'000L}) {
		std::string const n = std::to_string(size);
		std::string const sql = "select repeat('ab', " + n + "/2), repeat(x'00', " + n +
		                        "), 'x' union all select 'short', 'y', repeat('z', 300)";
		auto const cursor = session->execute(sql, {}, {}, waiter);
		Batch batch;
		Rows seen;
		std::string first, second;
		while (cursor->fetch(batch, waiter))
			for (std::size_t r = 0; r < batch.rows(); ++r) {
				if (seen.empty()) {
					first = batch.row(r)[0].view();
					second = batch.row(r)[1].view();
				}
				seen.push_back({std::to_string(batch.row(r)[0].size), std::to_string(batch.row(r)[1].size),
				                std::to_string(batch.row(r)[2].size)});
			}
		ASSERT_EQ(seen.size(), 2u);
		ASSERT_EQ(first.size(), static_cast<std::size_t>((size + 1) / 2 * 2)) << size;
		EXPECT_EQ(second, std::string(static_cast<std::size_t>(size), '\0'));
		for (std::size_t i = 0; i < first.size(); ++i)
			ASSERT_EQ(first[i], i % 2 == 0 ? 'a' : 'b');
		EXPECT_EQ(seen[1], std::vector<std::string>({"5", "1", "300"}));
	}
}

/* A server need not send again what has not changed since a statement was prepared, or run. */
TEST_F(MysqlDriver, RunsAsItDescribes)
{
	define_table("driver_json", "(j json, t text)");
	rows("insert into driver_json values ('{\"a\": 1}', 'x')");
	std::string const sql = "select j, t from driver_json";
	for (int round = 0; round < 3; ++round) {
		auto const cursor = session->execute(sql, {}, {}, waiter);
		EXPECT_EQ(cursor->columns()[0].native_type, "json") << round;
		EXPECT_EQ(cursor->columns()[1].native_type, "text") << round;
	}
	EXPECT_EQ(session->describe(sql, {}, waiter)[0].native_type, "json");
}

TEST_F(MysqlDriver, TextMustBeText)
{
	EXPECT_STREQ(failure([&] { rows("select concat('a', char(0 using utf8mb4), 'b')"); }).sqlstate, "22021");
	EXPECT_EQ(one("select cast(concat('a', char(0 using utf8mb4), 'b') as binary)"), "\\x610062");
	EXPECT_TRUE(session->reusable());
}

TEST_F(MysqlDriver, Parameters)
{
	std::vector<Param> params(7);
	params[0] = integer_param(INT64_MIN);
	params[1].kind = Param::Kind::decimal;
	params[1].text = "-12345678901234567890.123456789";
	params[2].kind = Param::Kind::float8;
	params[2].real = 0.1;
	params[3].kind = Param::Kind::boolean;
	params[3].integer = 1;
	params[4] = text_param("o'h \\ \"\u00e9\"; drop table x");
	params[5].kind = Param::Kind::bytes;
	params[5].text = std::string("\0\xff'", 3);
	define_table("driver_params", "(a bigint, b decimal(40,9), c double, d tinyint, e text, f blob, g int)");
	rows("insert into driver_params values (?, ?, ?, ?, ?, ?, ?)", params);
	EXPECT_EQ(affected, 1);
	EXPECT_EQ(rows("select * from driver_params"),
	          Rows({{"-9223372036854775808", "-12345678901234567890.123456789", "0.10000000000000001", "1",
	                 "o'h \\ \"\u00e9\"; drop table x", "\\x00ff27", "NULL"}}));
	std::vector<Param> const when = {text_param("2024-05-06 07:08:09.5+00", pgtype::timestamptz)};
	EXPECT_EQ(one("select cast(? as datetime(6))", when), "2024-05-06 07:08:09.500000");
	EXPECT_STREQ(failure([&] { rows("select ?, ?", when); }).sqlstate, "08P01");
	std::vector<Param> const big = {text_param(std::string(3'000'000, 'x'))};
	EXPECT_EQ(one("select char_length(?)", big), "3000000");
	define("drop table driver_params");
}

/* A bit string is the number of its bits, as b'101' is, where the text would be its characters' codes. */
TEST_F(MysqlDriver, BitParameters)
{
	define_table("driver_bits", "(a bit(64), b bit(3), c bigint unsigned)");
	for (std::string const &bits :
	     {std::string("101"), std::string(), std::string(64, '1'), "1" + std::string(63, '0')})
		for (std::uint32_t const oid : {pgtype::bit, pgtype::varbit}) {
			SCOPED_TRACE(bits);
			std::vector<Param> const params(2, text_param(bits, oid));
			rows("insert into driver_bits (a, c) values (?, ?)", params);
			EXPECT_EQ(one("select a from driver_bits where a = ? and c = ?", params),
			          std::string(64 - bits.size(), '0') + bits);
			define("delete from driver_bits");
		}
	std::vector<Param> params = {text_param("101", pgtype::bit), text_param("101", pgtype::varbit)};
	rows("insert into driver_bits (b, a) values (?, ?)", params);
	EXPECT_EQ(rows("select b, a + 0 from driver_bits"), Rows({{"101", "5"}}));
	params = {text_param("1" + std::string(64, '0'), pgtype::varbit)};
	core::Error const error = failure([&] { rows("select ?", params); });
	EXPECT_STREQ(error.sqlstate, "22003");
	EXPECT_EQ(error.message, "bit string of 65 bits is out of range for the remote server");
	EXPECT_TRUE(session->reusable());
	params = {text_param("101")};
	EXPECT_EQ(one("select ?", params), "101");
	define("drop table driver_bits");
}

/* A server would store the largest number that it can hold, or zero. */
TEST_F(MysqlDriver, TakesNoNumbersThatADecimalCannotHold)
{
	using namespace std::string_literals;
	std::vector<Param> params(1);
	params[0].kind = Param::Kind::decimal;
	for (std::string const &number : {"-0.5"s, "7"s, std::string(65, '9'), "-0." + std::string(29, '0') + "1"}) {
		params[0].text = number;
		EXPECT_EQ(one("select ?", params), number);
	}
	for (std::string const &number : {"NaN"s, "Infinity"s, "-Infinity"s, ""s, "-"s, "1e5"s, "1.2.3"s,
	                                  "1" + std::string(100, '0'), std::string(66, '9'), "0." + std::string(70, '3')}) {
		params[0].text = number;
		EXPECT_STREQ(failure([&] { rows("select ?", params); }).sqlstate, "22003") << number;
	}
	EXPECT_TRUE(session->reusable());
}

TEST_F(MysqlDriver, SessionIsAsPromised)
{
	EXPECT_EQ(one("select @@time_zone"), "+00:00");
	EXPECT_EQ(one("select 'a' || 'b'"), "ab");
	EXPECT_EQ(one("select 'a\\b'"), "a\\b");
	EXPECT_EQ(one("select \"text\""), "text");
	EXPECT_EQ(one("select @@character_set_client"), "utf8mb4");
	EXPECT_EQ(one("select @@character_set_results"), "utf8mb4");
	EXPECT_TRUE(session->server_version().starts_with("MariaDB ") || session->server_version().starts_with("MySQL "));
	EXPECT_TRUE(session->ping(core::Deadline::after(1000), waiter));
	EXPECT_TRUE(session->reusable());
	EXPECT_STREQ(failure([&] { rows("select 1; select 2"); }).sqlstate, "42601") << "one statement per call";
	rows("set @x = 1");
	EXPECT_FALSE(session->reusable());
}

/* A server would hang up on who does not read for so many seconds. */
TEST_F(MysqlDriver, ServerWaitsForItsReader)
{
	EXPECT_EQ(one("select @@net_write_timeout"), "31536000");
	RunOptions limited;
	limited.timeout_ms = 90'500;
	EXPECT_GT(std::stol(rows("select @@net_write_timeout", {}, limited)[0][0]), 91);
	EXPECT_EQ(one("select @@net_write_timeout"), "31536000") << "no limit again";
}

/* Locks and variables of a session, which the next user of it would have. */
TEST_F(MysqlDriver, LeavesNoMarks)
{
	define_table("driver_marks", "(a int)");
	for (const char *const mark :
	     {"select get_lock('driver', 0)", "select `GET_LOCK` ('driver', 0)", "select @n := 5", "select 5 into @n",
	      "insert into driver_marks values (get_lock('driver', 0))", "update driver_marks set a = (@n := 5)",
	      "with x as (select Get_Lock/**/('driver', 0)) select * from x"}) {
		auto const marked = connect();
		rows(*marked, mark);
		EXPECT_FALSE(marked->reusable()) << mark;
		/* Described first, and so known when it runs. */
		auto const described = connect();
		described->describe(mark, {}, waiter);
		rows(*described, mark);
		EXPECT_FALSE(described->reusable()) << mark;
	}
	for (const char *const harmless :
	     {"select 'get_lock', ':=', @n /* get_lock(@n := 1) */", "select is_used_lock('driver'), @n = 5",
	      "select 1 as get_locked -- get_lock", "select cast(@tenancy_skipped := 0 as signed)"}) {
		rows(harmless);
		EXPECT_TRUE(session->reusable()) << harmless;
	}
	define("drop table driver_marks");
}

TEST_F(MysqlDriver, ErrorsKeepTheirMeaning)
{
	define_table("driver_parent", "(a int primary key)");
	define_table("driver_errors", "(a int primary key, b int not null, c varchar(3), d int check (d > 0), "
	                              "foreign key (b) references driver_parent (a)) engine = innodb");
	rows("insert into driver_parent values (1)");
	rows("insert into driver_errors values (1, 1, 'x', 1)");
	std::vector<std::pair<const char *, const char *>> const cases = {
		{"insert into driver_errors values (1, 1, 'x', 1)", "23505"},
		{"insert into driver_errors values (2, 2, 'x', 1)", "23503"},
		{"insert into driver_errors values (2, null, 'x', 1)", "23502"},
		{"insert into driver_errors values (2, 1, 'x', -1)", "23514"},
		{"insert into driver_errors values (2, 1, 'long', 1)", "22001"},
		{"insert into driver_errors values (99999999999, 1, 'x', 1)", "22003"},
		{"select * from driver_nosuch", "42P01"},
		{"select nosuch from driver_errors", "42703"},
		{"selec 1", "42601"},
		{"select driver_nosuch(1)", "42883"},
	};
	for (auto const &[sql, sqlstate] : cases) {
		core::Error const error = failure([&, text = sql] { rows(text); });
		EXPECT_STREQ(error.sqlstate, sqlstate) << sql << ": " << error.message;
		EXPECT_EQ(error.kind, FailureKind::query);
		EXPECT_TRUE(session->reusable());
	}
	define("drop table driver_errors");
	define("drop table driver_parent");
}

TEST_F(MysqlDriver, ReadOnlyIsReadOnly)
{
	define_table("driver_ro", "(a int)");
	define("drop function if exists driver_writes");
	define("create function driver_writes() returns int modifies sql data "
	       "begin insert into driver_ro values (1); return 1; end");
	Target restricted = target();
	restricted.read_only = true;
	auto const reader = mysql::connect(restricted, waiter);
	RunOptions statement;
	statement.read_only = true;
	for (bool const by_target : {true, false}) {
		Session *const on = by_target ? reader.get() : session.get();
		RunOptions const options = by_target ? RunOptions() : statement;
		for (const char *const sql :
		     {"insert into driver_ro values (1)", "delete from driver_ro", "/* select */ update driver_ro set a = 1",
		      "/*!insert into driver_ro values (1) */", "/*M! insert into driver_ro values (1) */", "commit",
		      "set session transaction read write", "select 1 into outfile '/tmp/driver_ro'", "call nosuch()",
		      "(select 1) union select 2 into/**/dumpfile '/tmp/driver_ro'", "start transaction", "truncate driver_ro",
		      "select 1 /*!99999 ' */ into outfile '/tmp/driver_ro' -- '", "create table driver_ro2 (a int)",
		      "begin not atomic insert into driver_ro values (1); end", "select driver_writes()", "select 1 into @a",
		      "with x as (select driver_writes() a) select * from x", "explain analyze delete from driver_ro"}) {
			core::Error const error = failure([&] { rows(*on, sql, {}, options); });
			EXPECT_TRUE(std::string_view(error.sqlstate) == "25006" || std::string_view(error.sqlstate) == "42601")
				<< sql << ": " << error.sqlstate << " " << error.message;
		}
		EXPECT_EQ(rows(*on, "select count(*) from driver_ro", {}, options), Rows({{"0"}}));
		EXPECT_EQ(rows(*on, "-- c\n# d\n/* e */ (select 'into outfile' as `into`)", {}, options),
		          Rows({{"into outfile"}}));
		EXPECT_FALSE(rows(*on, "show tables", {}, options).empty());
		EXPECT_TRUE(on->reusable());
	}
	define("drop function driver_writes");
	define("drop table driver_ro");
}

TEST(MysqlLexer, Classifies)
{
	using mysql::classify;
	using mysql::StatementKind;
	EXPECT_EQ(classify("select t.into from t"), StatementKind::reads);
	EXPECT_EQ(classify("select 'x' 'into' from t"), StatementKind::reads);
	for (const char *sql : {"select 1.into @x", "select 1e5into @x", "select 1e+5into @x", "select .5into @x",
	                        "select @a. into @x", "select /*+ BKA(t) */ 1 into outfile 'x'"})
		EXPECT_EQ(classify(sql), StatementKind::exports) << sql;
	EXPECT_EQ(classify("select 1 /*+ X(`*/`) */ from t"), StatementKind::other);
	EXPECT_EQ(classify("select @a.into, `b`.into from t"), StatementKind::reads);
	EXPECT_EQ(classify("select 1 --\x01' \n into outfile 'x'"), StatementKind::exports);
	EXPECT_EQ(classify("select 1 # '\n into outfile 'x'"), StatementKind::exports);
	EXPECT_EQ(classify("select 5--'1' into @x"), StatementKind::exports);
	EXPECT_EQ(classify("select 'a\\' into outfile 'b' from t"), StatementKind::exports);
	EXPECT_EQ(classify("explain insert into t values (1)"), StatementKind::reads);
	EXPECT_EQ(classify("explain insert into `t` select @v"), StatementKind::reads);
	EXPECT_EQ(classify("explain select t.into, @v from t"), StatementKind::reads);
	for (const char *sql : {"explain format = json into @v select 1", "DESC format=json INTO/* */@v select 1",
	                        "explain analyze format = json into\n@`v` select 1"})
		EXPECT_EQ(classify(sql), StatementKind::exports) << sql;
	EXPECT_EQ(classify("insert into t values (1)"), StatementKind::writes);
	EXPECT_EQ(classify("insert into t values (1) /*! x */"), StatementKind::other);
	EXPECT_EQ(classify("selectx 1"), StatementKind::other);
	EXPECT_EQ(classify(""), StatementKind::other);
	EXPECT_EQ(classify("/* unclosed"), StatementKind::other);
}

TEST_F(MysqlDriver, TimeoutEndsTheStatementEverywhere)
{
	RunOptions options;
	options.timeout_ms = 500;
	auto const start = steady_clock::now();
	core::Error const error = failure([&] { rows("select sleep(30), 'driver_timeout'", {}, options); });
	EXPECT_EQ(error.kind, FailureKind::timeout);
	EXPECT_STREQ(error.sqlstate, "57014");
	EXPECT_LT(seconds_since(start), test::in_time);
	EXPECT_TRUE(vanishes("driver_timeout"));
	EXPECT_TRUE(session->reusable()) << "the server ended the statement, not the connection";
	EXPECT_EQ(one("select 1"), "1");
}

TEST_F(MysqlDriver, CancelEndsTheStatementEverywhere)
{
	auto const start = steady_clock::now();
	waiter.interrupt_after(300);
	EXPECT_THROW(rows("select sleep(30), 'driver_cancel'"), test::Interrupted);
	EXPECT_LT(seconds_since(start), test::in_time);
	waiter.clear();
	EXPECT_FALSE(session->reusable()) << "nobody knows how far it got";
	EXPECT_TRUE(vanishes("driver_cancel"));
	EXPECT_STREQ(failure([&] { one("select 1"); }).sqlstate, "08003");
	session.reset();
}

TEST_F(MysqlDriver, LeavingEarlyEndsTheStatement)
{
	for (std::string_view const slow : {"select a.seq, 'driver_early' from seq_1_to_1000000 a, seq_1_to_1000000 b",
	                                    "select seq, sleep(0.01), 'driver_early' from seq_1_to_100000"}) {
		RunOptions options;
		options.fetch_rows = 3;
		options.read_only = true;
		{
			auto const cursor = session->execute(slow, {}, options, waiter);
			Batch batch;
			ASSERT_TRUE(cursor->fetch(batch, waiter));
			EXPECT_EQ(batch.rows(), 3u);
		}
		EXPECT_TRUE(session->reusable());
		EXPECT_TRUE(vanishes("driver_early"));
		EXPECT_EQ(one("select 42"), "42");
	}
	for (int i = 0; i < 200; ++i) {
		RunOptions options;
		options.fetch_rows = 1;
		Batch batch;
		ASSERT_TRUE(session->execute("select seq from seq_1_to_1000", {}, options, waiter)->fetch(batch, waiter));
		ASSERT_TRUE(session->reusable());
	}
}

/* Oracle's library reserves much more for each than it uses. */
TEST_F(MysqlDriver, TakesLittleMemoryForAConnection)
{
	long const before = resident_kb();
	std::vector<std::unique_ptr<remote::Session>> sessions;
	for (int i = 0; i < 5; ++i)
		sessions.push_back(mysql::connect(target(), waiter));
	EXPECT_LT(resident_kb() - before, 100'000);
}

/* Where many are left together, each may have less time than it would take. */
TEST_F(MysqlDriver, LosesItsConnectionWithoutTimeToStop)
{
	StopLimit const limit(core::Deadline::after(1));
	RunOptions options;
	options.fetch_rows = 3;
	Batch batch;
	ASSERT_TRUE(
		session->execute("select seq, sleep(0.01) from seq_1_to_100000", {}, options, waiter)->fetch(batch, waiter));
	EXPECT_FALSE(session->reusable());
}

TEST_F(MysqlDriver, InterruptBetweenBatches)
{
	RunOptions options;
	options.fetch_rows = 10;
	{
		auto const cursor = session->execute("select seq, 'driver_between' from seq_1_to_1000000", {}, options, waiter);
		Batch batch;
		ASSERT_TRUE(cursor->fetch(batch, waiter));
		waiter.interrupt();
		EXPECT_THROW(cursor->fetch(batch, waiter), test::Interrupted);
	}
	waiter.clear();
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(one("select 1"), "1");
}

TEST_F(MysqlDriver, ErrorAmongTheRowsIsAnError)
{
	RunOptions options;
	options.fetch_rows = 100;
	auto const cursor = session->execute(
		"select seq, (select i.seq from seq_1_to_2 i where i.seq <= if(o.seq > 40000, 2, 1)) from seq_1_to_100000 o",
		{}, options, waiter);
	Batch batch;
	std::size_t seen = 0;
	core::Error const error = failure([&] {
		while (cursor->fetch(batch, waiter))
			seen += batch.rows();
	});
	EXPECT_STREQ(error.sqlstate, "21000");
	EXPECT_GT(seen, 30'000u);
	EXPECT_LE(seen, 40'000u);
}

TEST_F(MysqlDriver, MillionRowsInFlatMemory)
{
	auto const cursor = session->execute("select seq, seq * 2, repeat('x', 100), now(6), seq / 3 from seq_1_to_1000000",
	                                     {}, {}, waiter);
	Batch batch;
	std::int64_t count = 0, sum = 0;
	long before = 0;
	while (cursor->fetch(batch, waiter)) {
		for (std::size_t r = 0; r < batch.rows(); ++r)
			sum += std::stoll(show(batch.row(r)[0]));
		count += static_cast<std::int64_t>(batch.rows());
		if (before == 0)
			before = resident_kb();
	}
	EXPECT_EQ(count, 1'000'000);
	EXPECT_EQ(sum, 500'000'500'000);
	EXPECT_EQ(cursor->affected(), 1'000'000);
	EXPECT_LT(resident_kb() - before, 4096);
}

TEST_F(MysqlDriver, ProceduresWithManyResults)
{
	define("drop procedure if exists driver_two");
	define("create procedure driver_two(fail int) begin select 1 as a, 'x' as b; select 2 from seq_1_to_1000; "
	       "if fail then select * from driver_nosuch; end if; end");
	for (int i = 0; i < 3; ++i) {
		EXPECT_EQ(rows("call driver_two(0)"), Rows({{"1", "x"}}));
		EXPECT_STREQ(failure([&] { rows("call driver_two(1)"); }).sqlstate, "42P01");
	}
	EXPECT_EQ(one("select 3"), "3");
	define("drop procedure driver_two");
}

/* What a procedure says of statements of its own is no reason to run it again. */
TEST_F(MysqlDriver, RunsNoProcedureTwice)
{
	define_table("driver_ran", "(a int)");
	for (const char *const failing :
	     {"deallocate prepare driver_nosuch", "signal sqlstate 'HY000' set mysql_errno = 1615"}) {
		define("drop procedure if exists driver_fails");
		define("create procedure driver_fails() begin insert into driver_ran values (1); " + std::string(failing) +
		       "; end");
		for (int i = 1; i <= 3; ++i) {
			failure([&] { rows("call driver_fails()"); });
			EXPECT_EQ(one("select count(*) from driver_ran"), std::to_string(i)) << failing;
		}
		define("truncate driver_ran");
	}
	define("drop procedure driver_fails");
	define("drop table driver_ran");
}

TEST_F(MysqlDriver, StatementsAreKeptAndRefreshed)
{
	define_table("driver_kept", "(a int, b int)");
	rows("insert into driver_kept values (1, 2)");
	for (int i = 0; i < 3; ++i)
		EXPECT_EQ(rows("select * from driver_kept"), Rows({{"1", "2"}}));
	define("alter table driver_kept modify b int first");
	auto const names = [&] { return session->execute("select * from driver_kept", {}, {}, waiter)->columns()[0].name; };
	EXPECT_EQ(names(), "b");
	define("alter table driver_kept add c text default ('new')");
	EXPECT_EQ(rows("select * from driver_kept"), Rows({{"2", "1", "new"}}));
	define("alter table driver_kept modify a varchar(10)");
	EXPECT_EQ(rows("select a from driver_kept"), Rows({{"1"}}));
	for (int i = 0; i < 200; ++i)
		EXPECT_EQ(one("select " + std::to_string(i)), std::to_string(i));
	EXPECT_LE(std::stoi(rows("show session status like 'Com_stmt_prepare'")[0][1]) -
	              std::stoi(rows("show session status like 'Com_stmt_close'")[0][1]),
	          66);
	rows("update driver_kept set b = 2");
	EXPECT_EQ(affected, 1) << "rows that matched, as in PostgreSQL";
	define("drop table driver_kept");
}

TEST_F(MysqlDriver, ReadOnlyStatementsAmongOthers)
{
	define_table("driver_mixed", "(a int)");
	RunOptions read_only;
	read_only.read_only = true;
	for (int i = 0; i < 20; ++i) {
		rows("insert into driver_mixed values (1)");
		EXPECT_EQ(rows("select count(*) from driver_mixed", {}, read_only), Rows({{std::to_string(i + 1)}}));
		EXPECT_TRUE(session->reusable());
		if (i % 3 == 0) {
			EXPECT_TRUE(session->ping(core::Deadline::after(1000), waiter));
		}
		if (i % 5 == 0) {
			EXPECT_EQ(session->describe("select a from driver_mixed", {}, waiter).size(), 1u);
		}
		EXPECT_FALSE(server_in_transaction(*session));
	}
	auto const cursor = session->execute("select seq from seq_1_to_100000", {}, read_only, waiter);
	EXPECT_STREQ(failure([&] { one("select 1"); }).sqlstate, "55006");
	define("drop table driver_mixed");
}

TEST_F(MysqlDriver, TlsAsTheServerHasIt)
{
	std::string const cipher = std::string("select variable_value from ") +
	                           (is_mariadb() ? "information_schema" : "performance_schema") +
	                           ".session_status where variable_name = 'Ssl_cipher'";
	/* Oracle's server always has it here: without, nobody could log in to it. */
	bool const has_tls = !is_mariadb() || one("select @@have_ssl") == "YES";
	EXPECT_EQ(one(cipher).empty(), !has_tls) << "prefer takes what there is";
	Target choosy = target();
	choosy.tls = TlsMode::disable;
	EXPECT_EQ(rows(*mysql::connect(choosy, waiter), cipher), Rows({{""}}));
	choosy.tls = TlsMode::require;
	if (has_tls) {
		EXPECT_NE(rows(*mysql::connect(choosy, waiter), cipher), Rows({{""}}));
	} else {
		EXPECT_EQ(failure([&] { mysql::connect(choosy, waiter); }).kind, FailureKind::tls);
	}
	for (TlsMode const mode : {TlsMode::verify_ca, TlsMode::verify_full}) {
		choosy.tls = mode;
		EXPECT_EQ(failure([&] { mysql::connect(choosy, waiter); }).kind, FailureKind::tls) << "not the system's roots";
	}
}

TEST_F(MysqlDriver, ConnectFailuresHaveTheirKind)
{
	auto const kind = [&](auto change) {
		Target wrong = target();
		change(wrong);
		return failure([&] { mysql::connect(wrong, waiter); }).kind;
	};
	EXPECT_EQ(kind([](Target &t) { t.password = core::Secret(std::string_view("wrong")); }), FailureKind::password);
	EXPECT_EQ(kind([](Target &t) { t.password.wipe(); }), FailureKind::password);
	EXPECT_EQ(kind([](Target &t) { t.username = "driver_nobody"; }), FailureKind::password);
	EXPECT_EQ(kind([](Target &t) { t.database = "driver_nosuch"; }), FailureKind::database);
	EXPECT_EQ(kind([](Target &t) { t.port = 1; }), FailureKind::refused);
	EXPECT_EQ(kind([](Target &t) { t.host = "10.0.0.1"; }), FailureKind::denied_address);
	EXPECT_EQ(kind([](Target &t) { t.host = "/tmp/mysql.sock"; }), FailureKind::denied_address);
	NetworkList const nowhere;
	EXPECT_EQ(kind([&](Target &t) { t.allowed_networks = &nowhere; }), FailureKind::denied_address);
}

} // namespace
