/*
 * The PostgreSQL driver against a real server, named by CLIENT_PG* in the environment, and against small rogue ones.
 * Without that server the tests fail: a driver that was not tested does not pass.
 */
#include "remote/driver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "remote/address.hpp"
#include "waiter.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::remote;
using core::Deadline;
using core::Error;
using core::FailureKind;
using Clock = std::chrono::steady_clock;
namespace pgtype = core::pgtype;

std::string
environment(const char *name)
{
	const char *const value = std::getenv(name);
	if (value == nullptr || *value == '\0')
		throw std::runtime_error(std::string(name) + " is not set: the tests need a PostgreSQL server");
	return value;
}

double
seconds_since(Clock::time_point start)
{
	return std::chrono::duration<double>(Clock::now() - start).count();
}

class PostgresDriver : public testing::Test {
protected:
	Target target()
	{
		Target made;
		made.host = environment("CLIENT_PGHOST");
		made.port = static_cast<std::uint16_t>(std::stoi(environment("CLIENT_PGPORT")));
		made.database = environment("CLIENT_PGDATABASE");
		made.username = environment("CLIENT_PGUSER");
		made.password.assign(environment("CLIENT_PGPASSWORD"));
		made.tls = TlsMode::prefer;
		made.application_name = "postgres_driver_test";
		made.allowed_networks = &loopback;
		return made;
	}
	std::unique_ptr<Session> open(bool read_only = false)
	{
		Target made = target();
		made.read_only = read_only;
		return postgres::connect(made, waiter);
	}
	/* All rows as text, cells joined by '|', null as '~', with the kind of each cell before it when asked. */
	std::vector<std::string> rows(Session &session, std::string_view sql, const RunOptions &options = {},
	                              std::vector<Param> params = {})
	{
		auto cursor = session.execute(sql, params, options, waiter);
		std::vector<std::string> all;
		Batch batch;
		while (cursor->fetch(batch, waiter))
			for (std::size_t row = 0; row < batch.rows(); ++row)
				all.push_back(row_text(batch, row));
		EXPECT_EQ(batch.rows(), 0u);
		EXPECT_FALSE(cursor->fetch(batch, waiter));
		affected = cursor->affected();
		return all;
	}
	std::string one(Session &session, std::string_view sql, const RunOptions &options = {}, std::vector<Param> params = {})
	{
		auto const all = rows(session, sql, options, std::move(params));
		return all.size() == 1 ? all[0] : std::to_string(all.size()) + " rows";
	}
	static std::string row_text(const Batch &batch, std::size_t row)
	{
		std::string text;
		for (std::size_t i = 0; i < batch.width(); ++i)
			text += (i == 0 ? "" : "|") + cell_text(batch.row(row)[i]);
		return text;
	}
	static std::string cell_text(const Cell &cell)
	{
		char digits[64];
		switch (cell.kind) {
		case CellKind::null: return "~";
		case CellKind::boolean: return cell.integer != 0 ? "yes" : "no";
		case CellKind::integer: return std::to_string(cell.integer);
		case CellKind::float4:
		case CellKind::float8: std::snprintf(digits, sizeof digits, "%a", cell.real); return digits;
		case CellKind::bytes: return "<" + std::string(cell.view()) + ">";
		case CellKind::text: break;
		}
		EXPECT_EQ(cell.data[cell.size], '\0');
		return std::string(cell.view());
	}
	std::optional<Error> failure_of(const std::function<void()> &body)
	{
		try {
			body();
		} catch (const Error &error) {
			return error;
		}
		return std::nullopt;
	}
	void expect_failure(const std::function<void()> &body, FailureKind kind, const char *sqlstate)
	{
		auto const error = failure_of(body);
		ASSERT_TRUE(error.has_value()) << "nothing failed, expected " << sqlstate;
		EXPECT_EQ(core::name_of(error->kind), core::name_of(kind)) << error->message;
		EXPECT_STREQ(error->sqlstate, sqlstate) << error->message;
		EXPECT_EQ(error->message.find('\n'), std::string::npos) << error->message;
		EXPECT_EQ(error->message.find(environment("CLIENT_PGPASSWORD")), std::string::npos) << error->message;
	}
	/* How many statements marked so the server runs, after giving it seconds to end them. */
	int running(const std::string &mark, double within = 1.5)
	{
		auto observer = open();
		auto const start = Clock::now();
		int count = 0;
		do {
			count = std::stoi(one(*observer, "SELECT count(*)::int4 FROM pg_stat_activity WHERE state <> 'idle'"
			                                 " AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'",
			                      {}, {text_param(mark)}));
		} while (count > 0 && seconds_since(start) < within);
		return count;
	}
	static Param text_param(std::string text, std::uint32_t oid = pgtype::text)
	{
		Param param;
		param.kind = Param::Kind::text;
		param.text = std::move(text);
		param.type_oid = oid;
		return param;
	}
	static Param integer_param(std::int64_t value, std::uint32_t oid = 0)
	{
		Param param;
		param.kind = Param::Kind::integer;
		param.integer = value;
		param.type_oid = oid;
		return param;
	}

