/*
 * What changed between two schemas, and which statements may change one. Pure regime.
 */
#include "catalog/compare.pure.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "catalog/define.pure.hpp"
#include "core/json.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::catalog;

Table
table_of(const char *schema, const char *name, std::initializer_list<const char *> columns)
{
	Table table;
	table.schema = schema;
	table.name = name;
	table.kind = "table";
	for (const char *const column : columns)
		table.columns.push_back({column, "integer", "int", true, false, {}, {}, {}});
	return table;
}

std::string
told(const Schema &before, const Schema &after)
{
	std::string text;
	for (const Change &change : changes_between(before, after)) {
		text += std::string(change.change) + " " + change.schema + "." + change.table;
		text += (change.column ? "." + *change.column : "") + " " + change.what;
		if (change.before || change.after)
			text += " " + change.before.value_or("-") + " > " + change.after.value_or("-");
		text += "\n";
	}
	return text;
}

TEST(CatalogCompare, LeavesOutNamesAndValuesThatHaveBecomeOthers)
{
	Schema original;
	original.tables = {table_of("s", "a", {"id", "no\xd1", "text"}), table_of("s", "b\xd1", {"id"})};
	Table &table = original.tables[0];
	table.comment = "of \xd1";
	table.columns[2].values = {"x", "y\xd1"};
	table.primary_key = {"id", "no\xd1"};
	table.foreign_keys = {{"good", {"id"}, "s", "a", {"id"}},
	                      {"own", {"no\xd1"}, "s", "a", {"id"}},
	                      {"its", {"id"}, "s", "a", {"no\xd1"}},
	                      {"there", {"id"}, "s", "b\xd1", {"id"}}};
	table.indexes = {{"good", true, {"id"}}, {"no", false, {"id", "no\xd1"}}, {"name\xd1", false, {"id"}}};
	std::string changed = to_json(original);
	std::ranges::replace(changed, '\xd1', '?');
	Schema const schema = without_other_names(parse_schema(changed), original);
	ASSERT_EQ(schema.tables.size(), 1u);
	Table const &kept = schema.tables[0];
	EXPECT_EQ(kept.comment, "of ?");
	ASSERT_EQ(kept.columns.size(), 2u);
	EXPECT_EQ(kept.columns[1].name, "text");
	EXPECT_EQ(kept.columns[1].values, std::vector<std::string>{"x"});
	EXPECT_TRUE(kept.primary_key.empty());
	ASSERT_EQ(kept.foreign_keys.size(), 1u);
	EXPECT_EQ(kept.foreign_keys[0].name, "good");
	ASSERT_EQ(kept.indexes.size(), 1u);
	EXPECT_EQ(kept.indexes[0].name, "good");
}

TEST(CatalogChanges, AreNoneBetweenEqualSchemas)
{
	Schema schema;
	schema.tables.push_back(table_of("s", "t", {"a", "b"}));
	Schema other = schema;
	other.server_version = "next";
	other.tables[0].row_estimate = 7;
	other.tables[0].columns[0].values = {"x"};
	EXPECT_EQ(told(schema, other), "");
	EXPECT_EQ(told({}, {}), "");
	EXPECT_EQ(changes_json({}), "[]");
}

TEST(CatalogChanges, AreOfTablesAndColumns)
{
	Schema before, after;
	before.tables = {table_of("a", "gone", {"x"}), table_of("a", "kept", {"one", "two"}), table_of("z", "last", {})};
	after.tables = {table_of("a", "fresh", {"x"}), table_of("a", "kept", {"two", "three"}), table_of("y", "last", {})};
	Column &two = after.tables[1].columns[0];
	two.type = "bigint";
	two.native_type = "int8";
	two.nullable = false;
	two.default_value = "0";
	two.comment = "c";
	EXPECT_EQ(told(before, after), "added a.fresh table\n"
	                               "dropped a.gone table\n"
	                               "changed a.kept.two type integer > bigint\n"
	                               "changed a.kept.two native_type int > int8\n"
	                               "changed a.kept.two nullable true > false\n"
	                               "changed a.kept.two default - > 0\n"
	                               "changed a.kept.two comment - > c\n"
	                               "added a.kept.three column\n"
	                               "dropped a.kept.one column\n"
	                               "added y.last table\n"
	                               "dropped z.last table\n");
}

