/*
 * The SQLite driver against real files: where they may be, what statements may do, types, locks, time. Pure regime.
 */
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "remote/driver.hpp"
#include "remote/sqlite/path.hpp"
#include "waiter.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::remote;
using core::FailureKind;
using test::Interrupted;
using test::PollWaiter;
namespace fs = std::filesystem;
namespace pgtype = core::pgtype;

/* What an operation failed with; sqlstate "00000" when it did not. */
struct Failure {
	std::string sqlstate = "00000", message, detail, hint;
	FailureKind kind = FailureKind::other;
};

template <typename Work>
Failure
failure_of(Work work)
{
	try {
		work();
	} catch (const core::Error &error) {
		return {error.sqlstate, error.message, error.detail, error.hint, error.kind};
	}
	return {};
}

Param
number(std::int64_t value)
{
	Param param;
	param.kind = Param::Kind::integer;
	param.integer = value;
	return param;
}

Param
real_number(double value)
{
	Param param;
	param.kind = Param::Kind::float8;
	param.real = value;
	return param;
}

Param
string(Param::Kind kind, std::string text)
{
	Param param;
	param.kind = kind;
	param.text = std::move(text);
	return param;
}

std::string
show(const Cell &cell)
{
	switch (cell.kind) {
	case CellKind::null: return "null";
	case CellKind::boolean: return cell.integer != 0 ? "bool true" : "bool false";
	case CellKind::integer: return "int " + std::to_string(cell.integer);
	case CellKind::float8: {
		char buffer[32];
		std::snprintf(buffer, sizeof buffer, "real %.17g", cell.real);
		return buffer;
	}
	case CellKind::text: return "text " + std::string(cell.view());
	case CellKind::bytes: return "bytes " + std::to_string(cell.size);
	case CellKind::float4: break;
	}
	return "?";
}

class SqliteDriver : public testing::Test {
protected:
	void SetUp() override
	{
		char pattern[] = "/tmp/tenancy_sqlite_XXXXXX";
		ASSERT_NE(mkdtemp(pattern), nullptr);
		root_ = pattern;
		fs::create_directory(home());
	}
	void TearDown() override
	{
		if (!root_.empty())
			fs::remove_all(root_);
	}

	fs::path home() const { return root_ / "0190b5f0-user"; }
	Target target(const std::string &name, bool create = true, bool read_only = false) const
	{
		Target target;
		target.type = DatabaseType::sqlite;
		target.database = name;
		target.sqlite_directory = home();
		target.create = create;
		target.read_only = read_only;
		target.connect_timeout_ms = 1000;
		return target;
	}
	std::unique_ptr<Session> open(const std::string &name = "a.db", bool read_only = false)
	{
		return connect(target(name, true, read_only), waiter_);
	}
	/* Rows as text, cells separated by bars. */
	std::vector<std::string> rows(Session &session, std::string_view sql, std::vector<Param> params = {},
	                              RunOptions options = {})
	{
		auto const               cursor = session.execute(sql, params, options, waiter_);
		Batch                    batch;
		std::vector<std::string> lines;
		while (cursor->fetch(batch, waiter_))
			for (std::size_t i = 0; i < batch.rows(); ++i) {
				std::string line;
				for (std::size_t j = 0; j < batch.width(); ++j)
					line += (j > 0 ? "|" : "") + show(batch.row(i)[j]);
				lines.push_back(line);
			}
		affected_ = cursor->affected();
		return lines;
	}
	std::string value(Session &session, std::string_view sql, std::vector<Param> params = {})
	{
		auto const lines = rows(session, sql, std::move(params));
		return lines.size() == 1 ? lines[0] : "rows: " + std::to_string(lines.size());
	}
	Failure fails(Session &session, std::string_view sql, RunOptions options = {})
	{
		return failure_of([&] { rows(session, sql, {}, options); });
	}
	Failure refuses(const std::string &name, bool create = false)
	{
		return failure_of([&] { connect(target(name, create), waiter_); });
	}

	fs::path     root_;
	PollWaiter   waiter_;
	std::int64_t affected_ = 0;
};

