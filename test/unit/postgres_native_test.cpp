/*
 * Answers of the PostgreSQL driver in wire form, the fall back to text, and statements that are deferred. Pure regime.
 */
#include <poll.h>

#include "postgres_fixture.hpp"

namespace tenancy::test {

namespace {

class PostgresNative : public PostgresDriver {
protected:
	PostgresNative() { native.native = native.repeatable = true; }

	/* Of the only row and column of sql, in wire form. */
	Cell cell(Session &session, const std::string &sql, std::uint32_t type)
	{
		auto cursor = session.execute(sql, {}, native, waiter);
		EXPECT_TRUE(cursor->fetch(batch, waiter)) << sql;
		EXPECT_EQ(cursor->columns().at(0).type_oid, type) << sql;
		return batch.row(0)[0];
	}
	/* What the send function of a value writes. */
	std::string sent(Session &session, const std::string &function, const std::string &value)
	{
		std::string const bytes = one(session, "SELECT " + function + "(" + value + ")");
		return bytes.substr(1, bytes.size() - 2);
	}

	RunOptions native;
	Batch batch;
};

TEST_F(PostgresNative, ReadsWhatFitsACell)
{
	auto session = open();
	struct {
		const char *value;
		std::uint32_t type;
		CellKind kind;
		std::int64_t integer;
	} const integers[] = {
		{"true", pgtype::boolean, CellKind::boolean, 1},
		{"false", pgtype::boolean, CellKind::boolean, 0},
		{"(-32768)::int2", pgtype::int2, CellKind::integer, -32768},
		{"(-2147483648)::int4", pgtype::int4, CellKind::integer, -2147483648},
		{"(-9223372036854775808)::int8", pgtype::int8, CellKind::integer, INT64_MIN},
		{"4294967295::oid", pgtype::oid, CellKind::integer, 4294967295},
		{"'2000-01-02'::date", pgtype::date, CellKind::date, 1},
		{"'0044-03-15 BC'::date", pgtype::date, CellKind::date, -746117},
		{"'infinity'::date", pgtype::date, CellKind::date, INT32_MAX},
		{"'-infinity'::date", pgtype::date, CellKind::date, INT32_MIN},
		{"'00:00:01.5'::time", pgtype::time, CellKind::time, 1'500'000},
		{"'24:00'::time", pgtype::time, CellKind::time, 86'400'000'000},
		{"'2000-01-01 00:00:01'::timestamp", pgtype::timestamp, CellKind::timestamp, 1'000'000},
		{"'infinity'::timestamp", pgtype::timestamp, CellKind::timestamp, INT64_MAX},
		{"'2000-01-01 02:00+02'::timestamptz", pgtype::timestamptz, CellKind::timestamp, 0},
		{"'-infinity'::timestamptz", pgtype::timestamptz, CellKind::timestamp, INT64_MIN},
	};
	for (auto const &wanted : integers) {
		Cell const got = cell(*session, std::string("SELECT ") + wanted.value, wanted.type);
		EXPECT_EQ(got.kind, wanted.kind) << wanted.value;
		EXPECT_EQ(got.integer, wanted.integer) << wanted.value;
	}
	Cell real = cell(*session, "SELECT 0.1::float4", pgtype::float4);
	EXPECT_EQ(real.kind, CellKind::float4);
	EXPECT_EQ(real.real, static_cast<double>(0.1F));
	real = cell(*session, "SELECT '-Infinity'::float8", pgtype::float8);
	EXPECT_EQ(real.kind, CellKind::float8);
	EXPECT_TRUE(real.real < -1e308);
	EXPECT_TRUE(cell(*session, "SELECT 'NaN'::float8", pgtype::float8).real != real.real);
}

TEST_F(PostgresNative, ReadsTextAndBytes)
{
	auto session = open();
	EXPECT_EQ(one(*session,
	              "SELECT 'é'::text, 'v'::varchar(3), 'c'::char(3), 'n'::name, '\\x0001'::bytea, '{\"a\": [1]}'::json,"
	              " '{\"a\":[1]}'::jsonb, ''::text, ''::bytea",
	              native),
	          std::string("é|v|c  |n|<\0\1>|{\"a\": [1]}|{\"a\": [1]}||<>", 41));
	std::string nulls;
	for (const char *const type :
	     {"bool", "int2",      "int4",        "int8",    "oid",  "float4", "float8", "text",     "bytea", "date",
	      "time", "timestamp", "timestamptz", "numeric", "uuid", "json",   "jsonb",  "interval", "int[]", "inet"})
		nulls += std::string(nulls.empty() ? "" : ", ") + "NULL::" + type;
	EXPECT_EQ(one(*session, "SELECT " + nulls, native), "~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~|~");
}

TEST_F(PostgresNative, PassesOtherTypesAsTheyAreSent)
{
	auto session = open();
	struct {
		const char *function, *value;
		std::uint32_t type;
	} const values[] = {
		{"numeric_send", "123456.7890::numeric", pgtype::numeric},
		{"numeric_send", "'NaN'::numeric", pgtype::numeric},
		{"uuid_send", "'0188c0de-0000-7000-8000-000000000001'::uuid", pgtype::uuid},
		{"interval_send", "'1 year 2 days 03:04:05.6'::interval", pgtype::interval},
		{"timetz_send", "'12:00+02'::timetz", pgtype::timetz},
		{"bit_send", "B'101'::bit(3)", pgtype::bit},
		{"varbit_send", "B'1'::varbit", pgtype::varbit},
		{"inet_send", "'10.0.0.1/8'::inet", 869},
		{"cidr_send", "'10.0.0.0/8'::cidr", 650},
		{"macaddr_send", "'08:00:2b:01:02:03'::macaddr", 829},
		{"point_send", "'(1,2)'::point", 600},
		{"range_send", "'[1,5)'::int4range", 3904},
		{"tidsend", "'(3,4)'::tid", 27},
		{"array_send", "'{1,NULL,3}'::int4[]", 1007},
		{"array_send", "'{{a,b},{c,d}}'::text[]", 1009},
		{"array_send", "'{1.5}'::numeric[]", 1231},
	};
	for (auto const &wanted : values) {
		std::string const form = sent(*session, wanted.function, wanted.value);
		Cell const got = cell(*session, std::string("SELECT ") + wanted.value, wanted.type);
		EXPECT_EQ(got.kind, CellKind::wire) << wanted.value;
		EXPECT_EQ(got.view(), form) << wanted.value;
		EXPECT_EQ(got.data[got.size], '\0');
	}
	EXPECT_EQ(session->describe("SELECT '10.0.0.1'::inet", {}, waiter).at(0).type_oid, pgtype::text);
}

TEST_F(PostgresNative, FallsBackToTextForTypesOfTheServersOwn)
{
	auto admin = open();
	rows(*admin, "DROP TYPE IF EXISTS driver_mood CASCADE");
	rows(*admin, "CREATE TYPE driver_mood AS ENUM ('sad', 'glad')");
	rows(*admin, "DROP TABLE IF EXISTS driver_moods");
	rows(*admin, "CREATE TABLE driver_moods AS SELECT i, 'glad'::driver_mood AS m, repeat('x', 1000) AS t,"
	             " DATE '2024-01-01' + i AS d FROM generate_series(1, 20000) i");
	for (bool const inside : {false, true}) {
		auto session = open();
		if (inside) {
			session->transact({}, {}, waiter);
			rows(*session, "CREATE TABLE driver_undone ()");
		}
		for (int i = 0; i < 3; ++i) {
			auto const got = rows(*session, "SELECT i, m, d FROM driver_moods ORDER BY i LIMIT 5", native);
			ASSERT_EQ(got.size(), 5u);
			EXPECT_EQ(got[4], "5|glad|2024-01-06");
			/* One that cannot be let run to its end. */
			EXPECT_EQ(
				rows(*session, "SELECT m, t, i FROM driver_moods, generate_series(1, 20) LIMIT 30000", native).size(),
				30'000u);
		}
		/* Once it is known there is one trip only. */
		int const before = waiter.waits();
		EXPECT_EQ(one(*session, "SELECT i, m, d FROM driver_moods ORDER BY i LIMIT 5", native), "5 rows");
		EXPECT_EQ(waiter.waits(), before + 1);
		EXPECT_TRUE(rows(*session, "SELECT m FROM driver_moods WHERE false", native).empty());
		EXPECT_EQ(one(*session, "SELECT m, $1::date FROM driver_moods LIMIT 1", native, {text_param("2000-01-02")}),
		          "glad|2000-01-02");
		if (inside) {
			EXPECT_EQ(one(*session, "SELECT to_regclass('driver_undone')::text"), "driver_undone");
			TransactionStep rollback;
			rollback.verb = TransactionStep::Verb::rollback;
			session->transact(rollback, {}, waiter);
		}
		EXPECT_TRUE(session->reusable());
	}
	/* What may run once only comes as text until its types are known. */
	auto session = open();
	native.repeatable = false;
	EXPECT_EQ(one(*session, "INSERT INTO driver_moods VALUES (0, 'sad') RETURNING m, i", native), "sad|0");
	for (int i = 0; i < 3; ++i)
		EXPECT_EQ(one(*session, "UPDATE driver_moods SET m = 'sad' WHERE i = 1 RETURNING d", native),
		          i == 0 ? "2024-01-02" : "@8767");
	EXPECT_EQ(one(*session, "SELECT count(*) FROM driver_moods WHERE i = 0"), "1");
	/* A type that changes below a statement. */
	native.repeatable = true;
	EXPECT_EQ(one(*session, "SELECT d FROM driver_moods WHERE i = 1", native), "@8767");
	rows(*session, "ALTER TABLE driver_moods ALTER d TYPE driver_mood USING 'glad'");
	for (int i = 0; i < 2; ++i)
		EXPECT_EQ(one(*session, "SELECT d FROM driver_moods WHERE i = 1", native), "glad");
	rows(*session, "ALTER TABLE driver_moods ALTER d TYPE int USING 7");
	for (int i = 0; i < 3; ++i)
		EXPECT_EQ(one(*session, "SELECT d FROM driver_moods WHERE i = 1", native), "7");
	/* And between two runs of which the one that prepared it failed. */
	std::string const ratio = "SELECT d, 1 / $1 FROM driver_moods WHERE i = 1";
	EXPECT_EQ(one(*session, ratio, native, {integer_param(1, pgtype::int4)}), "7|1");
	rows(*session, "ALTER TABLE driver_moods ALTER d TYPE date USING '2000-01-08'");
	expect_failure([&] { rows(*session, ratio, native, {integer_param(0, pgtype::int4)}); }, FailureKind::query,
	               "22012");
	EXPECT_EQ(one(*session, ratio, native, {integer_param(1, pgtype::int4)}), "@7|1");
	rows(*admin, "DROP TABLE driver_moods");
	rows(*admin, "DROP TYPE driver_mood");
}

TEST_F(PostgresNative, TakesOneTripFirstAndAgain)
{
	auto session = open();
	for (int i = 0; i < 4; ++i) {
		int const before = waiter.waits();
		EXPECT_EQ(one(*session, "SELECT $1 + 1, now() IS NULL", native, {integer_param(i, pgtype::int8)}),
		          std::to_string(i + 1) + "|no");
		EXPECT_EQ(waiter.waits(), before + 1) << i;
	}
	EXPECT_EQ(one(*session, "SELECT count(*)::int4 FROM pg_prepared_statements", native), "1");
	/* The same statement in either form. */
	for (bool const wire : {true, false, true})
		EXPECT_EQ(one(*session, "SELECT DATE '2000-01-02'", wire ? native : RunOptions{}), wire ? "@1" : "2000-01-02");
	/* A read-only session needs no transaction of ours around a query, unless somebody has opened its door. */
	auto guarded = open(true);
	int const before = waiter.waits();
	EXPECT_EQ(one(*guarded, "SELECT current_setting('transaction_read_only')", native), "on");
	EXPECT_EQ(waiter.waits(), before + 1);
	rows(*session, "CREATE TABLE IF NOT EXISTS driver_door (a int)");
	rows(*session, "CREATE OR REPLACE FUNCTION driver_open() RETURNS int LANGUAGE plpgsql AS"
	               " $$ BEGIN SET default_transaction_read_only = off; RETURN 1; END $$");
	rows(*session, "CREATE OR REPLACE FUNCTION driver_enter() RETURNS int LANGUAGE plpgsql AS"
	               " $$ BEGIN INSERT INTO driver_door VALUES (1); RETURN 1; END $$");
	EXPECT_EQ(one(*guarded, "SELECT driver_open()", native), "1");
	expect_failure([&] { rows(*guarded, "SELECT driver_enter()", native); }, FailureKind::query, "25006");
	rows(*session, "DROP TABLE driver_door");
	rows(*session, "DROP FUNCTION driver_open()");
	rows(*session, "DROP FUNCTION driver_enter()");
}

TEST_F(PostgresNative, DefersUntilTheFirstFetch)
{
	auto session = open();
	native.deferred = true;
	for (int i = 0; i < 3; ++i) {
		std::vector<Param> params = {integer_param(i, pgtype::int4)};
		int const before = waiter.waits();
		auto cursor = session->execute("SELECT $1 + 1 AS next, pg_sleep(0.1) IS NULL", params, native, waiter);
		EXPECT_EQ(waiter.waits(), before);
		params[0] = integer_param(100);
		EXPECT_TRUE(cursor->columns().empty());
		pollfd entry = {session->socket(), POLLIN, 0};
		ASSERT_EQ(poll(&entry, 1, 2000), 1);
		ASSERT_TRUE(cursor->fetch(batch, waiter));
		EXPECT_EQ(cursor->columns().at(0).name, "next");
		EXPECT_EQ(row_text(batch, 0), std::to_string(i + 1) + "|no");
		EXPECT_FALSE(cursor->fetch(batch, waiter));
	}
	{
		auto cursor = session->execute("SELECT 1 / 0", {}, native, waiter);
		expect_failure([&] { (void) cursor->fetch(batch, waiter); }, FailureKind::query, "22012");
		expect_failure([&] { (void) cursor->fetch(batch, waiter); }, FailureKind::query, "22012");
	}
	EXPECT_TRUE(session->reusable());
	/* Left before it was looked at. */
	auto const start = Clock::now();
	(void) session->execute("SELECT pg_sleep(30) /* unseen */", {}, native, waiter);
	EXPECT_LT(seconds_since(start), in_time);
	EXPECT_EQ(running("unseen"), 0);
	EXPECT_TRUE(session->reusable());
	/* Too long for the socket to take at once, and run again from a copy of its parameter. */
	for (int i = 0; i < 2; ++i) {
		std::string big(20'000'000, 'x');
		auto cursor = session->execute("SELECT length($1), 'YES'::information_schema.yes_or_no, '1'::xid",
		                               std::vector<Param>{text_param(big)}, native, waiter);
		big.assign(big.size(), 'y');
		ASSERT_TRUE(cursor->fetch(batch, waiter));
		EXPECT_EQ(row_text(batch, 0), "20000000|YES|1");
		EXPECT_FALSE(cursor->fetch(batch, waiter));
	}
}

} // namespace

} // namespace tenancy::test