	NetworkList       loopback = NetworkList::parse("127.0.0.0/8");
	test::PollWaiter  waiter;
	std::int64_t      affected = -1;
};

/* ---- connecting ---- */

TEST_F(PostgresDriver, ConnectsAndNamesItsVersion)
{
	auto session = open();
	EXPECT_EQ(session->server_version().rfind("PostgreSQL ", 0), 0u);
	EXPECT_TRUE(session->reusable());
	EXPECT_TRUE(session->ping(Deadline::after(1000), waiter));
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(one(*session, "SELECT current_setting('TimeZone'), current_setting('DateStyle') LIKE 'ISO, %'"), "UTC|yes");
}

TEST_F(PostgresDriver, TellsWhyItCannotConnect)
{
	auto const with = [this](auto change) {
		return [this, change] {
			Target made = target();
			change(made);
			(void) postgres::connect(made, waiter);
		};
	};
	expect_failure(with([](Target &t) { t.password.assign("wrong"); }), FailureKind::password, "28P01");
	expect_failure(with([](Target &t) { t.password.wipe(); }), FailureKind::password, "28P01");
	expect_failure(with([](Target &t) { t.database = "no such database"; }), FailureKind::database, "3D000");
	expect_failure(with([](Target &t) { t.database = "host=evil dbname=postgres"; }), FailureKind::database, "3D000");
	expect_failure(with([](Target &t) { t.username = "nobody at all"; }), FailureKind::password, "28P01");
	expect_failure(with([](Target &t) { t.port = 1; }), FailureKind::refused, "08001");
	NetworkList const nothing;
	expect_failure(with([&](Target &t) { t.allowed_networks = &nothing; }), FailureKind::denied_address, "42501");
}

TEST_F(PostgresDriver, IgnoresTheEnvironment)
{
	static constexpr const char *decoys[][2] = {
		{"PGSERVICE", "none"},      {"PGOPTIONS", "-c statement_timeout=1"}, {"PGTARGETSESSIONATTRS", "standby"},
		{"PGSSLMODE", "nonsense"},  {"PGHOSTADDR", "192.0.2.1"},             {"PGCHANNELBINDING", "require"},
		{"PGREQUIREPEER", "none"},  {"PGTZ", "Nowhere/Land"},                {"PGDATESTYLE", "German"},
		{"PGCLIENTENCODING", "x"},  {"PGSYSCONFDIR", "/nonexistent"},        {"PGSERVICEFILE", "/nonexistent"},
		{"PGSSLMINPROTOCOLVERSION", "TLSv9"}, {"PGPASSFILE", "/etc/passwd"}, {"PGGEQO", "nonsense"},
	};
	for (auto const &decoy : decoys)
		setenv(decoy[0], decoy[1], 1);
	auto const error = failure_of([this] { EXPECT_EQ(one(*open(), "SHOW statement_timeout"), "0"); });
	for (auto const &decoy : decoys) {
		EXPECT_STREQ(std::getenv(decoy[0]), decoy[1]);
		unsetenv(decoy[0]);
	}
	EXPECT_FALSE(error.has_value()) << error->message;
}

