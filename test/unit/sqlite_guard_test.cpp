/*
 * What statements may do in a SQLite database, and what they may not. Pure regime.
 */
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite_fixture.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test;

class SqliteGuard : public SqliteFixture {};

TEST_F(SqliteGuard, RefusesWhatLeavesTheDatabase)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	open("other.db");
	std::string const other = (home() / "other.db").string();
	for (const std::string &sql :
	     std::vector<std::string>{"ATTACH '" + other + "' AS o",
	                              "ATTACH ':memory:' AS o",
	                              "ATTACH '' AS o",
	                              "DETACH main",
	                              "VACUUM",
	                              "VACUUM INTO '" + other + ".copy'",
	                              "SELECT load_extension('/tmp/x.so')",
	                              "SELECT fts3_tokenizer('simple')",
	                              "SELECT fts3_tokenizer('x', x'4141414141414141')",
	                              "CREATE VIRTUAL TABLE v USING fts3(a)",
	                              "CREATE VIRTUAL TABLE v USING fts4(a)",
	                              "CREATE VIRTUAL TABLE v USING FTS3(a)",
	                              "CREATE VIRTUAL TABLE temp.v USING fts3(a)",
	                              "CREATE VIRTUAL TABLE temp.w USING fts5vocab(main, f, row)",
	                              "CREATE VIRTUAL TABLE TEMP.r USING rtree(id, a, b)",
	                              "CREATE VIRTUAL TABLE v USING fts3tokenize(simple)",
	                              "CREATE VIRTUAL TABLE v USING dbstat",
	                              "PRAGMA writable_schema = 1",
	                              "PRAGMA writable_schema",
	                              "PRAGMA query_only = off",
	                              "PRAGMA trusted_schema = 1",
	                              "PRAGMA temp_store_directory = '/tmp'",
	                              "PRAGMA data_store_directory = '/tmp'",
	                              "PRAGMA database_list",
	                              "PRAGMA journal_mode = off",
	                              "PRAGMA journal_mode(wal)",
	                              "PRAGMA mmap_size = 1000000",
	                              "PRAGMA locking_mode = exclusive",
	                              "PRAGMA user_version = 3",
	                              "PRAGMA foreign_keys = off",
	                              "PRAGMA integrity_check",
	                              "PRAGMA incremental_vacuum",
	                              "PRAGMA wal_checkpoint",
	                              "PRAGMA hard_heap_limit = 0",
	                              "PRAGMA soft_heap_limit = 1",
	                              "PRAGMA threads = 4",
	                              "PRAGMA no_such_pragma",
	                              "SELECT * FROM pragma_database_list",
	                              "SELECT sqlite_log(1, 'x')",
	                              "SELECT sqlite_compileoption_get(1)",
	                              "CREATE TEMP TABLE x(a)",
	                              "CREATE TEMP VIEW x AS SELECT 1",
	                              "CREATE TABLE temp.x(a)",
	                              "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
	                              "SELECT fts5(NULL)",
	                              "SELECT fts5_source_id()",
	                              "SELECT json_patch('{}', '{}')",
	                              "SELECT rtreecheck('main', 't')",
	                              "SELECT snippet(0) FROM t",
	                              "EXPLAIN ATTACH 'x' AS o",
	                              "CREATE VIEW v AS SELECT 1 WHERE load_extension('x')"}) {
		Failure const failure = fails(*session, sql);
		bool const at_use = sql.starts_with("CREATE VIEW"); /* a view is only looked at when it is used */
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

TEST_F(SqliteGuard, KeepsTheSchemaTableFromWriters)
{
	auto const session = open();
	rows(*session, "CREATE TABLE t(a)");
	for (const std::string sql : {"UPDATE sqlite_master SET sql = 'x'", "DELETE FROM sqlite_schema",
	                              "INSERT INTO sqlite_master DEFAULT VALUES"})
		EXPECT_NE(fails(*session, sql).sqlstate, "00000") << sql;
	EXPECT_EQ(value(*session, "SELECT count(*) FROM sqlite_master"), "int 1");
}

/* The modules believe what they find in there. */
TEST_F(SqliteGuard, KeepsShadowTablesFromWriters)
{
	auto const session = open();
	rows(*session, "CREATE VIRTUAL TABLE f USING fts5(body)");
	rows(*session, "INSERT INTO f VALUES ('quick fox')");
	rows(*session, "CREATE VIRTUAL TABLE r USING rtree(id, a, b)");
	rows(*session, "INSERT INTO r VALUES (1, 0, 2)");
	for (const std::string sql : {"UPDATE f_data SET block = x'00'", "DELETE FROM f_idx", "UPDATE f_config SET v = 9",
	                              "INSERT INTO f_docsize VALUES (7, x'ff')", "UPDATE r_node SET data = x'00'"})
		EXPECT_EQ(fails(*session, sql).sqlstate, "42809") << sql;
	EXPECT_EQ(value(*session, "SELECT body FROM f WHERE f MATCH 'fox'"), "text quick fox");
	EXPECT_EQ(value(*session, "SELECT id FROM r WHERE a < 1"), "int 1");
}

TEST_F(SqliteGuard, KeepsItsLimits)
{
	auto const repeated = [](const std::string &part, int times) {
		std::string text;
		for (int i = 0; i < times; ++i)
			text += part;
		return text;
	};
	struct {
		std::function<std::string(int)> statement;
		int fits, too_many;
		const char *sqlstate;
	} const cases[] = {
		{[&](int n) { return "SELECT " + repeated("1 + ", n) + "1"; }, 400, 600, "54000"},
		{[&](int n) { return "SELECT 1" + repeated(" UNION ALL SELECT 1", n) + " LIMIT 1"; }, 150, 300, "54000"},
		{[&](int n) { return "SELECT max(1" + repeated(", 1", n) + ")"; }, 90, 110, "54000"},
		{[&](int n) { return "SELECT 'x' LIKE '" + repeated("%a", n) + "'"; }, 100, 200, "54001"},
		{[&](int n) { return "SELECT length(zeroblob(" + std::to_string(n) + "))"; }, 60'000'000, 70'000'000, "54000"},
	};
	auto const session = open();
	for (auto const &each : cases) {
		std::string const sql = each.statement(each.fits);
		Failure const fitting = fails(*session, sql);
		EXPECT_EQ(fitting.sqlstate, "00000") << sql << ": " << fitting.message;
		Failure const refused = fails(*session, each.statement(each.too_many));
		EXPECT_EQ(refused.sqlstate, each.sqlstate) << sql << ": " << refused.message;
		EXPECT_TRUE(session->reusable());
	}
}

TEST_F(SqliteGuard, RefusesExplicitTransactions)
{
	auto const session = open();
	for (const std::string sql :
	     {"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE a", "END"}) {
		Failure const failure = fails(*session, sql);
		EXPECT_EQ(failure.sqlstate, "0A000") << sql;
		EXPECT_EQ(failure.detail, "Each statement is a transaction of its own.");
	}
	EXPECT_TRUE(session->reusable());
}

TEST_F(SqliteGuard, AllowsOrdinaryWork)
{
	auto const session = open();
	for (const std::string sql : {"CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT COLLATE NOCASE, g "
	                              "GENERATED ALWAYS AS (upper(n)))",
	                              "CREATE TABLE c(p REFERENCES p ON DELETE CASCADE, CHECK (p > 0))",
	                              "CREATE UNIQUE INDEX i ON p(lower(n))",
	                              "CREATE VIEW v AS SELECT n, count(*) AS k FROM p GROUP BY n",
	                              "CREATE TRIGGER tr AFTER INSERT ON p BEGIN INSERT INTO c VALUES (new.id); END",
	                              "INSERT INTO p(n) VALUES ('a'), ('b') ON CONFLICT DO NOTHING",
	                              "REPLACE INTO p(id, n) VALUES (1, 'x')",
	                              "UPDATE p SET n = 'y' WHERE id = 1",
	                              "DELETE FROM p WHERE id = 2",
	                              "ALTER TABLE p RENAME TO q",
	                              "ALTER TABLE q RENAME COLUMN n TO m",
	                              "ALTER TABLE q ADD COLUMN z DEFAULT 7",
	                              "ALTER TABLE q DROP COLUMN z",
	                              "ANALYZE",
	                              "REINDEX",
	                              "SELECT m, row_number() OVER (ORDER BY m) FROM q",
	                              "SELECT value FROM json_each('[1,2]')",
	                              "SELECT '{\"a\":1}' -> 'a', '{\"a\":1}' ->> 'a'",
	                              "SELECT date('now'), current_timestamp, strftime('%Y', 'now')",
	                              "SELECT sqrt(2), round(2.5), random() IS NULL",
	                              "PRAGMA table_info(q)",
	                              "PRAGMA TABLE_XINFO('q')",
	                              "PRAGMA foreign_key_list(c)",
	                              "PRAGMA index_list(q)",
	                              "SELECT * FROM pragma_table_info('q')",
	                              "SELECT * FROM pragma_index_info('i')",
	                              "PRAGMA user_version",
	                              "PRAGMA encoding",
	                              "PRAGMA table_list",
	                              "PRAGMA foreign_key_check",
	                              "PRAGMA schema_version",
	                              "EXPLAIN QUERY PLAN SELECT * FROM q",
	                              "EXPLAIN SELECT 1",
	                              "CREATE VIRTUAL TABLE f USING fts5(body)",
	                              "INSERT INTO f VALUES ('the quick brown fox')",
	                              "SELECT highlight(f, 0, '<', '>'), bm25(f) FROM f WHERE f MATCH 'quick'",
	                              "INSERT INTO f(f) VALUES ('optimize')",
	                              "DROP TABLE f",
	                              "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
	                              "INSERT INTO r VALUES (1, 0, 2)",
	                              "SELECT id FROM r WHERE a < 1",
	                              "DROP TABLE r",
	                              "DROP TRIGGER tr",
	                              "DROP VIEW v",
	                              "DROP INDEX i",
	                              "DROP TABLE c",
	                              "DROP TABLE q"}) {
		Failure const failure = fails(*session, sql);
		EXPECT_EQ(failure.sqlstate, "00000") << sql << ": " << failure.message;
	}
}

TEST_F(SqliteGuard, ReadOnlyReadsOnly)
{
	/* By SQLite's own idea of what a statement does, which is asked should the authorizer have missed a way. */
	auto const by_effect = [](const Failure &failure) {
		return failure.message.find("a statement that writes") != std::string::npos;
	};
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
		bool const schema = sql.find("sqlite_master") != std::string::npos; /* "may not be modified" by anybody */
		EXPECT_EQ(failure.sqlstate, schema ? "42809" : "25006") << sql << ": " << failure.message;
		EXPECT_EQ(failure.kind, FailureKind::query) << sql;
		EXPECT_FALSE(by_effect(failure)) << sql << ": " << failure.message;
	}
	/* One read-only statement of a session that may write, before and after the same text was allowed. */
	auto const writer = open();
	RunOptions reading;
	reading.read_only = true;
	Failure const failure = fails(*writer, "INSERT INTO t VALUES (1)", reading);
	EXPECT_EQ(failure.sqlstate, "25006");
	EXPECT_FALSE(by_effect(failure)) << failure.message;
	EXPECT_EQ(fails(*writer, "INSERT INTO t VALUES (1)").sqlstate, "00000");
	EXPECT_EQ(fails(*writer, "INSERT INTO t VALUES (1)", reading).sqlstate, "25006");
	EXPECT_EQ(value(*writer, "SELECT count(*) FROM t"), "int 1");
}

