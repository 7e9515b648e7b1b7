/*
 * Which statements may be answered from the cache, and what answers are known by. Pure regime.
 */
#include <gtest/gtest.h>

#include "query/cacheable.pure.hpp"
#include "query/key.pure.hpp"
#include "query/writing.pure.hpp"

namespace tenancy::query {

namespace {

using remote::DatabaseType;
using remote::Param;
using remote::ParamView;

constexpr DatabaseType all[] = {DatabaseType::postgresql, DatabaseType::mysql, DatabaseType::sqlite};
constexpr DatabaseType pg = DatabaseType::postgresql, my = DatabaseType::mysql, lite = DatabaseType::sqlite;

TEST(Writing, IsToldByTheStatement)
{
	for (DatabaseType const type : all) {
		for (const char *sql :
		     {"DELETE FROM t RETURNING a", "/* why */ insert into t values (1)", "CALL p()", "REPLACE INTO t VALUES (1)",
		      "WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone", "EXPLAIN ANALYZE DELETE FROM t",
		      "(WITH x AS (UPDATE t SET a = 1 RETURNING a) SELECT * FROM x)", "MERGE INTO t USING u ON (t.a = u.a)"})
			EXPECT_TRUE(tells_to_write(type, sql)) << sql;
		for (const char *sql :
		     {"WITH RECURSIVE x AS (SELECT 1) SEARCH DEPTH FIRST BY id SET o DELETE FROM t RETURNING a",
		      "WITH RECURSIVE x AS (SELECT 1) CYCLE id SET c USING p UPDATE t SET a = 1 RETURNING a"})
			EXPECT_TRUE(tells_to_write(type, sql)) << sql;
		for (const char *sql : {"SELECT now(), a FROM t", "WITH x AS (SELECT 1) SELECT * FROM x", "VALUES (1)", "TABLE t",
		                        "SELECT a FROM t FOR UPDATE", "SELECT a FROM t FOR NO KEY UPDATE", "",
		                        "SELECT 'delete' -- update\n FROM t", "SELECT p.update, delete FROM p",
		                        "SELECT INSERT('a', 1, 2, 'x')", "WITH x AS (SELECT a AS insert FROM t FOR UPDATE) SELECT * FROM x", "(SELECT 1) UNION (SELECT 2)"})
			EXPECT_FALSE(tells_to_write(type, sql)) << sql;
	}
	EXPECT_TRUE(tells_to_write(my, "SELECT 1 /*!99999 x */"));
	EXPECT_TRUE(tells_to_write(lite, "WITH x AS (SELECT 1) REPLACE INTO t SELECT * FROM x RETURNING a"));
	EXPECT_FALSE(tells_to_write(lite, "WITH x AS (SELECT 1) SELECT (replace(a, 'x', 'y')) FROM x"));
}

TEST(Cacheable, PlainQueriesAre)
{
	for (const char *sql : {
			 "SELECT 1",
			 "select a, count(*) from t group by a order by 2 desc limit 5;",
			 "SELECT 1 -- and so on\n ; ",
			 "SELECT /* why */ x FROM t WHERE y IN (1, 2) AND (z > 3 OR z IS NULL)",
			 "WITH x AS (SELECT 1 AS n) SELECT * FROM x",
			 "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 5) SELECT sum(n) FROM x",
			 "(SELECT 1) UNION (SELECT 2)",
			 "SELECT sum(a) OVER (PARTITION BY b ORDER BY c) FROM t",
			 "SELECT t.user, 'it''s' FROM t",
			 "SELECT CAST(x AS varchar(10)), coalesce(y, 0) FROM (SELECT 1 AS x, 2 AS y) AS d(x, y)",
		 })
		for (DatabaseType const type : all)
			EXPECT_TRUE(is_cacheable(type, sql)) << sql << " on type " << static_cast<int>(type);
	EXPECT_TRUE(is_cacheable(pg, "SELECT x::numeric(10,2), pg_catalog.lower(y) FROM t WHERE z = $1"));
	EXPECT_TRUE(is_cacheable(pg, "SELECT count(*) FILTER (WHERE a > 1), j->>'k' FROM t"));
	EXPECT_TRUE(is_cacheable(pg, "SELECT date_trunc('month', placed) FROM orders"));
	EXPECT_TRUE(is_cacheable(my, "SELECT `a b`, year(d), unix_timestamp(d) FROM t WHERE x = ?"));
	EXPECT_TRUE(is_cacheable(lite, "SELECT [a b], strftime('%Y', d), date(d) FROM t WHERE x = ?1"));
}

TEST(Cacheable, WhatDoesMoreThanReadIsNot)
{
	for (const char *sql :
	     {"", ";", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "CREATE TABLE t (a int)", "BEGIN",
	      "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE t", "SELECT a INTO b FROM t", "SELECT a FROM t FOR UPDATE",
	      "SELECT a FROM t LOCK IN SHARE MODE", "EXPLAIN SELECT 1", "CALL p()", "SHOW TABLES",
	      "WITH w AS (DELETE FROM t RETURNING a) SELECT * FROM w", "SELECT f(1)", "SELECT \"f\"(1)",
	      "SELECT public.lower('A')"})
		for (DatabaseType const type : all)
			EXPECT_FALSE(is_cacheable(type, sql)) << sql << " on type " << static_cast<int>(type);
}

TEST(Cacheable, WhatDependsOnTheMomentIsNot)
{
	for (const char *sql :
	     {"SELECT now()", "SELECT CURRENT_DATE", "SELECT current_timestamp", "SELECT random()", "SELECT rand()",
	      "SELECT date 'today'", "SELECT 'NOW '", "SELECT ' yesterday'", "SELECT \"now\"",
	      "SELECT * FROM information_schema.tables", "SELECT current_user", "SELECT nextval('s')", "SELECT s.nextval"})
		for (DatabaseType const type : all)
			EXPECT_FALSE(is_cacheable(type, sql)) << sql << " on type " << static_cast<int>(type);
	EXPECT_TRUE(is_cacheable(pg, "SELECT 'nowhere', 'todays'"));
	EXPECT_TRUE(is_cacheable(pg, "SELECT DISTINCT ON (a) lower(b) FROM t AS x JOIN (SELECT 1) y (c) ON (a = c)"));
	for (const char *sql : {"SELECT x.a, t.b FROM t JOIN (SELECT a FROM u WHERE b IN (1, 2)) AS x ON (x.a = t.a)",
	                        "WITH x (n) AS (SELECT lower(a) FROM t) SELECT x.n, y.m FROM x, (VALUES (1)) y (m)",
	                        "SELECT u.a FROM ((SELECT 1 AS a) UNION (SELECT 2)) u WHERE lower(u.b) = 'x' ORDER BY u.a"})
		EXPECT_TRUE(is_cacheable(pg, sql)) << sql;
	for (const char *sql : {"SELECT x.current_setting FROM lower('timezone') AS x",
	                        "SELECT x.bump FROM unnest(a) x (y)",
	                        "SELECT \"x\".\"bump\" FROM generate_series(1, 2) \"x\"",
	                        "SELECT lower.bump FROM lower('a')",
	                        "SELECT x.bump FROM lower((SELECT 'a')) AS x",
	                        "SELECT x.bump FROM ROWS FROM (lower('a')) AS x",
	                        "SELECT (1).bump",
	                        "SELECT (born).age FROM p",
	                        "SELECT $1.bump",
	                        "SELECT a[1].\"bump\" FROM t",
	                        "SELECT user",
	                        "SELECT * FROM pg_stat_activity",
	                        "SELECT * FROM pg_catalog.pg_class",
	                        "SELECT age(d) FROM t",
	                        "SELECT txid_current()",
	                        "SELECT a FROM t TABLESAMPLE SYSTEM (1)",
	                        "SELECT current_setting('x')",
	                        "SELECT DISTINCT ON (a) clock_timestamp(), b FROM t",
	                        "SELECT DISTINCT ON (a) my_function(b) FROM t",
	                        "SELECT (1) OPERATOR(pg_catalog.+) my_function(2)",
	                        "SELECT 1 OPERATOR(s.+) 2"})
		EXPECT_FALSE(is_cacheable(pg, sql)) << sql;
	for (const char *sql :
	     {"SELECT @a", "SELECT @@version", "SELECT uuid()", "SELECT sleep(1)", "SELECT unix_timestamp()",
	      "SELECT utc_date", "SELECT {fn now()}", "SELECT * FROM performance_schema.threads", "SELECT found_rows()"})
		EXPECT_FALSE(is_cacheable(my, sql)) << sql;
	for (const char *sql : {"SELECT date()", "SELECT strftime('%s')", "SELECT strftime(lower('%Y'))",
	                        "SELECT unixepoch('subsec')", "SELECT changes()", "SELECT * FROM pragma_table_info('t')",
	                        "SELECT * FROM sqlite_master", "SELECT randomblob(4)"})
		EXPECT_FALSE(is_cacheable(lite, sql)) << sql;
}

/* What one engine takes for a comment or a string, and another for code. */
TEST(Cacheable, WhatCanBeReadInTwoWaysIsNot)
{
	EXPECT_FALSE(is_cacheable(my, "SELECT 1 /*! + sleep(1) */"));
	EXPECT_FALSE(is_cacheable(my, "SELECT 1 /*M! + sleep(1) */"));
	EXPECT_FALSE(is_cacheable(my, "SELECT 5--sleep(1)\n"));
	EXPECT_FALSE(is_cacheable(my, "SELECT 1 # comment"));
	EXPECT_FALSE(is_cacheable(my, "SELECT 'a\\' + sleep(1) + '"));
	EXPECT_FALSE(is_cacheable(pg, "SELECT 1 /* /* */ + f(1) /* */ */"));
	EXPECT_FALSE(is_cacheable(pg, "SELECT $$'$$ || f(1) || $$'$$"));
	EXPECT_FALSE(is_cacheable(pg, "SELECT E'\\x6eow'::date"));
	EXPECT_FALSE(is_cacheable(pg, "SELECT U&'!006eow' UESCAPE '!'"));
	EXPECT_FALSE(is_cacheable(pg, "SELECT 'n'\n'ow'::date"));
	EXPECT_FALSE(is_cacheable(pg, "SELECT `a`"));
	EXPECT_FALSE(is_cacheable(pg, "SELECT 1 -- \r , f(1)"));
	EXPECT_FALSE(is_cacheable(my, "SELECT /*+ X(`*/ 1, '`) */ sleep(1) -- ' FROM t"));
	EXPECT_FALSE(is_cacheable(my, "SELECT 1 --\x01 x\n, f(1)"));
	EXPECT_FALSE(is_cacheable(lite, "SELECT \xef\xbb\xbf"
	                                "current_timestamp"));
	EXPECT_FALSE(is_cacheable(lite, std::string_view("/*\0*/ SELECT 1", 14)));
	for (const char *sql : {"SELECT a, 1into b FROM t", "SELECT 1.into b FROM t", "SELECT 1e5into b FROM t"})
		for (DatabaseType const type : all)
			EXPECT_FALSE(is_cacheable(type, sql)) << sql << " on type " << static_cast<int>(type);
	for (DatabaseType const type : all)
		for (const char *sql : {"SELECT 'open", "SELECT \"open", "SELECT 1 /* open", "SELECT \\g", "SELECT 1\x01"})
			EXPECT_FALSE(is_cacheable(type, sql)) << sql;
}

TEST(Key, DiffersInEveryPart)
{
	Digest const base = digest_of({"a", "b"}, {1, 2}, {});
	EXPECT_EQ(base, digest_of({"a", "b"}, {1, 2}, {}));
	EXPECT_NE(base, digest_of({"ab", ""}, {1, 2}, {}));
	EXPECT_NE(base, digest_of({"a", "b", ""}, {1, 2}, {}));
	EXPECT_NE(base, digest_of({"a", "b"}, {2, 1}, {}));
	EXPECT_NE(digest_of({""}, {}, {}), digest_of({std::string_view()}, {}, {}));
	ParamView nothing, number, text;
	number.kind = Param::Kind::integer;
	text.kind = Param::Kind::text;
	text.text = "0";
	EXPECT_NE(base, digest_of({"a", "b"}, {1, 2}, {&nothing, 1}));
	EXPECT_NE(digest_of({}, {}, {&nothing, 1}), digest_of({}, {}, {&number, 1}));
	EXPECT_NE(digest_of({}, {}, {&number, 1}), digest_of({}, {}, {&text, 1}));
}

} // namespace

} // namespace tenancy::query