double
seconds_of(const std::function<void()> &work)
{
	auto const start = std::chrono::steady_clock::now();
	work();
	return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/* Never ends, and never gives a row. */
constexpr const char *endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
constexpr const char *series = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n";

/* Files and names */

TEST_F(SqliteDriver, RefusesNamesThatLeaveTheDirectory)
{
	for (const std::string name :
	     {"", "/etc/passwd", "../a.db", "x/../../a.db", "..", ".", "./a.db", "a//b", "a/", ":memory:", "file:a.db",
	      "FILE:a.db?mode=rw", "file::memory:?cache=shared", "a.db-journal", "a.db-WAL", "a.db-shm", "a.db-mj0123ABCD",
	      "a\nb", "a\x7f", "\xff.db"}) {
		EXPECT_NE(sqlite::file_name_complaint(name), nullptr) << name;
		Failure const failure = refuses(name, true);
		EXPECT_EQ(failure.sqlstate, "42501") << name;
		EXPECT_EQ(failure.kind, FailureKind::denied) << name;
	}
	EXPECT_EQ(refuses(std::string("a.db\0b", 6), true).sqlstate, "42501");
	EXPECT_EQ(refuses(std::string(300, 'a'), true).sqlstate, "42501");
	EXPECT_TRUE(fs::is_empty(home()));
}

TEST_F(SqliteDriver, TakesAnythingElseAsAPlainName)
{
	for (const std::string name : {"a.db", "a?mode=memory&cache=shared", "a%2e%2e", "..a", "ä b'.db", "-wal.db", "a-mj12"}) {
		auto const session = connect(target(name), waiter_);
		EXPECT_TRUE(fs::is_regular_file(home() / name)) << name;
		EXPECT_EQ(value(*session, "SELECT 1"), "int 1");
	}
}

TEST_F(SqliteDriver, MissingFileIsMissingDatabase)
{
	for (const std::string name : {"none.db", "folder/none.db"}) {
		Failure const failure = refuses(name);
		EXPECT_EQ(failure.sqlstate, "3D000");
		EXPECT_EQ(failure.kind, FailureKind::database);
		EXPECT_NE(failure.hint.find("create"), std::string::npos);
	}
	fs::remove(home());
	EXPECT_EQ(refuses("a.db").sqlstate, "3D000");
	EXPECT_FALSE(fs::exists(home()));
}

TEST_F(SqliteDriver, CreatesDirectoryAndFileForTheOwnerOnly)
{
	fs::remove(home());
	open("new.db");
	struct stat status;
	ASSERT_EQ(stat(home().c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777, 0700U);
	ASSERT_EQ(stat((home() / "new.db").c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777, 0600U);
	EXPECT_EQ(refuses("folder/new.db", true).sqlstate, "3D000"); /* folders are not made */
}

TEST_F(SqliteDriver, NeedsARoot)
{
	Target without = target("a.db");
	without.sqlite_directory = "";
	EXPECT_EQ(failure_of([&] { connect(without, waiter_); }).sqlstate, "55000");
	without.sqlite_directory = "/nonexistent-root/user";
	EXPECT_EQ(failure_of([&] { connect(without, waiter_); }).sqlstate, "58P01");
}

TEST_F(SqliteDriver, FollowsNoLinks)
{
	open("real.db");
	fs::create_symlink(home() / "real.db", home() / "inside.db");
	fs::create_symlink("/etc/passwd", home() / "outside.db");
	fs::create_symlink("/", home() / "slash");
	fs::create_symlink("/proc/self/cwd", home() / "magic");
	for (const std::string name : {"inside.db", "outside.db", "slash/etc/passwd", "magic/x.db"}) {
		EXPECT_EQ(refuses(name).sqlstate, "42501") << name;
		EXPECT_EQ(refuses(name, true).sqlstate, "42501") << name;
	}
	fs::create_hard_link(home() / "real.db", home() / "hard.db");
	EXPECT_EQ(refuses("hard.db").sqlstate, "42501");
}

TEST_F(SqliteDriver, UserDirectoryMayNotBeALinkButTheRootMay)
{
	fs::create_directory(root_ / "victim");
	Target stranger = target("a.db");
	fs::create_directory_symlink(root_ / "victim", root_ / "thief");
	stranger.sqlite_directory = root_ / "thief";
	EXPECT_EQ(failure_of([&] { connect(stranger, waiter_); }).sqlstate, "42501");
	EXPECT_TRUE(fs::is_empty(root_ / "victim"));

	fs::create_directory_symlink(root_, root_.string() + "_link");
	Target linked = target("a.db");
	linked.sqlite_directory = root_.string() + "_link/0190b5f0-user";
	EXPECT_EQ(failure_of([&] { connect(linked, waiter_); }).sqlstate, "00000");
	fs::remove(root_.string() + "_link");
}

TEST_F(SqliteDriver, FollowsNoLinkedJournal)
{
	open("a.db");
	std::ofstream(root_ / "precious") << "precious";
	fs::create_symlink(root_ / "precious", home() / "a.db-journal");
	EXPECT_EQ(refuses("a.db").sqlstate, "42501");
}

TEST_F(SqliteDriver, OpensOnlyRegularFiles)
{
	ASSERT_EQ(mkfifo((home() / "fifo.db").c_str(), 0600), 0);
	fs::create_directory(home() / "folder.db");
	/* Making a device needs root, as this test is run in a container; elsewhere the kernel refuses the same. */
	bool const device = mknod((home() / "zero.db").c_str(), S_IFCHR | 0600, static_cast<dev_t>(1 << 8 | 5)) == 0;
	EXPECT_TRUE(device || errno == EPERM);
	for (const std::string name : {"fifo.db", "folder.db"})
		EXPECT_EQ(refuses(name).sqlstate, "42501") << name;
	EXPECT_EQ(refuses("zero.db").sqlstate, device ? "42501" : "3D000");
}

TEST_F(SqliteDriver, SaysThatAFileIsNoDatabase)
{
	std::ofstream(home() / "text.db") << std::string(5000, 'x');
	Failure const failure = refuses("text.db");
	EXPECT_EQ(failure.sqlstate, "XX001");
	EXPECT_EQ(failure.kind, FailureKind::database);
}

TEST_F(SqliteDriver, ReportsCorruptionAndLives)
{
	rows(*open(), "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
	              " SELECT i, hex(randomblob(20)) AS h FROM n");
	auto const size = fs::file_size(home() / "a.db");
	for (unsigned seed = 0; seed < 200; ++seed) {
		fs::copy_file(home() / "a.db", home() / "c.db", fs::copy_options::overwrite_existing);
		{
			std::fstream file(home() / "c.db", std::ios::in | std::ios::out | std::ios::binary);
			std::srand(seed);
			for (int i = 0; i < 60; ++i) {
				file.seekp(static_cast<std::streamoff>(100 + static_cast<unsigned>(std::rand()) % (size - 100)));
				file.put(static_cast<char>(std::rand()));
			}
		}
		Failure const failure = failure_of([&] {
			auto const session = connect(target("c.db"), waiter_);
			rows(*session, "SELECT count(*), max(h) FROM t");
			rows(*session, "SELECT * FROM t ORDER BY h LIMIT 5");
		});
		std::string const known = "00000 XX001 42P01 42000 22021 54000 53200";
		EXPECT_NE(known.find(failure.sqlstate), std::string::npos) << failure.sqlstate << " " << failure.message;
	}
}

TEST_F(SqliteDriver, NoticesAReplacedFile)
{
	auto const session = open();
	EXPECT_TRUE(session->ping(core::Deadline(), waiter_));
	fs::remove(home() / "a.db");
	EXPECT_FALSE(session->ping(core::Deadline(), waiter_));
	std::ofstream(home() / "a.db");
	EXPECT_FALSE(session->ping(core::Deadline(), waiter_));
}

/* What statements may do */

TEST_F(SqliteDriver, RefusesWhatLeavesTheDatabase)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	open("other.db");
	std::string const other = (home() / "other.db").string();
	for (const std::string &sql : std::vector<std::string>{
			 "ATTACH '" + other + "' AS o", "ATTACH ':memory:' AS o", "ATTACH '' AS o", "DETACH main",
			 "VACUUM", "VACUUM INTO '" + other + ".copy'", "SELECT load_extension('/tmp/x.so')",
			 "SELECT fts3_tokenizer('simple')", "SELECT fts3_tokenizer('x', x'4141414141414141')",
			 "CREATE VIRTUAL TABLE v USING fts3(a)", "CREATE VIRTUAL TABLE v USING fts4(a)",
			 "CREATE VIRTUAL TABLE v USING FTS3(a)", "CREATE VIRTUAL TABLE temp.v USING fts3(a)",
			 "CREATE VIRTUAL TABLE v USING fts3tokenize(simple)", "CREATE VIRTUAL TABLE v USING dbstat",
			 "PRAGMA writable_schema = 1", "PRAGMA writable_schema", "PRAGMA query_only = off", "PRAGMA trusted_schema = 1",
			 "PRAGMA temp_store_directory = '/tmp'", "PRAGMA data_store_directory = '/tmp'", "PRAGMA database_list",
			 "PRAGMA journal_mode = off", "PRAGMA journal_mode(wal)", "PRAGMA mmap_size = 1000000", "PRAGMA locking_mode = exclusive",
			 "PRAGMA user_version = 3", "PRAGMA foreign_keys = off", "PRAGMA integrity_check", "PRAGMA incremental_vacuum",
			 "PRAGMA wal_checkpoint", "PRAGMA hard_heap_limit = 0", "PRAGMA soft_heap_limit = 1", "PRAGMA threads = 4",
			 "PRAGMA no_such_pragma", "SELECT * FROM pragma_database_list", "SELECT sqlite_log(1, 'x')",
			 "SELECT sqlite_compileoption_get(1)", "CREATE TEMP TABLE x(a)", "CREATE TEMP VIEW x AS SELECT 1",
			 "CREATE TABLE temp.x(a)", "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
			 "SELECT fts5(NULL)", "SELECT fts5_source_id()", "SELECT rtreecheck('main', 't')",
			 "EXPLAIN ATTACH 'x' AS o", "CREATE VIEW v AS SELECT 1 WHERE load_extension('x')"}) {
		Failure const failure = fails(*session, sql);
		bool const    at_use = sql.starts_with("CREATE VIEW"); /* a view is only looked at when it is used */
		EXPECT_EQ(failure.sqlstate, at_use ? "00000" : "42501") << sql << ": " << failure.message;
		EXPECT_EQ(failure.kind, at_use ? FailureKind::other : FailureKind::denied) << sql;
		EXPECT_EQ(failure.message.find(root_), std::string::npos) << sql;
		EXPECT_TRUE(session->reusable());
	}
	EXPECT_EQ(fails(*session, "SELECT * FROM v").sqlstate, "42501");
	EXPECT_EQ(fails(*session, "SELECT * FROM dbstat").sqlstate, "42P01");
	EXPECT_EQ(fails(*session, "SELECT * FROM sqlite_stmt").sqlstate, "42P01");
	EXPECT_EQ(fails(*session, "SELECT * FROM sqlite_dbpage").sqlstate, "42P01");
	EXPECT_FALSE(fs::exists(other + ".copy"));
	EXPECT_EQ(fails(*session, "PRAGMA writable_schema=1").message, "permission denied for PRAGMA writable_schema");
	EXPECT_EQ(fails(*session, "SELECT load_extension('x')").message, "permission denied for function load_extension");
}

TEST_F(SqliteDriver, KeepsTheSchemaTableFromWriters)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	for (const std::string sql :
	     {"UPDATE sqlite_master SET sql = 'x'", "DELETE FROM sqlite_schema", "INSERT INTO sqlite_master DEFAULT VALUES"})
		EXPECT_NE(fails(*session, sql).sqlstate, "00000") << sql;
	EXPECT_EQ(value(*session, "SELECT count(*) FROM sqlite_master"), "int 1");
}

TEST_F(SqliteDriver, RefusesExplicitTransactions)
{
	auto const session = open();
	for (const std::string sql : {"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE a", "END"}) {
		Failure const failure = fails(*session, sql);
		EXPECT_EQ(failure.sqlstate, "0A000") << sql;
		EXPECT_EQ(failure.detail, "Each statement is a transaction of its own.");
	}
	EXPECT_TRUE(session->reusable());
}

TEST_F(SqliteDriver, AllowsOrdinaryWork)
{
	auto const session = open();
	for (const std::string sql :
	     {"CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT COLLATE NOCASE, g GENERATED ALWAYS AS (upper(n)))",
	      "CREATE TABLE c(p REFERENCES p ON DELETE CASCADE, CHECK (p > 0))", "CREATE UNIQUE INDEX i ON p(lower(n))",
	      "CREATE VIEW v AS SELECT n, count(*) AS k FROM p GROUP BY n",
	      "CREATE TRIGGER tr AFTER INSERT ON p BEGIN INSERT INTO c VALUES (new.id); END",
	      "INSERT INTO p(n) VALUES ('a'), ('b') ON CONFLICT DO NOTHING", "REPLACE INTO p(id, n) VALUES (1, 'x')",
	      "UPDATE p SET n = 'y' WHERE id = 1", "DELETE FROM p WHERE id = 2", "ALTER TABLE p RENAME TO q",
	      "ALTER TABLE q RENAME COLUMN n TO m", "ALTER TABLE q ADD COLUMN z DEFAULT 7", "ALTER TABLE q DROP COLUMN z",
	      "ANALYZE", "REINDEX", "SELECT m, row_number() OVER (ORDER BY m) FROM q",
	      "SELECT value FROM json_each('[1,2]')", "SELECT '{\"a\":1}' -> 'a', '{\"a\":1}' ->> 'a'",
	      "SELECT date('now'), current_timestamp, strftime('%Y', 'now')", "SELECT sqrt(2), round(2.5), random() IS NULL",
	      "PRAGMA table_info(q)", "PRAGMA TABLE_XINFO('q')", "PRAGMA foreign_key_list(c)", "PRAGMA index_list(q)",
	      "SELECT * FROM pragma_table_info('q')", "SELECT * FROM pragma_index_info('i')", "PRAGMA user_version",
	      "PRAGMA encoding", "PRAGMA table_list", "PRAGMA foreign_key_check", "PRAGMA schema_version",
	      "EXPLAIN QUERY PLAN SELECT * FROM q", "EXPLAIN SELECT 1", "CREATE VIRTUAL TABLE f USING fts5(body)",
	      "INSERT INTO f VALUES ('the quick brown fox')", "SELECT highlight(f, 0, '<', '>'), bm25(f) FROM f WHERE f MATCH 'quick'",
	      "INSERT INTO f(f) VALUES ('optimize')", "DROP TABLE f", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
	      "INSERT INTO r VALUES (1, 0, 2)", "SELECT id FROM r WHERE a < 1", "DROP TABLE r", "DROP TRIGGER tr", "DROP VIEW v",
	      "DROP INDEX i", "DROP TABLE c", "DROP TABLE q"}) {
		Failure const failure = fails(*session, sql);
		EXPECT_EQ(failure.sqlstate, "00000") << sql << ": " << failure.message;
	}
}

TEST_F(SqliteDriver, ReadOnlyReadsOnly)
{
	rows(*open(), "CREATE TABLE t(a UNIQUE)");
	rows(*open(), "CREATE VIRTUAL TABLE words USING fts5(body)");
	rows(*open(), "INSERT INTO words VALUES ('quick fox')");
	auto const session = open("a.db", true);
	EXPECT_EQ(value(*session, "SELECT body FROM words WHERE words MATCH 'fox'"), "text quick fox");
	EXPECT_EQ(value(*session, "SELECT count(*) FROM t"), "int 0");
	EXPECT_EQ(value(*session, "SELECT count(*) FROM pragma_table_info('t')"), "int 1");
	for (const std::string sql :
	     {"INSERT INTO t VALUES (1)", "DELETE FROM t", "CREATE TABLE u(a)", "DROP TABLE t", "ANALYZE", "REINDEX",
	      "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "CREATE VIRTUAL TABLE f USING fts5(a)",
	      "EXPLAIN DELETE FROM t", "UPDATE t SET a = 1 RETURNING a", "UPDATE sqlite_master SET sql = NULL"}) {
		Failure const failure = fails(*session, sql);
		bool const    schema = sql.find("sqlite_master") != std::string::npos; /* "may not be modified" by anybody */
		EXPECT_EQ(failure.sqlstate, schema ? "42809" : "25006") << sql << ": " << failure.message;
		EXPECT_EQ(failure.kind, schema ? FailureKind::query : FailureKind::denied) << sql;
	}
	/* One read-only statement of a session that may write, before and after the same text was allowed. */
	auto const writer = open();
	RunOptions reading;
	reading.read_only = true;
	EXPECT_EQ(fails(*writer, "INSERT INTO t VALUES (1)", reading).sqlstate, "25006");
	EXPECT_EQ(fails(*writer, "INSERT INTO t VALUES (1)").sqlstate, "00000");
	EXPECT_EQ(fails(*writer, "INSERT INTO t VALUES (1)", reading).sqlstate, "25006");
	EXPECT_EQ(value(*writer, "SELECT count(*) FROM t"), "int 1");
}

TEST_F(SqliteDriver, RunsExactlyOneStatement)
{
	auto const session = open();
	for (const std::string sql : {"SELECT 1; SELECT 2", "SELECT 1; DROP TABLE x", "SELECT 1;;-- x\n;SELECT", "SELECT 1;'",
	                              "SELECT 1; ATTACH 'x' AS y", "SELECT 1; \\"})
		EXPECT_EQ(fails(*session, sql).sqlstate, "42601") << sql;
	for (const std::string sql : {"", " ", "-- nothing", "/* nothing", ";"})
		EXPECT_EQ(fails(*session, sql).sqlstate, "42601") << sql;
	for (const std::string sql : {"SELECT 1;", "SELECT 1 ;; ; ", "SELECT 1; -- end", "SELECT 1; /* a ; b */ -- c", "SELECT 1 /* x",
	                              "/* a */ SELECT ';' AS \"a;b\""})
		EXPECT_EQ(fails(*session, sql).sqlstate, "00000") << sql;
	EXPECT_EQ(fails(*session, std::string_view("SELECT 1\0 + 1", 13)).sqlstate, "22021");
}

TEST_F(SqliteDriver, HasNoQuotedStrings)
{
	EXPECT_EQ(fails(*open(), "SELECT \"nothing\"").sqlstate, "42703");
}

/* Values */

TEST_F(SqliteDriver, DeclaredTypes)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a INTEGER, b VARCHAR(20), c, d BLOB, e DOUBLE PRECISION, f DECIMAL(10,2), g BOOLEAN, h DATE,"
	               " i DATETIME, j TIMESTAMP WITH TIME ZONE, k TIME, l JSON, m UUID, n STRING, o BIGINT, p REAL, q CLOB)");
	std::vector<std::uint32_t> const wanted = {
		pgtype::int8, pgtype::text, pgtype::text,      pgtype::bytea,       pgtype::float8, pgtype::numeric,
		pgtype::boolean, pgtype::date, pgtype::timestamp, pgtype::timestamptz, pgtype::time,   pgtype::json,
		pgtype::text, pgtype::text, pgtype::int8,      pgtype::float8,      pgtype::text};
	auto const columns = session->describe("SELECT * FROM t", {}, waiter_);
	ASSERT_EQ(columns.size(), wanted.size());
	for (std::size_t i = 0; i < wanted.size(); ++i)
		EXPECT_EQ(columns[i].type_oid, wanted[i]) << columns[i].name << " " << columns[i].native_type;
	EXPECT_EQ(columns[1].native_type, "VARCHAR(20)");
	EXPECT_TRUE(session->describe("INSERT INTO t(a) VALUES (1)", {}, waiter_).empty());
	EXPECT_EQ(value(*session, "SELECT count(*) FROM t"), "int 0"); /* describing ran nothing */
}

