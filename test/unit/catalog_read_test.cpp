/*
 * What a hostile client database can make of its schema: a session that answers each question with rows of the test.
 * Pure regime.
 */
#include "catalog/read.pure.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/json.hpp"
#include "fake_session.hpp"
#include "remote/text.hpp"
#include "waiter.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::catalog;
using core::FailureKind;
using remote::DatabaseType;

using test::Answers;
using test::FakeSession;
using test::Row;
using test::Rows;

Schema
read(DatabaseType engine, Answers &answers, bool values = false)
{
	FakeSession session(answers);
	test::PollWaiter waiter;
	return read_schema(session, {engine, "shop", values}, {}, waiter);
}

/* A row of the statement for PostgreSQL's columns. */
Row
pg_column(std::string table, std::string column, std::optional<std::string> comment = {})
{
	return {"public", std::move(table), "r",    comment, {}, std::move(column), {}, {}, "text", "f",
	        "f",      comment,          comment};
}

TEST(CatalogRead, CleansWhatTheServerSays)
{
	std::string const zero("a\0b", 3), broken = "caf\xe9 \xf0\x9f", large(10'000'000, 'x');
	Answers answers;
	answers.version = "\xff";
	answers.rows = {{"col_description",
	                 {pg_column("good", "a", zero),
	                  pg_column("good", "b", broken),
	                  pg_column("good", "c", large),
	                  pg_column("good", "d\xff"),
	                  pg_column("good", zero),
	                  pg_column("good", ""),
	                  pg_column("bad\xff", "a"),
	                  pg_column(zero, "a"),
	                  pg_column("", "a"),
	                  pg_column(std::string(2000, 't'), "a"),
	                  {"public", "good", {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}}}};
	Schema const schema = read(DatabaseType::postgresql, answers);
	ASSERT_EQ(schema.tables.size(), 1u);
	Table const &table = schema.tables[0];
	ASSERT_EQ(table.columns.size(), 3u);
	EXPECT_EQ(table.columns[0].comment, "a\xef\xbf\xbd"
	                                    "b");
	EXPECT_EQ(table.columns[1].comment, "caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd");
	EXPECT_EQ(table.columns[2].comment, std::string(1000, 'x') + "…");
	std::string const document = to_json(schema);
	EXPECT_TRUE(core::json::is_valid(document));
	EXPECT_TRUE(remote::is_utf8(document));
	EXPECT_EQ(to_json(parse_schema(document)), document);
}

/* Each statement of an engine, answered with rows of another width. */
TEST(CatalogRead, RefusesRowsOfAnotherWidth)
{
	std::pair<DatabaseType, std::string> const asked[] = {
		{DatabaseType::postgresql, "col_description"},      {DatabaseType::postgresql, "k.contype"},
		{DatabaseType::postgresql, "indisunique"},          {DatabaseType::postgresql, "current_schema"},
		{DatabaseType::mysql, "information_schema.TABLES"}, {DatabaseType::mysql, "information_schema.COLUMNS"},
		{DatabaseType::mysql, "CHECK_CONSTRAINTS"},         {DatabaseType::mysql, "STATISTICS"},
		{DatabaseType::mysql, "KEY_COLUMN_USAGE"}};
	for (auto const &[engine, part] : asked)
		for (std::size_t const width : {0, 30}) {
			Answers answers;
			answers.version = "11.4-MariaDB";
			answers.rows = {{part, {Row(width, "a")}}};
			test::expect_sqlstate([&, of = engine] { read(of, answers); }, "08P01", part);
		}
}

TEST(CatalogRead, TakesSoMuchAndNoMore)
{
	Answers answers;
	Rows &rows = answers.rows.emplace_back("col_description", Rows{}).second;
	for (int i = 0; i < 6000; ++i)
		rows.push_back(pg_column("wide", "c" + std::to_string(i)));
	EXPECT_EQ(read(DatabaseType::postgresql, answers).tables.at(0).columns.size(), 5000u);

	auto const state = [&answers] {
		try {
			(void) read(DatabaseType::postgresql, answers);
		} catch (const core::Error &error) {
			return std::string(error.sqlstate);
		}
		return std::string("read");
	};
	rows.clear();
	for (int i = 0; i < 50'001; ++i)
		rows.push_back(pg_column("t" + std::to_string(i), "c"));
	EXPECT_EQ(state(), "54000");
	rows.clear();
	for (int i = 0; i < 200'001; ++i)
		rows.push_back(pg_column("t" + std::to_string(i / 4000), "c" + std::to_string(i)));
	EXPECT_EQ(state(), "54000");
	rows.clear();
	for (int i = 0; i < 40'000; ++i)
		rows.push_back(pg_column("t" + std::to_string(i / 4000), "c" + std::to_string(i), std::string(1000, 'x')));
	EXPECT_EQ(state(), "54000");
}

TEST(CatalogRead, CountsWhatKeysSay)
{
	Answers answers;
	Rows &columns = answers.rows.emplace_back("col_description", Rows{}).second;
	for (int i = 0; i < 40; ++i)
		columns.push_back(pg_column("t" + std::to_string(i), "c"));
	auto const state = [&answers](const char *part, Rows rows) {
		answers.rows.resize(1);
		answers.rows.emplace_back(part, std::move(rows));
		try {
			(void) read(DatabaseType::postgresql, answers);
		} catch (const core::Error &error) {
			return std::string(error.sqlstate);
		}
		return std::string("read");
	};
	Rows far, many;
	for (int i = 0; i < 40'000; ++i)
		far.push_back({"public", "t" + std::to_string(i / 1000), "f", "k" + std::to_string(i), "c", "public",
		               std::string(1000, 't'), "c"});
	EXPECT_EQ(state("pg_constraint", std::move(far)), "54000");
	for (int i = 0; i < 500'001; ++i)
		many.push_back({"public", "t" + std::to_string(i / 100'000), std::to_string(i / 100), "f", "c"});
	EXPECT_EQ(state("pg_get_indexdef", std::move(many)), "54000");
}

/* Keys that name no columns of the other table have as many bytes as its primary key. */
TEST(CatalogRead, CountsThePrimaryKeysThatKeysReferTo)
{
	Answers answers;
	answers.rows = {{"col_description", {}}, {"pg_constraint", {}}};
	Rows &columns = answers.rows[0].second, &keys = answers.rows[1].second;
	for (int i = 0; i < 100; ++i) {
		std::string const column = std::to_string(i), wide = column + std::string(1000, 'w');
		columns.push_back(pg_column("a", column));
		columns.push_back(pg_column("b", wide));
		keys.push_back({"public", "b", "p", "pk", wide, {}, {}, {}});
	}
	for (int i = 0; i < 40'000; ++i)
		keys.push_back({"public", "a", "f", std::to_string(i / 100), std::to_string(i % 100), "public", "b", {}});
	test::expect_sqlstate([&] { read(DatabaseType::postgresql, answers); }, "54000", "large keys");
	keys.resize(100 + 10'000);
	EXPECT_EQ(read(DatabaseType::postgresql, answers).tables.at(0).foreign_keys.size(), 100u);
}

TEST(CatalogRead, DropsKeysThatReferToNoName)
{
	Answers answers;
	answers.rows = {{"col_description", {pg_column("a", "x"), pg_column("b", "x")}}, {"pg_constraint", {}}};
	Rows &keys = answers.rows.back().second;
	for (const std::string &bad : {std::string(2000, 't'), std::string("b\0", 2), std::string("b\xff"), std::string()})
		for (int i = 0; i < 500; ++i) {
			keys.push_back({"public", "a", "f", "t" + std::to_string(keys.size()), "x", "public", bad, "x"});
			keys.push_back({"public", "a", "f", "s" + std::to_string(keys.size()), "x", bad, "b", "x"});
		}
	keys.push_back({"public", "a", "f", "caf\xe9", "x", "public", "b", "x"});
	keys.push_back({"public", "a", "f", "good", "x", "public", "b", "x"});
	Schema const schema = read(DatabaseType::postgresql, answers);
	ASSERT_EQ(schema.tables.at(0).foreign_keys.size(), 1u);
	EXPECT_EQ(schema.tables[0].foreign_keys[0].name, "good");
}

/* test/t/120_catalog.py has them made by a server that knows them; older ones do not have the column. */
TEST(CatalogRead, LeavesTemporalKeysOut)
{
	Answers answers;
	(void) read(DatabaseType::postgresql, answers);
	EXPECT_TRUE(std::ranges::any_of(answers.asked, [](const std::string &sql) {
		return sql.find("to_jsonb(k) ->> 'conperiod', 'false') = 'false'") != sql.npos;
	}));
}

TEST(CatalogRead, KeepsKeysBetweenTheColumnsThatItShows)
{
	Answers answers;
	answers.rows = {{"col_description", {pg_column("a", "x"), pg_column("a", "y"), pg_column("b", "x")}},
	                {"pg_constraint",
	                 {{"public", "a", "p", "pk", "x", {}, {}, {}},
	                  {"public", "a", "f", "good", "y", "public", "b", "x"},
	                  {"public", "a", "f", "hidden", "z", "public", "b", "x"},
	                  {"public", "a", "f", "gone", "y", "public", "c", "x"},
	                  {"public", "b", "f", "half", "x", "public", "a", {}},
	                  {"public", "b", "p", "pk", "no", {}, {}, {}},
	                  {"public", "nowhere", "p", "pk", "x", {}, {}, {}}}},
	                {"pg_get_indexdef", {{"public", "a", "i", "t", "lower(y)"}, {"public", "a", "i", "t", "x"}}}};
	Schema const schema = read(DatabaseType::postgresql, answers);
	ASSERT_EQ(schema.tables.size(), 2u);
	EXPECT_EQ(schema.tables[0].primary_key, std::vector<std::string>{"x"});
	ASSERT_EQ(schema.tables[0].foreign_keys.size(), 1u);
	EXPECT_EQ(schema.tables[0].foreign_keys[0].name, "good");
	EXPECT_TRUE(schema.tables[1].primary_key.empty());
	/* Without a referenced column, it is the primary key. */
	ASSERT_EQ(schema.tables[1].foreign_keys.size(), 1u);
	EXPECT_EQ(schema.tables[1].foreign_keys[0].referenced_columns, std::vector<std::string>{"x"});
	ASSERT_EQ(schema.tables[0].indexes.size(), 1u);
	EXPECT_EQ(schema.tables[0].indexes[0].columns, (std::vector<std::string>{"lower(y)", "x"}));
}

/* A name is that of a column in the same letters, else of one in others. */
TEST(CatalogRead, PrefersTheColumnsOwnSpelling)
{
	Answers answers;
	answers.rows = {{"col_description", {pg_column("a", "Id"), pg_column("a", "id"), pg_column("b", "Ref")}},
	                {"pg_constraint",
	                 {{"public", "a", "p", "pk", "id", {}, {}, {}},
	                  {"public", "b", "f", "k1", "REF", "public", "a", "id"},
	                  {"public", "b", "f", "k2", "Ref", "public", "a", "ID"},
	                  {"public", "b", "f", "k3", "Ref", "public", "a", "idx"}}}};
	Schema const schema = read(DatabaseType::postgresql, answers);
	ASSERT_EQ(schema.tables.size(), 2u);
	EXPECT_EQ(schema.tables[0].primary_key, std::vector<std::string>{"id"});
	std::vector<ForeignKey> const &keys = schema.tables[1].foreign_keys;
	ASSERT_EQ(keys.size(), 2u);
	EXPECT_EQ(keys[0].columns, std::vector<std::string>{"Ref"});
	EXPECT_EQ(keys[0].referenced_columns, std::vector<std::string>{"id"});
	EXPECT_EQ(keys[1].columns, std::vector<std::string>{"Ref"});
	EXPECT_EQ(keys[1].referenced_columns, std::vector<std::string>{"Id"});
}

TEST(CatalogRead, CanBeInterruptedWhenAllIsRead)
{
	Answers answers;
	answers.rows = {{"col_description", {pg_column("a", "x"), pg_column("b", "x")}}};
	FakeSession session(answers);
	test::PollWaiter waiter;
	waiter.interrupt();
	EXPECT_THROW(read_schema(session, {DatabaseType::postgresql, "shop", false}, {}, waiter), test::Interrupted);
}

TEST(CatalogRead, ReadsWhatMariaDbAndMySqlSpellDifferently)
{
	auto const columns_of = [](const char *version) {
		Answers answers;
		answers.version = version;
		answers.rows = {
			{"information_schema.COLUMNS",
		     {{"t", "a", "VARCHAR", "VARCHAR(10)", "YES", "", "NULL", "", ""},
		      {"t", "b", "bigint", "bigint(20) unsigned", "NO", "", "'x'", {}, "note"},
		      {"t", "c", "int", "int(11)", "YES", "VIRTUAL GENERATED", {}, "(a + 1)", ""},
		      {"t", "d", "enum", "ENUM('A','b')", "YES", "", {}, "", ""},
		      {"other", "a", "int", "int", "NO", "", {}, "", ""}}},
			{"information_schema.TABLES", {{"t", "BASE TABLE", "12", ""}, {"s", "SEQUENCE", "1", ""}}},
			{"information_schema.STATISTICS",
		     {{"t", "PRIMARY", "0", "b", {}}, {"t", "u", "0", "a", {}}, {"t", "e", "1", {}, "lower(`a`)"}}}};
		Schema const schema = read(DatabaseType::mysql, answers);
		EXPECT_EQ(schema.default_schema, "shop");
		EXPECT_EQ(schema.tables.size(), 1u);
		EXPECT_EQ(schema.tables[0].row_estimate, 12);
		EXPECT_EQ(schema.tables[0].primary_key, std::vector<std::string>{"b"});
		EXPECT_EQ(schema.tables[0].indexes.size(), 2u);
		EXPECT_TRUE(schema.tables[0].indexes[1].unique);
		bool const asks_expressions = std::ranges::any_of(answers.asked, [](const std::string &sql) {
			return sql.find("EXPRESSION, 1001)  FROM") != sql.npos || sql.find("LEFT(EXPRESSION, 1001)") != sql.npos;
		});
		EXPECT_EQ(asks_expressions, std::string_view(version) == "8.0.36");
		return schema.tables[0].columns;
	};
	std::vector<Column> const maria = columns_of("10.11.6-MariaDB"), mysql = columns_of("8.0.36");
	(void) columns_of("5.7.44");
	ASSERT_EQ(maria.size(), 4u);
	EXPECT_FALSE(maria[0].default_value);
	EXPECT_EQ(mysql[0].default_value, "'NULL'");
	EXPECT_EQ(maria[1].type, "numeric(20,0)");
	EXPECT_EQ(maria[1].comment, "note");
	EXPECT_FALSE(maria[1].nullable);
	EXPECT_TRUE(maria[2].generated);
	EXPECT_EQ(maria[2].default_value, "(a + 1)");
	EXPECT_EQ(maria[3].native_type, "enum('A','b')");
	EXPECT_EQ(maria[3].type, "text");
}

TEST(CatalogRead, AsksForValuesOnceAndKeepsSmallSets)
{
	Answers answers;
	answers.rows = {{"col_description", {pg_column("a\"b", "x\"y"), pg_column("a\"b", "z")}}, {"UNION ALL", {}}};
	Schema const schema = read(DatabaseType::postgresql, answers, true);
	EXPECT_EQ(answers.asked.size(), 5u);
	EXPECT_NE(answers.asked.back().find("FROM \"public\".\"a\"\"b\" LIMIT"), std::string::npos);
	EXPECT_NE(answers.asked.back().find("CAST(\"x\"\"y\" AS"), std::string::npos);
	EXPECT_TRUE(schema.tables.at(0).columns.at(0).values.empty());
}

TEST(CatalogRead, KeepsTheSchemaWhenItsValuesCannotBeRead)
{
	Answers answers;
	answers.rows = {{"col_description", {pg_column("a", "x"), pg_column("a", "y")}}};
	answers.refused = "SELECT DISTINCT s.v";
	for (FailureKind const kind :
	     {FailureKind::query, FailureKind::timeout, FailureKind::database, FailureKind::denied}) {
		answers.refusal = kind;
		Schema const schema = read(DatabaseType::postgresql, answers, true);
		EXPECT_NE(answers.asked.back().find(answers.refused), std::string::npos);
		ASSERT_EQ(schema.tables.size(), 1u);
		ASSERT_EQ(schema.tables[0].columns.size(), 2u);
		EXPECT_TRUE(schema.tables[0].columns[0].values.empty());
	}
	answers.refusal = FailureKind::lost;
	test::expect_sqlstate([&] { read(DatabaseType::postgresql, answers, true); }, "22021", "a connection that breaks");
	answers.refused = "col_description";
	test::expect_sqlstate([&] { read(DatabaseType::postgresql, answers, true); }, "22021", "the schema itself");
}

TEST(CatalogRead, KeepsTheSchemaWhenAViewOfSqliteCannotBeRead)
{
	Answers answers;
	answers.rows = {{"pragma_table_list", {{"t", "table", "0"}, {"v", "virtual", "0"}}},
	                {"FROM sqlite_schema AS m JOIN pragma_table_xinfo", {{"t", "a", "text", "0", "0", "0", {}}}}};
	answers.refused = "FROM pragma_table_xinfo(?1)";
	for (FailureKind const kind : {FailureKind::query, FailureKind::database, FailureKind::denied}) {
		answers.refusal = kind;
		Schema const schema = read(DatabaseType::sqlite, answers);
		ASSERT_EQ(schema.tables.size(), 2u);
		EXPECT_EQ(schema.tables[0].columns.size(), 1u);
		EXPECT_TRUE(schema.tables[1].columns.empty());
	}
	answers.refusal = FailureKind::timeout;
	test::expect_sqlstate([&] { read(DatabaseType::sqlite, answers); }, "22021", "no time left for the rest");
}

/* Where the server folds names, the connection may spell its database as it likes. */
TEST(CatalogRead, KeepsTheKeysOfADatabaseThatIsSpelledOtherwise)
{
	Answers answers;
	answers.version = "11.4-MariaDB";
	answers.rows = {
		{"information_schema.COLUMNS",
	     {{"a", "x", "int", "int", "YES", "", {}, "", ""}, {"b", "x", "int", "int", "YES", "", {}, "", ""}}},
		{"information_schema.TABLES", {{"a", "BASE TABLE", "1", ""}, {"b", "BASE TABLE", "1", ""}}},
		{"KEY_COLUMN_USAGE", {{"b", "k", "x", "SHOP", "a", "x", "1"}, {"b", "l", "x", "shops", "a", "x", "1"}}}};
	Schema schema = read(DatabaseType::mysql, answers);
	ASSERT_EQ(schema.tables.size(), 2u);
	ASSERT_EQ(schema.tables[1].foreign_keys.size(), 1u);
	EXPECT_EQ(schema.tables[1].foreign_keys[0].name, "k");
	EXPECT_EQ(schema.tables[1].foreign_keys[0].schema, "shop");
	for (Row &key : answers.rows.back().second)
		key.back() = "0";
	schema = read(DatabaseType::mysql, answers);
	EXPECT_TRUE(schema.tables.at(1).foreign_keys.empty()) << "the database of another name";
}

} // namespace