/* A server in a thread that says what a test has it say, once. */
class RogueServer {
public:
	using Talk = std::function<void(int fd)>;
	explicit RogueServer(Talk talk, int clients = 1) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
	{
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t size = sizeof address;
		if (bind(listener_, reinterpret_cast<sockaddr *>(&address), size) != 0 || listen(listener_, 5) != 0 ||
		    getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size) != 0)
			throw std::runtime_error("rogue server could not listen");
		port = ntohs(address.sin_port);
		thread_ = std::thread([this, talk = std::move(talk), clients] {
			for (int i = 0; i < clients; ++i) {
				int const fd = accept(listener_, nullptr, nullptr);
				if (fd < 0)
					return;
				talk(fd);
				close(fd);
			}
		});
	}
	~RogueServer()
	{
		shutdown(listener_, SHUT_RDWR);
		thread_.join();
		close(listener_);
	}
	static void say(int fd, const std::string &bytes) { (void) !send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
	/* Whatever arrives next; empty when the client is gone. */
	static std::string hear(int fd)
	{
		char buffer[65536];
		ssize_t const size = recv(fd, buffer, sizeof buffer, 0);
		return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string();
	}
	static void hear_until_closed(int fd)
	{
		while (!hear(fd).empty()) {
		}
	}
	static std::string number(std::uint32_t value)
	{
		value = htonl(value);
		return {reinterpret_cast<const char *>(&value), 4};
	}
	static std::string message(char type, const std::string &body)
	{
		return type + number(static_cast<std::uint32_t>(body.size() + 4)) + body;
	}
	static std::string ready() { return message('Z', "I"); }
	static std::string welcome() { return message('R', number(0)) + message('K', number(1) + number(2)) + ready(); }

	std::uint16_t port = 0;

private:
	int         listener_;
	std::thread thread_;
};

TEST_F(PostgresDriver, RefusesAServerThatDoesNotAskForThePassword)
{
	RogueServer server([](int fd) {
		RogueServer::hear(fd);
		RogueServer::say(fd, RogueServer::welcome());
		RogueServer::hear_until_closed(fd);
	});
	Target made = target();
	made.port = server.port;
	made.tls = TlsMode::disable;
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::password, "2F003");
}

TEST_F(PostgresDriver, NeverShowsAPasswordThatTheServerRepeats)
{
	std::string const password = environment("CLIENT_PGPASSWORD");
	RogueServer server([&](int fd) {
		RogueServer::hear(fd);
		RogueServer::say(fd, RogueServer::message('R', RogueServer::number(3)));
		RogueServer::hear(fd);
		std::string const zero(1, '\0');
		RogueServer::say(fd, RogueServer::message('E', "SFATAL" + zero + "VFATAL" + zero + "C28P01" + zero + "M" + password +
		                                                   "\n\xff is wrong" + zero + zero));
	});
	Target made = target();
	made.port = server.port;
	made.tls = TlsMode::disable;
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::password, "28P01");
}

TEST_F(PostgresDriver, GivesUpOnASilentServer)
{
	RogueServer server(RogueServer::hear_until_closed);
	Target made = target();
	made.port = server.port;
	made.connect_timeout_ms = 300;
	auto const start = Clock::now();
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::timeout, "08001");
	EXPECT_LT(seconds_since(start), 1.0);
}

TEST_F(PostgresDriver, WantsTlsWhenTold)
{
	RogueServer server([](int fd) {
		RogueServer::hear(fd);
		RogueServer::say(fd, "N");
		RogueServer::hear_until_closed(fd);
	});
	Target made = target();
	made.port = server.port;
	made.tls = TlsMode::verify_full;
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::tls, "08001");
}

TEST_F(PostgresDriver, LeavesAHangingServerWithinASecond)
{
	/* Logs in by cleartext password, sets up, and then never answers again; nor does its second connection. */
	std::vector<std::thread> talks;
	RogueServer server(
		[&](int accepted) {
			talks.emplace_back([fd = dup(accepted), first = talks.empty()] {
				RogueServer::hear(fd);
				if (first) {
					RogueServer::say(fd, RogueServer::message('R', RogueServer::number(3)));
					RogueServer::hear(fd);
					RogueServer::say(fd, RogueServer::welcome());
					RogueServer::hear(fd);
					RogueServer::say(fd, RogueServer::message('1', "") + RogueServer::message('2', "") + RogueServer::message('n', "") +
					                         RogueServer::message('C', std::string("SELECT 0", 9)) + RogueServer::ready());
				}
				RogueServer::hear_until_closed(fd);
				close(fd);
			});
		},
		2);
	{
		Target made = target();
		made.port = server.port;
		made.tls = TlsMode::disable;
		auto session = postgres::connect(made, waiter);
		waiter.interrupt_after(100);
		auto const start = Clock::now();
		EXPECT_THROW((void) rows(*session, "SELECT 1"), test::Interrupted);
		EXPECT_LT(seconds_since(start), 1.2);
		EXPECT_FALSE(session->reusable());
		waiter.clear();
		EXPECT_FALSE(session->ping(Deadline::after(100), waiter));
	}
	for (auto &talk : talks)
		talk.join();
}