TEST_F(SqliteDriver, ExpressionsHaveTheTypeOfTheirFirstRow)
{
	auto const session = open();
	auto const cursor = session->execute("SELECT 1, 1.5, 'x', x'00', NULL, 1 AS one", {}, {}, waiter_);
	std::vector<std::uint32_t> types;
	for (const Column &column : cursor->columns())
		types.push_back(column.type_oid);
	EXPECT_EQ(types, (std::vector<std::uint32_t>{pgtype::int8, pgtype::float8, pgtype::text, pgtype::bytea, pgtype::text,
	                                             pgtype::int8}));
	EXPECT_EQ(cursor->columns()[5].name, "one");
}

TEST_F(SqliteDriver, CellsSayWhatTheyAre)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(i INTEGER, b BOOLEAN, d DATE)");
	rows(*session, "INSERT INTO t VALUES (9223372036854775807, 1, '2024-02-29'), ('abc', 2, 19000), (1.5, 'yes', x'00'),"
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

TEST_F(SqliteDriver, Parameters)
{
	auto const session = open();
	EXPECT_EQ(value(*session, "SELECT ?, ?, ?", {number(1), Param(), string(Param::Kind::text, "é")}), "int 1|null|text é");
	EXPECT_EQ(value(*session, "SELECT $2, $1, $2", {number(1), number(2)}), "int 2|int 1|int 2");
	EXPECT_EQ(value(*session, "SELECT ?2, ?1", {number(1), number(2)}), "int 2|int 1");
	EXPECT_EQ(value(*session, "SELECT :b, :a", {number(1), number(2)}), "int 1|int 2");
	EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::bytes, std::string("\0x", 2))}), "bytes 2");
	EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::bytes, "")}), "bytes 0");
	EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::text, "")}), "text ");
	EXPECT_EQ(value(*session, "SELECT ?", {real_number(0.1)}), "real 0.10000000000000001");
	for (auto const &[decimal, wanted] : std::vector<std::pair<std::string, std::string>>{
			 {"42", "int 42"}, {"-9223372036854775808", "int -9223372036854775808"}, {"1.25", "real 1.25"},
			 {"9223372036854775808", "text 9223372036854775808"}, {"0.12345678901234567890", "text 0.12345678901234567890"},
			 {"NaN", "text NaN"}, {"Infinity", "text Infinity"}})
		EXPECT_EQ(value(*session, "SELECT ?", {string(Param::Kind::decimal, decimal)}), wanted);
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT ?", {real_number(std::nan(""))}); }).sqlstate, "22023");
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT ?", {}); }).sqlstate, "42601");
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT 1", {number(1)}); }).sqlstate, "42601");
	EXPECT_EQ(failure_of([&] { rows(*session, "SELECT $3", {number(1)}); }).sqlstate, "42601");
	EXPECT_EQ(value(*session, "SELECT ?", {number(7)}), "int 7"); /* nothing is left of earlier bindings */
}

