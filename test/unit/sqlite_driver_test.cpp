/*
 * Rows that stream from a SQLite database, and time: timeouts, interrupts, locks. Pure regime.
 */
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_fixture.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test;

class SqliteDriver : public SqliteFixture {};

/* Never ends, and never gives a row. */
constexpr const char *endless =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
constexpr const char *series =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n";

TEST_F(SqliteDriver, StreamsAMillionRows)
{
	auto const session = open();
	auto const cursor = session->execute(series, std::vector<Param>{number(1'000'000)}, {}, waiter_);
	Batch batch;
	std::int64_t sum = 0, count = 0;
	while (cursor->fetch(batch, waiter_)) {
		ASSERT_LE(batch.rows(), 1000U);
		for (std::size_t i = 0; i < batch.rows(); ++i, ++count)
			sum += batch.row(i)[0].integer;
	}
	EXPECT_EQ(count, 1'000'000);
	EXPECT_EQ(sum, 500'000'500'000);
	EXPECT_EQ(batch.rows(), 0U);
	EXPECT_FALSE(cursor->fetch(batch, waiter_));
	EXPECT_EQ(cursor->affected(), 1'000'000);
}

TEST_F(SqliteDriver, BatchesAreBounded)
{
	auto const session = open();
	RunOptions options;
	options.fetch_rows = 10'000;
	auto const cursor = session->execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)"
	                                     " SELECT zeroblob(100000) FROM n",
	                                     {}, options, waiter_);
	Batch batch;
	std::size_t rows = 0, batches = 0;
	for (; cursor->fetch(batch, waiter_); rows += batch.rows(), ++batches)
		EXPECT_LE(batch.rows(), 11U);
	EXPECT_EQ(rows, 50U);
	EXPECT_GE(batches, 5U);
}

/* One long value, or the long name of one type, in a thousand columns. */
TEST_F(SqliteDriver, WidthIsBounded)
{
	auto const session = open();
	std::string many = "a", shown = "?1";
	for (int i = 1; i < 1000; ++i) {
		many += ", a";
		shown += ", ?1";
	}
	std::vector<Param> const params = {string(Param::Kind::text, std::string(1'000'000, 'x'))};
	Failure const wide = failure_of([&] { rows(*session, "SELECT " + shown, params); });
	EXPECT_EQ(wide.sqlstate, "54000") << wide.message;
	EXPECT_TRUE(session->reusable());
	rows(*session, "CREATE TABLE named(a " + std::string(100'000, 'x') + ")");
	EXPECT_EQ(fails(*session, "SELECT " + many + " FROM named").sqlstate, "54000");
	EXPECT_EQ(failure_of([&] { session->describe("SELECT " + many + " FROM named", {}, waiter_); }).sqlstate, "54000");
	EXPECT_EQ(fails(*session, "SELECT a FROM named").sqlstate, "00000");
}

/* What a sort puts aside is on the disk of the databases, and without a name. */
TEST_F(SqliteDriver, SortsBesideTheDatabases)
{
	auto const session = open();
	auto const cursor = session->execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
	                                     " SELECT i, zeroblob(100000) AS b FROM n ORDER BY -i",
	                                     {}, {}, waiter_);
	Batch batch;
	ASSERT_TRUE(cursor->fetch(batch, waiter_));
	int aside = 0;
	for (auto const &entry : fs::directory_iterator("/proc/self/fd")) {
		std::error_code gone;
		std::string const path = fs::read_symlink(entry.path(), gone).string();
		if (path.find("etilqs_") == path.npos)
			continue;
		++aside;
		EXPECT_TRUE(path.starts_with(root_.string() + "/etilqs_") && path.ends_with(" (deleted)")) << path;
	}
	EXPECT_GT(aside, 0);
}

TEST_F(SqliteDriver, AbandonedCursorReleasesTheFile)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
	               "SELECT i FROM n");
	auto const writer = open();
	RunOptions soon;
	soon.timeout_ms = 100;
	Batch batch;
	{
		RunOptions few;
		few.fetch_rows = 3;
		auto const cursor = session->execute("SELECT i FROM t", {}, few, waiter_);
		ASSERT_TRUE(cursor->fetch(batch, waiter_));
		EXPECT_FALSE(session->reusable());
		EXPECT_EQ(failure_of([&] { session->execute("SELECT 1", {}, {}, waiter_); }).sqlstate, "55006");
		EXPECT_EQ(fails(*writer, "DELETE FROM t", soon).sqlstate, "55P03");
	}
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(fails(*writer, "DELETE FROM t", soon).sqlstate, "00000");
}