/* ---- values ---- */

TEST_F(PostgresDriver, KeepsTypesExactly)
{
	auto session = open();
	auto cursor = session->execute(
		"SELECT true AS b, 1::int2 AS s, -2::int4 AS i, 9223372036854775807::int8 AS l, 0.1::float4 AS r, 0.1::float8 AS d,"
		" 12.50::numeric(10,2) AS n, 'x'::varchar(7) AS v, 'ab'::char(3) AS c, '\\x00ff'::bytea AS y,"
		" '2024-02-29'::date AS day, '2024-02-29 12:34:56.789+02'::timestamptz AS at, '{1,2}'::int[] AS a,"
		" '10.0.0.1'::inet AS ip, 'pg_class'::regclass AS cls, 'NaN'::float8 AS nan, '-Infinity'::float4 AS inf,"
		" '1 day 02:00'::interval AS span, 'q'::\"char\" AS q, '{\"a\": 1}'::jsonb AS j",
		{}, {}, waiter);
	auto const &columns = cursor->columns();
	std::vector<std::uint32_t> const types = {
		pgtype::boolean, pgtype::int2, pgtype::int4, pgtype::int8, pgtype::float4, pgtype::float8, pgtype::numeric,
		pgtype::varchar, pgtype::bpchar, pgtype::bytea, pgtype::date, pgtype::timestamptz, 1007, pgtype::text, pgtype::text,
		pgtype::float8, pgtype::float4, pgtype::interval, pgtype::text, pgtype::jsonb};
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
	expect_failure([&] { rows(*session, "SELECT $1", {}, {text_param(std::string("a\0b", 3))}); }, FailureKind::query, "22021");
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
	expect_failure([&] { rows(*session, "INSERT INTO driver_test VALUES (1, 'twice') RETURNING a"); }, FailureKind::query, "23505");
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
	auto const columns = session->describe("SELECT 1 / 0 AS a, 'sad'::driver_mood AS m, $1::numeric(5,1) AS n", {}, waiter);
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

/* ---- read-only ---- */

TEST_F(PostgresDriver, NothingEscapesAReadOnlyStatement)
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
				 "DO $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); INSERT INTO driver_guarded VALUES (1); END $$",
				 "CALL driver_write()",
				 "COMMIT; INSERT INTO driver_guarded VALUES (1)",
			 }) {
			auto const error = failure_of([&] { rows(*session, attack, how); });
			EXPECT_TRUE(error.has_value()) << attack;
		}
		/* These succeed, change nothing, and open no door for what comes after. */
		for (const char *const key : {
				 "COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "BEGIN READ WRITE", "SET transaction_read_only = off",
				 "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "SET default_transaction_read_only = off",
				 "SELECT set_config('default_transaction_read_only', 'off', false)", "SAVEPOINT a", "DISCARD PLANS",
			 }) {
			(void) failure_of([&] { rows(*session, key, how); });
			expect_failure([&] { rows(*session, "INSERT INTO driver_guarded VALUES (2)", how); }, FailureKind::query, "25006");
		}
		EXPECT_EQ(one(*session, "SELECT count(*) FROM driver_guarded", how), "0");
	}
	EXPECT_EQ(one(*admin, "SELECT count(*), to_regclass('driver_escape') FROM driver_guarded"), "0|~");
	rows(*admin, "DROP TABLE driver_guarded");
	rows(*admin, "DROP SEQUENCE driver_numbers");
	rows(*admin, "DROP PROCEDURE driver_write()");
}

/* ---- time and interruption ---- */

TEST_F(PostgresDriver, EndsAtItsTimeout)
{
	auto session = open();
	RunOptions options;
	options.timeout_ms = 300;
	for (bool const read_only : {false, true}) {
		options.read_only = read_only;
		auto const start = Clock::now();
		expect_failure([&] { rows(*session, "SELECT pg_sleep(30) /* timed out */", options); }, FailureKind::timeout, "57014");
		EXPECT_LT(seconds_since(start), 0.8);
		EXPECT_TRUE(session->reusable());
	}
	EXPECT_EQ(running("timed out"), 0);
	EXPECT_EQ(one(*session, "SHOW statement_timeout", options), "300ms");
	EXPECT_EQ(one(*session, "SHOW statement_timeout"), "0");
	/* A statement that lifts its own limit meets ours. */
	auto const start = Clock::now();
	expect_failure(
		[&] {
			rows(*session, "DO $$ BEGIN SET statement_timeout = 0; BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN query_canceled THEN"
			               " PERFORM pg_sleep(30); END; END /* stubborn */ $$", options);
		},
		FailureKind::timeout, "57014");
	EXPECT_LT(seconds_since(start), 2.5);
}