TEST_F(SqliteDriver, AffectedRows)
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

TEST_F(SqliteDriver, ErrorsHaveSqlstates)
{
	auto const session = open();
	rows(*session, "CREATE TABLE p(id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL, c CHECK (c > 0))");
	rows(*session, "CREATE TABLE r(p REFERENCES p)");
	rows(*session, "CREATE TABLE s(a INTEGER) STRICT");
	rows(*session, "INSERT INTO p VALUES (1, 1, 1, 1)");
	for (auto const &[sql, sqlstate] : std::vector<std::pair<std::string, std::string>>{
			 {"INSERT INTO p VALUES (1, 2, 1, 1)", "23505"}, {"INSERT INTO p VALUES (2, 1, 1, 1)", "23505"},
			 {"INSERT INTO p VALUES (2, 2, NULL, 1)", "23502"}, {"INSERT INTO p VALUES (2, 2, 1, 0)", "23514"},
			 {"INSERT INTO r VALUES (9)", "23503"}, {"DELETE FROM p", "00000"}, {"SELEC 1", "42601"}, {"SELECT (", "42601"},
			 {"SELECT * FROM nowhere", "42P01"}, {"SELECT nope FROM p", "42703"}, {"SELECT nofunc(1)", "42883"},
			 {"SELECT abs(1, 2)", "42883"}, {"CREATE TABLE p(a)", "42P07"}, {"DROP INDEX nowhere", "42704"},
			 {"SELECT id FROM p, p AS q", "42702"}, {"INSERT INTO p VALUES (1)", "42601"}, {"SELECT sum(count(*)) FROM p", "42803"},
			 {"INSERT INTO s VALUES ('x')", "42804"}, {"INSERT INTO p(id, n) VALUES ('x', 1)", "42804"},
			 {"SELECT abs(-9223372036854775807 - 1)", "22003"}, {"SELECT json('{')", "22032"},
			 {"SELECT zeroblob(1000000000)", "54000"}, {"SELECT 1 ORDER BY 1 COLLATE nope", "42704"}}) {
		Failure const failure = fails(*session, sql);
		EXPECT_EQ(failure.sqlstate, sqlstate) << sql << ": " << failure.message;
		EXPECT_TRUE(session->reusable());
	}
	EXPECT_EQ(fails(*session, "SELECT 1 FRM p").message, "near \"p\": syntax error");
}