TEST_F(SqliteDriver, TimeoutEndsAStatement)
{
	auto const session = open();
	RunOptions options;
	options.timeout_ms = 200;
	Failure failure;
	double const seconds = seconds_of([&] { failure = fails(*session, endless, options); });
	EXPECT_EQ(failure.sqlstate, "57014");
	EXPECT_EQ(failure.kind, FailureKind::timeout);
	EXPECT_GE(seconds, 0.19);
	EXPECT_LT(seconds, in_time);
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(value(*session, "SELECT 1"), "int 1");
	/* Also while rows stream. */
	options.fetch_rows = 10;
	auto const cursor = session->execute(series, std::vector<Param>{number(1'000'000'000)}, options, waiter_);
	Batch batch;
	EXPECT_EQ(failure_of([&] {
				  while (cursor->fetch(batch, waiter_)) {
				  }
			  }).sqlstate,
	          "57014");
}

TEST_F(SqliteDriver, InterruptEndsAStatement)
{
	auto const session = open();
	waiter_.interrupt_after(200);
	EXPECT_LT(seconds_of([&] { EXPECT_THROW(rows(*session, endless), Interrupted); }), in_time);
	waiter_.clear();
	EXPECT_TRUE(session->reusable());

	rows(*session, "CREATE TABLE t(a)");
	waiter_.interrupt_after(200);
	EXPECT_THROW(
		rows(*session, "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"),
		Interrupted);
	waiter_.clear();
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(value(*session, "SELECT count(*) FROM t"), "int 0");

	/* After the first row, inside one step that lasts. */
	auto const cursor = session->execute(
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i IN (1, -1)", {}, {},
		waiter_);
	waiter_.interrupt_after(200);
	Batch batch;
	EXPECT_LT(seconds_of([&] { EXPECT_THROW(cursor->fetch(batch, waiter_), Interrupted); }), in_time);
}

/* An interrupt that ends nothing, such as a request to log memory contexts. */
class HarmlessWaiter final : public core::Waiter {
public:
	unsigned wait(int, unsigned, core::Deadline) override { return 0; }
	bool interrupted() const noexcept override { return pending; }
	void serve() override
	{
		++served;
		pending = held;
	}
	bool pending = false, held = false;
	int served = 0;
};

TEST_F(SqliteDriver, HarmlessInterruptsChangeNothing)
{
	auto const session = open();
	HarmlessWaiter waiter;
	waiter.pending = true;
	auto cursor = session->execute(series, std::vector<Param>{number(100'000)}, {}, waiter);
	Batch batch;
	std::int64_t count = 0;
	while (cursor->fetch(batch, waiter)) {
		count += static_cast<std::int64_t>(batch.rows());
		waiter.pending = true;
	}
	EXPECT_EQ(count, 100'000);
	EXPECT_GT(waiter.served, 50);
	cursor.reset();
	waiter.held = waiter.pending = true; /* held off by somebody above us */
	rows(*session, "CREATE TABLE t(a)");
	cursor =
		session->execute("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
	                     " SELECT i FROM n",
	                     {}, {}, waiter);
	EXPECT_EQ(cursor->affected(), 10'000);
}

/* Harmless ones, too, one after the other, as by a timer. */
class TickingWaiter final : public core::Waiter {
public:
	unsigned wait(int, unsigned, core::Deadline) override { return 0; }
	bool interrupted() const noexcept override { return next_.passed(); }
	void serve() override
	{
		++served;
		next_ = core::Deadline::after(20);
	}
	int served = 0;

private:
	core::Deadline next_ = core::Deadline::after(20);
};

constexpr const char *millions = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) ";

TEST_F(SqliteDriver, RepeatedInterruptsStartNothingAnew)
{
	auto const session = open();
	TickingWaiter waiter;
	RunOptions options;
	options.timeout_ms = 20'000;
	auto const cursor = session->execute(std::string(millions) + "SELECT count(*) FROM n", {}, options, waiter);
	Batch batch;
	ASSERT_TRUE(cursor->fetch(batch, waiter));
	EXPECT_EQ(batch.row(0)[0].integer, 3'000'000);
	EXPECT_GT(waiter.served, 2);
}

TEST_F(SqliteDriver, RepeatedInterruptsEndNoTransaction)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	TickingWaiter waiter;
	session->transact({TransactionStep::Verb::begin, 0, false, false, true}, {}, waiter);
	auto const cursor =
		session->execute("INSERT INTO t " + std::string(millions) + "SELECT i FROM n ORDER BY -i", {}, {}, waiter);
	EXPECT_EQ(cursor->affected(), 3'000'000);
	EXPECT_GT(waiter.served, 2);
}

/* Another process holds the write lock for a while, so that POSIX locks really meet. */
class LockHolder {
public:
	explicit LockHolder(const fs::path &path, long ms)
	{
		int ready[2];
		if (pipe(ready) != 0)
			throw std::runtime_error("pipe");
		pid_ = fork();
		if (pid_ == 0) {
			sqlite3 *database = nullptr;
			sqlite3_open(path.c_str(), &database);
			sqlite3_exec(database, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr);
			[[maybe_unused]] auto const written = write(ready[1], "x", 1);
			std::this_thread::sleep_for(std::chrono::milliseconds(ms));
			sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
			_exit(0);
		}
		char byte;
		[[maybe_unused]] auto const got = read(ready[0], &byte, 1);
		close(ready[0]);
		close(ready[1]);
	}
	~LockHolder()
	{
		kill(pid_, SIGKILL);
		waitpid(pid_, nullptr, 0);
	}

private:
	pid_t pid_;
};

TEST_F(SqliteDriver, WaitsForALockThroughTheWaiter)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	LockHolder const holder(home() / "a.db", 2000);
	int const waits = waiter_.waits();
	double const seconds = seconds_of([&] { rows(*session, "INSERT INTO t VALUES (1)"); });
	EXPECT_GE(seconds, 0.2);
	EXPECT_LT(seconds, in_time);
	EXPECT_GT(waiter_.waits(), waits + 3);
	EXPECT_EQ(value(*session, "SELECT count(*) FROM t"), "int 1");
}

TEST_F(SqliteDriver, WaitsForALockWhileConnecting)
{
	open();
	LockHolder const holder(home() / "a.db", 300);
	EXPECT_EQ(value(*open(), "SELECT 1"), "int 1");
}

TEST_F(SqliteDriver, LockTimeoutAndInterrupt)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	LockHolder const holder(home() / "a.db", 60'000);
	RunOptions options;
	options.timeout_ms = 150;
	Failure failure;
	EXPECT_LT(seconds_of([&] { failure = fails(*session, "SELECT * FROM t", options); }), in_time);
	EXPECT_EQ(failure.sqlstate, "55P03");
	EXPECT_EQ(failure.kind, FailureKind::timeout);
	waiter_.interrupt_after(150);
	EXPECT_LT(seconds_of([&] { EXPECT_THROW(rows(*session, "SELECT * FROM t"), Interrupted); }), in_time);
	waiter_.clear();
	EXPECT_TRUE(session->reusable());
}

TEST_F(SqliteDriver, SchemaChangesReachCachedStatements)
{
	auto const session = open(), other = open();
	rows(*session, "CREATE TABLE t(a)");
	EXPECT_EQ(rows(*session, "SELECT * FROM t").size(), 0U);
	rows(*other, "ALTER TABLE t ADD COLUMN b DEFAULT 2");
	rows(*other, "INSERT INTO t(a) VALUES (1)");
	EXPECT_EQ(rows(*session, "SELECT * FROM t"), (std::vector<std::string>{"int 1|int 2"}));
	/* A statement compiled under kinder rules is judged anew when it is compiled again. */
	for (int i = 0; i < 100; ++i)
		EXPECT_EQ(value(*session, "SELECT " + std::to_string(i)), "int " + std::to_string(i));
}

TEST_F(SqliteDriver, ServerVersion)
{
	EXPECT_EQ(open()->server_version(), std::string("SQLite ") + sqlite3_libversion());
}

} // namespace