TEST_F(SqliteGuard, RunsExactlyOneStatement)
{
	auto const session = open();
	for (const std::string sql : {"SELECT 1; SELECT 2", "SELECT 1; DROP TABLE x", "SELECT 1;;-- x\n;SELECT",
	                              "SELECT 1;'", "SELECT 1; ATTACH 'x' AS y", "SELECT 1; \\"})
		EXPECT_EQ(fails(*session, sql).sqlstate, "42601") << sql;
	for (const std::string sql : {"", " ", "-- nothing", "/* nothing", ";"})
		EXPECT_EQ(fails(*session, sql).sqlstate, "42601") << sql;
	for (const std::string sql : {"SELECT 1;", "SELECT 1 ;; ; ", "SELECT 1; -- end", "SELECT 1; /* a ; b */ -- c",
	                              "SELECT 1 /* x", "/* a */ SELECT ';' AS \"a;b\""})
		EXPECT_EQ(fails(*session, sql).sqlstate, "00000") << sql;
	EXPECT_EQ(fails(*session, std::string_view("SELECT 1\0 + 1", 13)).sqlstate, "22021");
}

TEST_F(SqliteGuard, HasNoQuotedStrings)
{
	EXPECT_EQ(fails(*open(), "SELECT \"nothing\"").sqlstate, "42703");
}

} // namespace