TEST(CatalogChanges, AreOfKeysAndIndexes)
{
	Schema before, after;
	before.tables = {table_of("s", "t", {"a", "b"})};
	after.tables = {table_of("s", "t", {"a", "b"})};
	before.tables[0].primary_key = {"a"};
	after.tables[0].primary_key = {"a", "b"};
	before.tables[0].foreign_keys = {{"k", {"a"}, "s", "u", {"x"}}};
	after.tables[0].foreign_keys = {{"k", {"a"}, "s", "v", {"x"}}};
	before.tables[0].indexes = {{"i", false, {"a"}}, {"j", false, {"b"}}};
	after.tables[0].indexes = {{"i", true, {"a"}}, {"n", false, {"b"}}};
	EXPECT_EQ(told(before, after), "changed s.t primary_key a > a, b\n"
	                               "changed s.t foreign_key k: a -> s.u(x) > k: a -> s.v(x)\n"
	                               "changed s.t index i: (a) > i: unique (a)\n"
	                               "added s.t index - > n: (b)\n"
	                               "dropped s.t index j: (b) > -\n");
}

TEST(CatalogChanges, AreWrittenAsJsonUpToALimit)
{
	Schema after;
	for (int i = 0; i < 2000; ++i)
		after.tables.push_back(table_of("s", ("t\"" + std::to_string(10'000 + i)).c_str(), {}));
	std::string const changes = changes_json(changes_between({}, after));
	EXPECT_TRUE(core::json::is_valid(changes));
	EXPECT_NE(changes.find("t\\\"10999"), std::string::npos);
	EXPECT_EQ(changes.find("t\\\"11000"), std::string::npos);
	std::string const document = document_of(after, 3, "2026-01-02T03:04:05+00:00", changes);
	EXPECT_TRUE(core::json::is_valid(document));
	EXPECT_EQ(parse_schema(document).tables.size(), 2000u);
	EXPECT_NE(document.find("\"version\":3,\"detected_at\":\"2026-01-02T03:04:05+00:00\",\"changes\":[{"),
	          std::string::npos);
}

TEST(CatalogDefinitions, AreKnownByTheirFirstWord)
{
	for (std::string_view const sql :
	     {"CREATE TABLE t (a int)", "create\ntable t", " -- x\n /* y */ ( ALTER TABLE t", "/*!50000 DROP TABLE t */",
	      "/*M!100100 DROP TABLE t */", ";;drop table t", "# x\nTRUNCATE t", "DO $$ BEGIN END $$", "CALL p()",
	      "SELECT * INTO t FROM u", "WITH a AS (SELECT 1) SELECT 1 INTO t",
	      "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1", "RENAME TABLE a TO b", "grant select on t to u",
	      "COMMENT ON TABLE t IS 'x'", "/* a /* b */ c */ DROP TABLE t", "-- x\rDROP TABLE t",
	      "/* a /* b */ DROP TABLE t"})
		EXPECT_TRUE(may_define(sql)) << sql;
	for (std::string_view const sql :
	     {"", " ", "--", "/*", "/* CREATE", "-- CREATE TABLE t", "SELECT 1", "SELECT pinto, into_it FROM t",
	      "INSERT INTO t VALUES (1)", "creates", "created_at", "'CREATE'", "UPDATE t SET a = 1",
	      "creative_and_very_long_word", "EXPLAIN SELECT 1", "1 CREATE"})
		EXPECT_FALSE(may_define(sql)) << sql;
	std::string const deep = "/*" + std::string(1'000'000, '*') + "*/" + std::string(1'000'000, '(') + "drop table t";
	EXPECT_TRUE(may_define(deep));
}

} // namespace
