/*
 * Statements of the PostgreSQL driver: values, parameters, streams, timeouts, interruption. Pure regime.
 */
#include <fstream>

#include <unistd.h>

#include "postgres_fixture.hpp"
#include "remote/stop_limit.hpp"

namespace tenancy::test {

namespace {

TEST_F(PostgresDriver, KeepsTypesExactly)
{
	auto session = open();
	auto cursor = session->execute(
		"SELECT true AS b, 1::int2 AS s, -2::int4 AS i, 9223372036854775807::int8 AS l, 0.1::float4 AS r, 0.1::float8 "
		"AS d,"
		" 12.50::numeric(10,2) AS n, 'x'::varchar(7) AS v, 'ab'::char(3) AS c, '\\x00ff'::bytea AS y,"
		" '2024-02-29'::date AS day, '2024-02-29 12:34:56.789+02'::timestamptz AS at, '{1,2}'::int[] AS a,"
		" '10.0.0.1'::inet AS ip, 'pg_class'::regclass AS cls, 'NaN'::float8 AS nan, '-Infinity'::float4 AS inf,"
		" '1 day 02:00'::interval AS span, 'q'::\"char\" AS q, '{\"a\": 1}'::jsonb AS j",
		{}, {}, waiter);
	auto const &columns = cursor->columns();
	std::vector<std::uint32_t> const types = {pgtype::boolean,
	                                          pgtype::int2,
	                                          pgtype::int4,
	                                          pgtype::int8,
	                                          pgtype::float4,
	                                          pgtype::float8,
	                                          pgtype::numeric,
	                                          pgtype::varchar,
	                                          pgtype::bpchar,
	                                          pgtype::bytea,
	                                          pgtype::date,
	                                          pgtype::timestamptz,
	                                          1007,
	                                          pgtype::text,
	                                          pgtype::text,
	                                          pgtype::float8,
	                                          pgtype::float4,
	                                          pgtype::interval,
	                                          pgtype::text,
	                                          pgtype::jsonb};
	ASSERT_EQ(columns.size(), types.size());
	for (std::size_t i = 0; i < types.size(); ++i)
		EXPECT_EQ(columns[i].type_oid, types[i]) << columns[i].name;
	EXPECT_EQ(columns[6].typmod, pgtype::numeric_typmod(10, 2));
	EXPECT_EQ(columns[7].typmod, 11);
	EXPECT_EQ(columns[12].native_type, "integer[]");
	EXPECT_EQ(columns[13].native_type, "inet");
	Batch batch;
	ASSERT_TRUE(cursor->fetch(batch, waiter));
	const Cell *const row = batch.row(0);
	EXPECT_EQ(row[4].kind, CellKind::float4);
	EXPECT_EQ(row[4].real, static_cast<double>(0.1F));
	EXPECT_EQ(row[5].kind, CellKind::float8);
	EXPECT_EQ(row[5].real, 0.1);
	EXPECT_EQ(row_text(batch, 0).substr(0, 28), "yes|1|-2|9223372036854775807");
	EXPECT_EQ(cell_text(row[6]), "12.50");
	EXPECT_EQ(cell_text(row[8]), "ab ");
	EXPECT_EQ(row[9].kind, CellKind::bytes);
	EXPECT_EQ(row[9].view(), std::string_view("\x00\xff", 2));
	EXPECT_EQ(cell_text(row[11]), "2024-02-29 10:34:56.789+00");
	EXPECT_EQ(cell_text(row[14]), "pg_class");
	EXPECT_TRUE(row[15].real != row[15].real);
	EXPECT_EQ(cell_text(row[17]), "1 day 02:00:00");
	EXPECT_FALSE(cursor->fetch(batch, waiter));
}

TEST_F(PostgresDriver, TellsNullFromEmpty)
{
	auto session = open();
	EXPECT_EQ(one(*session, "SELECT NULL::text, ''::text, NULL::int, ''::bytea, NULL::bytea"), "~||~|<>|~");
	EXPECT_EQ(rows(*session, "SELECT FROM generate_series(1, 3)").size(), 3u);
	EXPECT_TRUE(rows(*session, "SELECT 1 WHERE false").empty());
	EXPECT_TRUE(rows(*session, "").empty());
	EXPECT_TRUE(session->reusable());
}

TEST_F(PostgresDriver, CarriesLargeValues)
{
	auto session = open();
	std::string const big(100'000, 'x');
	EXPECT_EQ(one(*session, "SELECT $1 || 'y'", {}, {text_param(big)}), big + "y");
	std::string const huge(20'000'000, 'z');
	EXPECT_EQ(one(*session, "SELECT length($1)", {}, {text_param(huge)}), "20000000");
	EXPECT_EQ(one(*session, "SELECT repeat('w', 20000000)").size(), 20'000'000u);
}

TEST_F(PostgresDriver, BindsParameters)
{
	auto session = open();
	Param null, truth, real, bytes, decimal;
	null.type_oid = pgtype::int4;
	truth.kind = Param::Kind::boolean;
	truth.integer = 1;
	real.kind = Param::Kind::float8;
	real.real = 0.1;
	real.type_oid = pgtype::float8;
	bytes.kind = Param::Kind::bytes;
	bytes.text = std::string("\0'\\", 3);
	decimal.kind = Param::Kind::decimal;
	decimal.text = "123456789012345678901234567890.5";
	decimal.type_oid = pgtype::numeric;
	EXPECT_EQ(one(*session, "SELECT $1, NOT $2, $3 = 0.1::float8, $4::bytea, $5 * 2, $6 + 1, $7", {},
	              {null, truth, real, bytes, decimal, integer_param(41), text_param("it's; --")}),
	          std::string("~|no|yes|<") + std::string("\0'\\", 3) + ">|246913578024691357802469135781.0|42|it's; --");
	expect_failure([&] { rows(*session, "SELECT $1", {}, {text_param(std::string("a\0b", 3))}); }, FailureKind::query,
	               "22021");
	expect_failure([&] { rows(*session, "SELECT $1"); }, FailureKind::query, "08P01");
	EXPECT_EQ(one(*session, "SELECT 1"), "1");
}

TEST_F(PostgresDriver, CountsWhatItChanged)
{
	auto session = open();
	rows(*session, "DROP TABLE IF EXISTS driver_test");
	rows(*session, "CREATE TABLE driver_test (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, b text)");
	rows(*session, "INSERT INTO driver_test SELECT i, 'x' FROM generate_series(1, 10) i");
	EXPECT_EQ(affected, 10);
	EXPECT_EQ(rows(*session, "UPDATE driver_test SET b = 'y' WHERE a > 7 RETURNING a").size(), 3u);
	EXPECT_EQ(affected, 3);
	rows(*session, "SELECT * FROM driver_test");
	EXPECT_EQ(affected, 10);
	/* The commit fails after the rows came. */
	expect_failure([&] { rows(*session, "INSERT INTO driver_test VALUES (1, 'twice') RETURNING a"); },
	               FailureKind::query, "23505");
	EXPECT_EQ(one(*session, "SELECT count(*) FROM driver_test"), "10");
	EXPECT_TRUE(session->reusable());
	rows(*session, "VACUUM driver_test");
	expect_failure([&] { rows(*session, "SELECT 1; SELECT 2"); }, FailureKind::query, "42601");
	rows(*session, "DROP TABLE driver_test");
	EXPECT_TRUE(session->reusable());
}

TEST_F(PostgresDriver, DescribesWithoutRunning)
{
	auto session = open();
	rows(*session, "DROP TYPE IF EXISTS driver_mood");
	rows(*session, "CREATE TYPE driver_mood AS ENUM ('sad', 'glad')");
	auto const columns =
		session->describe("SELECT 1 / 0 AS a, 'sad'::driver_mood AS m, $1::numeric(5,1) AS n", {}, waiter);
	ASSERT_EQ(columns.size(), 3u);
	EXPECT_EQ(columns[0].type_oid, pgtype::int4);
	EXPECT_EQ(columns[1].type_oid, pgtype::text);
	EXPECT_EQ(columns[1].native_type, "driver_mood");
	EXPECT_EQ(columns[2].typmod, pgtype::numeric_typmod(5, 1));
	EXPECT_TRUE(session->describe("DROP TABLE nothing", {}, waiter).empty());
	expect_failure([&] { (void) session->describe("SELEC", {}, waiter); }, FailureKind::query, "42601");
	EXPECT_TRUE(session->reusable());
	rows(*session, "DROP TYPE driver_mood");
}

TEST_F(PostgresDriver, EndsAtItsTimeout)
{
	auto session = open();
	RunOptions options;
	options.timeout_ms = 300;
	for (bool const read_only : {false, true}) {
		options.read_only = read_only;
		auto const start = Clock::now();
		expect_failure([&] { rows(*session, "SELECT pg_sleep(30) /* timed out */", options); }, FailureKind::timeout,
		               "57014");
		EXPECT_LT(seconds_since(start), in_time);
		EXPECT_TRUE(session->reusable());
	}
	EXPECT_EQ(running("timed out"), 0);
	EXPECT_EQ(one(*session, "SHOW statement_timeout", options), "300ms");
	EXPECT_EQ(one(*session, "SHOW statement_timeout"), "0");
	/* A statement that lifts its own limit meets ours. */
	auto const start = Clock::now();
	expect_failure(
		[&] {
			rows(*session,
		         "DO $$ BEGIN SET statement_timeout = 0; BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN query_canceled THEN"
		         " PERFORM pg_sleep(30); END; END /* stubborn */ $$",
		         options);
		},
		FailureKind::timeout, "57014");
	EXPECT_LT(seconds_since(start), in_time);
}

TEST_F(PostgresDriver, StopsWhenUnwound)
{
	auto session = open();
	waiter.interrupt_after(200);
	auto const start = Clock::now();
	EXPECT_THROW(rows(*session, "SELECT pg_sleep(30) /* unwound */"), Interrupted);
	EXPECT_LT(seconds_since(start), in_time);
	waiter.clear();
	EXPECT_EQ(running("unwound", 0.0), 0);
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(one(*session, "SELECT 1"), "1");
}

/* Where many are left together, each may have less time than it would take. */
TEST_F(PostgresDriver, LosesItsConnectionWithoutTimeToStop)
{
	auto session = open();
	StopLimit const limit(Deadline::after(1));
	waiter.interrupt_after(200);
	EXPECT_THROW(rows(*session, "SELECT pg_sleep(30)"), Interrupted);
	waiter.clear();
	EXPECT_FALSE(session->reusable());
}

TEST_F(PostgresDriver, StopsAStreamLeftEarly)
{
	auto session = open();
	for (bool const read_only : {false, true}) {
		RunOptions options;
		options.read_only = read_only;
		auto const start = Clock::now();
		{
			auto cursor = session->execute("SELECT generate_series(1, 100000000), repeat('x', 1000) /* left */", {},
			                               options, waiter);
			Batch batch;
			ASSERT_TRUE(cursor->fetch(batch, waiter));
			EXPECT_FALSE(session->reusable());
			expect_failure([&] { rows(*session, "SELECT 1"); }, FailureKind::other, "55006");
		}
		EXPECT_LT(seconds_since(start), in_time);
		EXPECT_EQ(running("left", 0.0), 0);
		EXPECT_TRUE(session->reusable());
		EXPECT_EQ(one(*session, "SELECT 2"), "2");
	}
}

TEST_F(PostgresDriver, AnErrorAmongRowsIsAnError)
{
	auto session = open();
	RunOptions options;
	options.fetch_rows = 100;
	auto cursor = session->execute("SELECT 1 / (x - 500) FROM generate_series(1, 1000) x", {}, options, waiter);
	Batch batch;
	std::size_t seen = 0;
	expect_failure(
		[&] {
			while (cursor->fetch(batch, waiter))
				seen += batch.rows();
		},
		FailureKind::query, "22012");
	EXPECT_EQ(seen, 400u);
	expect_failure([&] { (void) cursor->fetch(batch, waiter); }, FailureKind::query, "22012");
	cursor.reset();
	EXPECT_TRUE(session->reusable());
}

TEST_F(PostgresDriver, NoticesThatItWasTerminated)
{
	auto session = open();
	auto other = open();
	std::string const process = one(*session, "SELECT pg_backend_pid()");
	EXPECT_EQ(
		one(*other, "SELECT pg_terminate_backend($1, 5000)", {}, {integer_param(std::stoi(process), pgtype::int4)}),
		"yes");
	EXPECT_FALSE(session->ping(Deadline::after(1000), waiter));
	EXPECT_FALSE(session->reusable());
	expect_failure([&] { rows(*session, "SELECT 1"); }, FailureKind::lost, "08003");
	expect_failure([&] { rows(*other, "SELECT pg_terminate_backend(pg_backend_pid())"); }, FailureKind::lost, "57P01");
	EXPECT_FALSE(other->reusable());
}

TEST_F(PostgresDriver, StreamsAMillionRowsInFlatMemory)
{
	auto const resident_pages = [] {
		long total = 0, resident = 0;
		std::ifstream("/proc/self/statm") >> total >> resident;
		return resident;
	};
	auto session = open();
	auto cursor = session->execute("SELECT i::int8, i, 'row ' || i, i / 7.0, i::float8, DATE '2020-01-01' + i % 1000,"
	                               " i % 2 = 0, repeat('x', 50) FROM generate_series(1, 1000000) i",
	                               {}, {}, waiter);
	Batch batch;
	std::int64_t count = 0, sum = 0;
	long after_first = 0;
	while (cursor->fetch(batch, waiter)) {
		count += static_cast<std::int64_t>(batch.rows());
		for (std::size_t row = 0; row < batch.rows(); ++row)
			sum += batch.row(row)[0].integer;
		if (after_first == 0)
			after_first = resident_pages();
	}
	EXPECT_EQ(count, 1'000'000);
	EXPECT_EQ(sum, 500'000'500'000);
	EXPECT_EQ(cursor->affected(), 1'000'000);
#ifndef __SANITIZE_ADDRESS__ /* which holds back what is freed */
	EXPECT_LT((resident_pages() - after_first) * sysconf(_SC_PAGESIZE), 4 << 20);
#endif
}

} // namespace

} // namespace tenancy::test
