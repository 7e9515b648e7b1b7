/*
 * Transactions that span statements on a SQLite database: savepoints, locks, what fails inside them. And what foreign
 * tables ask of the driver besides: kept statements, and functions that hold values to their types. Pure regime.
 */
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "sqlite_fixture.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test;
using Verb = TransactionStep::Verb;

class SqliteTransaction : public SqliteFixture {
protected:
	void SetUp() override
	{
		SqliteFixture::SetUp();
		session_ = open();
		rows(*session_, "CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER)");
		rows(*session_, "INSERT INTO t VALUES (1, 10), (2, 20)");
	}
	void TearDown() override
	{
		session_.reset();
		SqliteFixture::TearDown();
	}

	void step(Session &on, TransactionStep what, long ms = 2000)
	{
		on.transact(what, core::Deadline::after(ms), waiter_);
	}
	void step(Verb verb, int level = 0) { step(*session_, {verb, level, false, false, false}); }
	void begin(bool will_write = false, bool read_only = false)
	{
		step(*session_, {Verb::begin, 0, false, read_only, will_write});
	}
	std::string count() { return value(*session_, "SELECT count(*) FROM t"); }

	std::unique_ptr<Session> session_;
};

constexpr TransactionStep write_now = {Verb::begin, 0, false, false, true};

TEST_F(SqliteTransaction, CommitsAndRollsBack)
{
	auto const other = open();
	for (bool const will_write : {false, true}) {
		begin(will_write);
		EXPECT_TRUE(session_->in_transaction());
		EXPECT_FALSE(session_->reusable());
		rows(*session_, "INSERT INTO t VALUES (3, 30)");
		EXPECT_EQ(value(*other, "SELECT count(*) FROM t"), "int 2");
		step(Verb::rollback);
		EXPECT_EQ(count(), "int 2");
		EXPECT_FALSE(session_->in_transaction());
		EXPECT_TRUE(session_->reusable());
	}
	begin();
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	rows(*session_, "CREATE TABLE u(a)");
	step(Verb::commit);
	EXPECT_EQ(value(*other, "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)"), "int 3");
	EXPECT_TRUE(session_->reusable());
	EXPECT_EQ(failure_of([&] { step(Verb::commit); }).sqlstate, "25P01");
	step(Verb::rollback);
	begin();
	EXPECT_EQ(failure_of([&] { begin(); }).sqlstate, "25001");
}

TEST_F(SqliteTransaction, Savepoints)
{
	begin();
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	step(Verb::savepoint, 2);
	rows(*session_, "INSERT INTO t VALUES (4, 40)");
	step(Verb::savepoint, 3);
	rows(*session_, "INSERT INTO t VALUES (5, 50)");
	step(Verb::rollback_to, 3);
	EXPECT_EQ(count(), "int 4");
	step(Verb::savepoint, 3);
	rows(*session_, "INSERT INTO t VALUES (6, 60)");
	step(Verb::release, 3);
	step(Verb::rollback_to, 2);
	EXPECT_EQ(count(), "int 3");
	EXPECT_EQ(failure_of([&] { step(Verb::release, 2); }).sqlstate, "42704") << "rolling back to it released it";
	step(Verb::savepoint, 2);
	rows(*session_, "INSERT INTO t VALUES (7, 70)");
	step(Verb::release, 2);
	step(Verb::commit);
	EXPECT_EQ(value(*session_, "SELECT group_concat(a) FROM t"), "text 1,2,3,7");
}