TEST_F(SqliteDriver, ReplacedFunctionsAreTheSame)
{
	auto const session = open();
	sqlite3   *plain = nullptr;
	ASSERT_EQ(sqlite3_open(":memory:", &plain), SQLITE_OK);
	std::vector<std::string> const values = {"NULL", "''", "'a'", "'aXbXaa'", "'X'", "'aa'", "'äöä'", "'ä'", "x''",
	                                         "x'6158'", "x'58'", "12341", "1.5", "'  a '", "' '", "'XbX'"};
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
		std::string       wanted;
		ASSERT_EQ(sqlite3_exec(plain, sql.c_str(),
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

TEST_F(SqliteDriver, LongSearchesEnd)
{
	auto const session = open();
	std::string const big = "printf('%.*c', 10000000, 'a')", needle = "printf('%.*c', 5000000, 'a') || 'b'";
	EXPECT_LT(seconds_of([&] {
		EXPECT_EQ(value(*session, "SELECT instr(" + big + ", " + needle + ")"), "int 0");
		EXPECT_EQ(value(*session, "SELECT length(replace(" + big + ", " + needle + ", 'x'))"), "int 10000000");
		EXPECT_NE(fails(*session, "SELECT trim(" + big + ", " + needle + ")").sqlstate, "00000");
	}), 20.0);
}

/* Rows, time, locks */

TEST_F(SqliteDriver, StreamsAMillionRows)
{
	auto const session = open();
	auto const cursor = session->execute(series, std::vector<Param>{number(1'000'000)}, {}, waiter_);
	Batch      batch;
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
	                                     " SELECT zeroblob(100000) FROM n", {}, options, waiter_);
	Batch       batch;
	std::size_t rows = 0, batches = 0;
	for (; cursor->fetch(batch, waiter_); rows += batch.rows(), ++batches)
		EXPECT_LE(batch.rows(), 11U);
	EXPECT_EQ(rows, 50U);
	EXPECT_GE(batches, 5U);
}

TEST_F(SqliteDriver, AbandonedCursorReleasesTheFile)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n");
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
	Failure      failure;
	double const seconds = seconds_of([&] { failure = fails(*session, endless, options); });
	EXPECT_EQ(failure.sqlstate, "57014");
	EXPECT_EQ(failure.kind, FailureKind::timeout);
	EXPECT_GE(seconds, 0.19);
	EXPECT_LT(seconds, 1.0);
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(value(*session, "SELECT 1"), "int 1");
	/* Also while rows stream. */
	options.fetch_rows = 10;
	auto const cursor = session->execute(series, std::vector<Param>{number(1'000'000'000)}, options, waiter_);
	Batch batch;
	EXPECT_EQ(failure_of([&] { while (cursor->fetch(batch, waiter_)) {} }).sqlstate, "57014");
}

TEST_F(SqliteDriver, InterruptEndsAStatement)
{
	auto const session = open();
	waiter_.interrupt_after(200);
	EXPECT_LT(seconds_of([&] { EXPECT_THROW(rows(*session, endless), Interrupted); }), 1.0);
	waiter_.clear();
	EXPECT_TRUE(session->reusable());

	rows(*session, "CREATE TABLE t(a)");
	waiter_.interrupt_after(200);
	EXPECT_THROW(rows(*session, "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"),
	             Interrupted);
	waiter_.clear();
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(value(*session, "SELECT count(*) FROM t"), "int 0");

	/* After the first row, inside one step that lasts. */
	auto const cursor = session->execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i IN (1, -1)",
	                                     {}, {}, waiter_);
	waiter_.interrupt_after(200);
	Batch batch;
	EXPECT_LT(seconds_of([&] { EXPECT_THROW(cursor->fetch(batch, waiter_), Interrupted); }), 1.0);
}

/* An interrupt that ends nothing, such as a request to log memory contexts. */
class HarmlessWaiter final : public core::Waiter {
public:
	unsigned wait(int, unsigned, core::Deadline) override { return 0; }
	bool     interrupted() const noexcept override { return pending; }
	void     serve() override
	{
		++served;
		pending = held;
	}
	bool pending = false, held = false;
	int  served = 0;
};

TEST_F(SqliteDriver, HarmlessInterruptsChangeNothing)
{
	auto const     session = open();
	HarmlessWaiter waiter;
	waiter.pending = true;
	auto         cursor = session->execute(series, std::vector<Param>{number(100'000)}, {}, waiter);
	Batch        batch;
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
	cursor = session->execute("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
	                          " SELECT i FROM n", {}, {}, waiter);
	EXPECT_EQ(cursor->affected(), 10'000);
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
			usleep(static_cast<useconds_t>(ms) * 1000);
			sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr);
			_exit(0);
		}
		char byte;
		[[maybe_unused]] auto const got = read(ready[0], &byte, 1);
		close(ready[0]);
		close(ready[1]);
	}
	~LockHolder() { waitpid(pid_, nullptr, 0); }

private:
	pid_t pid_;
};

TEST_F(SqliteDriver, WaitsForALockThroughTheWaiter)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	LockHolder const holder(home() / "a.db", 300);
	int const    waits = waiter_.waits();
	double const seconds = seconds_of([&] { rows(*session, "INSERT INTO t VALUES (1)"); });
	EXPECT_GE(seconds, 0.2);
	EXPECT_LT(seconds, 1.0);
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
	LockHolder const holder(home() / "a.db", 2500);
	RunOptions options;
	options.timeout_ms = 150;
	Failure failure;
	EXPECT_LT(seconds_of([&] { failure = fails(*session, "SELECT * FROM t", options); }), 1.0);
	EXPECT_EQ(failure.sqlstate, "55P03");
	EXPECT_EQ(failure.kind, FailureKind::timeout);
	waiter_.interrupt_after(150);
	EXPECT_LT(seconds_of([&] { EXPECT_THROW(rows(*session, "SELECT * FROM t"), Interrupted); }), 1.0);
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