TEST_F(PostgresDriver, StopsWhenUnwound)
{
	auto session = open();
	waiter.interrupt_after(200);
	auto const start = Clock::now();
	EXPECT_THROW(rows(*session, "SELECT pg_sleep(30) /* unwound */"), test::Interrupted);
	EXPECT_LT(seconds_since(start), 1.2);
	waiter.clear();
	EXPECT_EQ(running("unwound", 0.0), 0);
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(one(*session, "SELECT 1"), "1");
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
			expect_failure([&] { rows(*session, "SELECT 1"); }, FailureKind::other, "55000");
		}
		EXPECT_LT(seconds_since(start), 1.2);
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
	EXPECT_EQ(one(*other, "SELECT pg_terminate_backend($1, 5000)", {}, {integer_param(std::stoi(process), pgtype::int4)}), "yes");
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
	                               " i % 2 = 0, repeat('x', 50) FROM generate_series(1, 1000000) i", {}, {}, waiter);
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
	EXPECT_LT((resident_pages() - after_first) * sysconf(_SC_PAGESIZE), 4 << 20);
}

/* ---- state of the session ---- */

TEST_F(PostgresDriver, PreparesWhatComesBackAndSurvivesItsLoss)
{
	auto session = open();
	rows(*session, "DROP TABLE IF EXISTS driver_cached");
	rows(*session, "CREATE TABLE driver_cached AS SELECT 1 AS a");
	for (bool const read_only : {false, true}) {
		RunOptions options;
		options.read_only = read_only;
		for (int i = 0; i < 3; ++i)
			EXPECT_EQ(one(*session, "SELECT * FROM driver_cached", options), read_only ? "1|2" : "1");
		EXPECT_EQ(one(*session, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%driver_cached'"), "1");
		rows(*session, read_only ? "ALTER TABLE driver_cached ADD c int DEFAULT 3" : "ALTER TABLE driver_cached ADD b int DEFAULT 2");
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

TEST_F(PostgresDriver, FindsItsStatementDeallocated)
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

TEST_F(PostgresDriver, LeavesNoMarks)
{
	for (const char *const mark : {
			 "SET DateStyle = German", "SELECT set_config('DateStyle', 'German', false)", "LISTEN driver",
			 "PREPARE mine AS SELECT 1", "CREATE TEMP TABLE driver_temp (a int)", "SELECT 1 INTO TEMPORARY driver_temp",
			 "SELECT pg_advisory_lock(1)", "DO $$ BEGIN SET TimeZone = 'Asia/Tokyo'; END $$", "DISCARD ALL",
		 }) {
		auto session = open();
		rows(*session, mark);
		EXPECT_FALSE(session->reusable()) << mark;
		EXPECT_EQ(one(*session, "SELECT '2024-02-01 00:00'::timestamptz, (SELECT count(*) FROM pg_listening_channels()),"
		                        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
		                        " to_regclass('driver_temp')"),
		          "2024-02-01 00:00:00+00|0|0|~") << mark;
		EXPECT_TRUE(session->reusable()) << mark;
	}
	auto session = open();
	rows(*session, "BEGIN");
	EXPECT_TRUE(session->reusable());
	EXPECT_TRUE(rows(*session, "VACUUM pg_database").empty());
}

TEST_F(PostgresDriver, RefusesCopy)
{
	auto observer = open();
	rows(*observer, "DROP TABLE IF EXISTS driver_copy");
	rows(*observer, "CREATE TABLE driver_copy (a int)");
	for (const char *const copy : {"COPY driver_copy FROM STDIN", "COPY (SELECT generate_series(1, 100000000)) TO STDOUT",
	                               "COPY driver_copy TO STDOUT"}) {
		auto session = open();
		auto const start = Clock::now();
		expect_failure([&] { rows(*session, copy); }, FailureKind::query, "0A000");
		EXPECT_LT(seconds_since(start), 1.0);
		EXPECT_FALSE(session->reusable());
	}
	EXPECT_EQ(running("COPY"), 0);
	rows(*observer, "DROP TABLE driver_copy");
}

} // namespace