TEST_F(SqliteTransaction, OnlyTheSessionMayStep)
{
	for (bool const inside : {false, true}) {
		if (inside)
			begin();
		for (const char *const sql :
		     {"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "END", "ROLLBACK", "SAVEPOINT s2", "RELEASE s2", "ROLLBACK TO s2"})
			EXPECT_EQ(fails(*session_, sql).sqlstate, "0A000") << sql;
	}
	step(Verb::savepoint, 2);
	EXPECT_EQ(fails(*session_, "RELEASE s2").sqlstate, "0A000");
	EXPECT_TRUE(session_->in_transaction());
	step(Verb::commit);
}

TEST_F(SqliteTransaction, FailedStatementsLeaveTheRest)
{
	begin();
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	for (const char *const sql : {"INSERT INTO t VALUES (4, 4), (1, 1)", "SELECT nosuch FROM t", "SELEC",
	                              "ATTACH 'x' AS y", "UPDATE t SET a = 1", "SELECT tenancy_int('x') FROM t"})
		EXPECT_NE(fails(*session_, sql).sqlstate, "00000") << sql;
	RunOptions few;
	few.fetch_rows = 1;
	{
		Batch batch;
		auto const cursor = session_->execute("SELECT * FROM t", {}, few, waiter_);
		ASSERT_TRUE(cursor->fetch(batch, waiter_));
		EXPECT_EQ(failure_of([&] { step(Verb::commit); }).sqlstate, "55006");
	}
	EXPECT_TRUE(session_->in_transaction());
	EXPECT_EQ(count(), "int 3");
	step(Verb::commit);
	EXPECT_EQ(count(), "int 3");
}

TEST_F(SqliteTransaction, WhatEndsItStaysEnded)
{
	begin();
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	step(Verb::savepoint, 2);
	EXPECT_EQ(fails(*session_, "INSERT OR ROLLBACK INTO t VALUES (1, 1)").sqlstate, "23505");
	EXPECT_TRUE(session_->in_transaction()) << "until somebody has said so";
	EXPECT_EQ(fails(*session_, "INSERT INTO t VALUES (4, 40)").sqlstate, "40000") << "never on its own";
	EXPECT_EQ(failure_of([&] { step(Verb::rollback_to, 2); }).sqlstate, "40000");
	EXPECT_EQ(failure_of([&] { step(Verb::commit); }).sqlstate, "40000");
	step(Verb::rollback);
	EXPECT_TRUE(session_->reusable());
	EXPECT_EQ(count(), "int 2");

	begin();
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	RunOptions soon;
	soon.timeout_ms = 200;
	EXPECT_EQ(fails(*session_,
	                "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n) SELECT i, i FROM n",
	                soon)
	              .sqlstate,
	          "57014");
	EXPECT_EQ(fails(*session_, "INSERT INTO t VALUES (4, 40)").sqlstate, "40000");
	step(Verb::rollback);
	EXPECT_EQ(count(), "int 2");
}

TEST_F(SqliteTransaction, ReadsThatTimeOutEndNothing)
{
	begin();
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	RunOptions soon;
	soon.timeout_ms = 100;
	EXPECT_EQ(
		fails(*session_, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", soon)
			.sqlstate,
		"57014");
	EXPECT_EQ(count(), "int 3");
	step(Verb::commit);
}

TEST_F(SqliteTransaction, HarmlessInterruptsDoNotCostATransaction)
{
	begin();
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	class Pending final : public core::Waiter {
	public:
		unsigned wait(int, unsigned, core::Deadline) override { return 0; }
		bool interrupted() const noexcept override { return true; }
		void serve() override {}
	} pending;
	session_->execute("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
	                  " SELECT i, i FROM n",
	                  {}, {}, pending);
	step(Verb::commit);
	EXPECT_EQ(count(), "int 19999");
}

TEST_F(SqliteTransaction, ReadOnly)
{
	begin(true, true);
	EXPECT_EQ(count(), "int 2");
	EXPECT_EQ(fails(*session_, "DELETE FROM t").sqlstate, "25006");
	EXPECT_EQ(fails(*session_, "CREATE TABLE u(a)").sqlstate, "25006");
	auto const writer = open();
	step(*writer, write_now); /* which a reader does not keep from beginning */
	step(*writer, {Verb::rollback, 0, false, false, false});
	step(Verb::commit);
	rows(*session_, "DELETE FROM t WHERE a = 1");
	EXPECT_EQ(count(), "int 1");

	auto const reader = open("a.db", true);
	step(*reader, write_now);
	EXPECT_EQ(value(*reader, "SELECT count(*) FROM t"), "int 1");
	EXPECT_EQ(fails(*reader, "DELETE FROM t").sqlstate, "25006");
	step(*reader, {Verb::commit, 0, false, false, false});
	EXPECT_TRUE(reader->reusable());
}

TEST_F(SqliteTransaction, WaitsForLocks)
{
	auto const other = open();
	begin(true);
	EXPECT_EQ(failure_of([&] { step(*other, write_now, 200); }).sqlstate, "55P03");
	EXPECT_FALSE(other->in_transaction());
	EXPECT_TRUE(other->reusable());

	/* A reader keeps a writer from committing, for as long as it reads. */
	rows(*session_, "INSERT INTO t VALUES (3, 30)");
	step(*other, {Verb::begin, 0, false, true, false});
	EXPECT_EQ(value(*other, "SELECT count(*) FROM t"), "int 2");
	Failure late;
	double const seconds = seconds_of([&] {
		late = failure_of([&] { step(*session_, {Verb::commit, 0, false, false, false}, 300); });
	});
	EXPECT_EQ(late.sqlstate, "55P03");
	EXPECT_EQ(late.kind, FailureKind::timeout);
	EXPECT_GE(seconds, 0.29);
	EXPECT_LT(seconds, in_time);
	EXPECT_TRUE(session_->in_transaction()) << "and may try again";
	EXPECT_GT(waiter_.waits(), 5);
	waiter_.interrupt_after(100);
	EXPECT_THROW(step(Verb::commit), Interrupted);
	waiter_.clear();
	EXPECT_EQ(value(*other, "SELECT count(*) FROM t"), "int 2");
	step(*other, {Verb::commit, 0, false, false, false});
	step(Verb::commit);
	EXPECT_EQ(value(*other, "SELECT count(*) FROM t"), "int 3");
}

TEST_F(SqliteTransaction, StaleSnapshotsCannotWrite)
{
	session_.reset();
	sqlite3 *database = nullptr;
	ASSERT_EQ(sqlite3_open((home() / "a.db").c_str(), &database), SQLITE_OK);
	ASSERT_EQ(sqlite3_exec(database, "PRAGMA journal_mode = wal", nullptr, nullptr, nullptr), SQLITE_OK);
	sqlite3_close(database);
	session_ = open();
	auto const other = open();
	begin();
	EXPECT_EQ(count(), "int 2");
	rows(*other, "INSERT INTO t VALUES (3, 30)");
	EXPECT_EQ(count(), "int 2");
	Failure stale;
	EXPECT_LT(seconds_of([&] { stale = fails(*session_, "INSERT INTO t VALUES (4, 40)"); }), in_time);
	EXPECT_EQ(stale.sqlstate, "40001");
	step(Verb::rollback);
	rows(*session_, "INSERT INTO t VALUES (4, 40)");
	EXPECT_EQ(count(), "int 4");
}

TEST_F(SqliteTransaction, KeptStatementsFollowTheTable)
{
	auto const other = open();
	EXPECT_EQ(rows(*session_, "SELECT * FROM t WHERE a = 1"), std::vector<std::string>({"int 1|int 10"}));
	rows(*other, "ALTER TABLE t ADD c BOOLEAN DEFAULT 1");
	auto cursor = session_->execute("SELECT * FROM t WHERE a = 1", {}, {}, waiter_);
	ASSERT_EQ(cursor->columns().size(), 3U);
	EXPECT_EQ(cursor->columns()[2].native_type, "BOOLEAN");
	cursor.reset();
	EXPECT_EQ(session_->describe("SELECT * FROM t", {}, waiter_).size(), 3U);
	rows(*other, "ALTER TABLE t DROP b");
	EXPECT_EQ(session_->describe("SELECT * FROM t", {}, waiter_).size(), 2U);
	rows(*session_, "ALTER TABLE t ADD d");
	EXPECT_EQ(session_->describe("SELECT * FROM t", {}, waiter_).size(), 3U);
	rows(*session_, "ALTER TABLE t DROP d");
	begin();
	EXPECT_EQ(rows(*session_, "SELECT * FROM t WHERE a = 1"), std::vector<std::string>({"int 1|bool true"}));
	step(Verb::commit);
	rows(*other, "DROP TABLE t");
	EXPECT_EQ(fails(*session_, "SELECT * FROM t WHERE a = 1").sqlstate, "42P01");
	/* An expression has the type of its value, each time. */
	EXPECT_EQ(session_->execute("SELECT ?", std::vector<Param>{number(1)}, {}, waiter_)->columns()[0].native_type,
	          "integer");
	EXPECT_EQ(session_->execute("SELECT ?", std::vector<Param>{real_number(1)}, {}, waiter_)->columns()[0].native_type,
	          "real");
}

TEST_F(SqliteTransaction, KeptStatementsKeepTheirRules)
{
	RunOptions read_only;
	read_only.read_only = true;
	for (int i = 0; i < 2; ++i) {
		rows(*session_, "DELETE FROM t WHERE a = 3");
		EXPECT_EQ(fails(*session_, "DELETE FROM t WHERE a = 3", read_only).sqlstate, "25006");
		begin(false, true);
		EXPECT_EQ(fails(*session_, "DELETE FROM t WHERE a = 3").sqlstate, "25006");
		step(Verb::rollback);
	}
	std::clock_t const spent = std::clock();
	begin(false, true);
	for (int i = 0; i < 10'000; ++i)
		ASSERT_EQ(value(*session_, "SELECT b FROM t WHERE a = ?", {number(i % 2 + 1)}),
		          i % 2 == 0 ? "int 10" : "int 20");
	step(Verb::commit);
	EXPECT_LT(std::clock() - spent, CLOCKS_PER_SEC / 2);
	for (int i = 0; i < 200; ++i)
		EXPECT_EQ(value(*session_, "SELECT " + std::to_string(i)), "int " + std::to_string(i));
}

class SqliteTyped : public SqliteTransaction {
protected:
	std::string typed(const std::string &call) { return value(*session_, "SELECT " + call); }
	/* The message, after its SQLSTATE. */
	std::string refused(const std::string &call)
	{
		Failure const failure = fails(*session_, "SELECT " + call);
		return failure.sqlstate + " " + failure.message;
	}
};

TEST_F(SqliteTyped, PassWhatFits)
{
	for (const char *const name : {"int", "real", "text", "blob", "bool", "num"})
		EXPECT_EQ(typed(std::string("tenancy_") + name + "(NULL)"), "null");
	EXPECT_EQ(typed("tenancy_int(-9223372036854775808)"), "int -9223372036854775808");
	EXPECT_EQ(typed("tenancy_real(1.5)"), "real 1.5");
	EXPECT_EQ(typed("tenancy_real(2)"), "real 2");
	EXPECT_EQ(typed("tenancy_real(-9e999)"), "real -inf");
	EXPECT_EQ(typed("tenancy_text('h\u00e9')"), "text h\u00e9");
	EXPECT_EQ(typed("tenancy_text('')"), "text ");
	EXPECT_EQ(typed("tenancy_blob(x'00ff')"), "bytes 2");
	EXPECT_EQ(typed("tenancy_bool(0)"), "int 0");
	EXPECT_EQ(typed("tenancy_bool(1)"), "int 1");
	for (const char *const text : {"t", " TRUE\n", "y", "Yes", "on", "1"})
		EXPECT_EQ(typed("tenancy_bool('" + std::string(text) + "')"), "int 1") << text;
	for (const char *const text : {"f", "False", "n", "NO", "of", "off", "0"})
		EXPECT_EQ(typed("tenancy_bool('" + std::string(text) + "')"), "int 0") << text;
	EXPECT_EQ(typed("tenancy_num(9e999)"), "real inf");
	EXPECT_EQ(typed("tenancy_num(7)"), "int 7");
	EXPECT_EQ(typed("tenancy_num(7.5)"), "real 7.5");
}

TEST_F(SqliteTyped, RefuseWhatDoesNot)
{
	EXPECT_EQ(refused("tenancy_int('1')"), "22P02 value of type text in a column of type integer");
	EXPECT_EQ(refused("tenancy_int(1.0)"), "22P02 value of type real in a column of type integer");
	EXPECT_EQ(refused("tenancy_int(x'01')"), "22P02 value of type blob in a column of type integer");
	EXPECT_EQ(refused("tenancy_real('1.5')"), "22P02 value of type text in a column of type real");
	EXPECT_EQ(refused("tenancy_text(1)"), "22P02 value of type integer in a column of type text");
	EXPECT_EQ(refused("tenancy_text(x'61')"), "22P02 value of type blob in a column of type text");
	EXPECT_EQ(refused("tenancy_text(CAST(x'61ff' AS TEXT))"), "22021 text of a SQLite database is not valid UTF-8");
	EXPECT_EQ(refused("tenancy_text(CAST(x'eda080' AS TEXT))"), "22021 text of a SQLite database is not valid UTF-8");
	EXPECT_EQ(refused("tenancy_text('a' || char(0) || 'b')"), "22021 text of a SQLite database contains a zero byte");
	EXPECT_EQ(refused("tenancy_blob('a')"), "22P02 value of type text in a column of type blob");
	EXPECT_EQ(refused("tenancy_bool(2)"), "22P02 integer other than 0 and 1 in a column of type boolean");
	EXPECT_EQ(refused("tenancy_bool(1.0)"), "22P02 value of type real in a column of type boolean");
	for (const char *const text : {"", " ", "o", "tru e", "truely", "2", "10", "nope"})
		EXPECT_EQ(refused("tenancy_bool('" + std::string(text) + "')"),
		          "22P02 value of type text in a column of type boolean");
	EXPECT_EQ(refused("tenancy_num('1')"), "22P02 value of type text in a column of type numeric");
	EXPECT_EQ(fails(*session_, "SELECT tenancy_int(1, 2)").sqlstate, "42883");
}

TEST_F(SqliteTyped, CanonicalDates)
{
	for (const char *const date : {"NULL", "'0001-01-01'", "'9999-12-31'", "'2024-02-29'", "'2000-02-29'"})
		EXPECT_EQ(typed(std::string("tenancy_is_date(") + date + ")"), "int 1") << date;
	for (const char *const other :
	     {"'0000-01-01'", "'2023-02-29'", "'1900-02-29'", "'2024-13-01'", "'2024-00-01'", "'2024-01-00'",
	      "'2024-01-32'", "'2024-1-01'", "'2024-01-01 '", "' 2024-01-01'", "'2024-01-01 00:00:00'", "'10000-01-01'",
	      "''", "20240101", "2460000.5", "x'323032342d30312d3031'", "'2024-01-0' || char(0)", "'+024-01-01'",
	      "'2024/01/01'"})
		EXPECT_EQ(typed(std::string("tenancy_is_date(") + other + ")"), "int 0") << other;
	for (const char *const timestamp : {"NULL", "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'",
	                                    "'2024-02-29 12:34:56.5'", "'2024-01-01 00:00:00.01'"})
		EXPECT_EQ(typed(std::string("tenancy_is_timestamp(") + timestamp + ")"), "int 1") << timestamp;
	for (const char *const other :
	     {"'2024-01-01'", "'2024-01-01T00:00:00'", "'2024-01-01 24:00:00'", "'2024-01-01 00:60:00'",
	      "'2024-01-01 00:00:60'", "'2024-01-01 00:00:00.'", "'2024-01-01 00:00:00.0'", "'2024-01-01 00:00:00.50'",
	      "'2024-01-01 00:00:00.1234567'", "'2024-01-01 00:00:00+00'", "'2024-01-01 00:00'", "'2023-02-29 00:00:00'",
	      "'2024-01-01 00:00:00.-1'", "1704067200", "1704067200.5", "x'00'"})
		EXPECT_EQ(typed(std::string("tenancy_is_timestamp(") + other + ")"), "int 0") << other;
}

TEST_F(SqliteTyped, UsableWhereverAnExpressionIs)
{
	rows(*session_, "CREATE TABLE loose(a INTEGER, b DATE)");
	rows(*session_, "INSERT INTO loose VALUES (1, '2024-01-01'), (2, 'soon'), ('x', NULL)");
	EXPECT_EQ(value(*session_, "SELECT count(*) FROM loose WHERE tenancy_is_date(b)"), "int 2");
	EXPECT_EQ(fails(*session_, "SELECT sum(tenancy_int(a)) FROM loose").sqlstate, "22P02");
	EXPECT_EQ(value(*session_, "SELECT sum(tenancy_int(a)) FROM loose WHERE typeof(a) = 'integer'"), "int 3");
	rows(*session_, "CREATE INDEX deterministic ON loose(tenancy_is_date(b))");
	RunOptions read_only;
	read_only.read_only = true;
	EXPECT_EQ(rows(*session_, "SELECT tenancy_int(a) FROM loose LIMIT 1", {}, read_only),
	          std::vector<std::string>({"int 1"}));
	EXPECT_EQ(rows(*open("a.db", true), "SELECT tenancy_text(b) FROM loose WHERE a = 1"),
	          std::vector<std::string>({"text 2024-01-01"}));
}

} // namespace
