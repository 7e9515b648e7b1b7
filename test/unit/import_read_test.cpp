/*
 * What a hostile client database can make of an import: too much, too long, too few columns. Pure regime.
 */
#include "fdw/import.pure.hpp"

#include <gtest/gtest.h>

#include "fake_session.hpp"
#include "waiter.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::fdw;
using remote::DatabaseType;
using test::Answers;
using test::FakeSession;
using test::Row;
using test::Rows;

ImportedSchema
read(DatabaseType engine, Answers &answers, const std::vector<std::string> &names = {})
{
	FakeSession session(answers);
	test::PollWaiter waiter;
	ImportRequest request;
	request.schema = engine == DatabaseType::sqlite ? "main" : "shop";
	request.which = names.empty() ? ImportRequest::Which::all : ImportRequest::Which::listed;
	for (const std::string &name : names)
		request.add(name);
	return read_schema(session, engine, request, {}, waiter);
}

TEST(ImportRead, LeavesOutATableWithALongName)
{
	std::string const name(1025, 'a');
	Answers answers;
	answers.rows = {
		{"pragma_table_list", {{name, "table", "0", "0", "CREATE TABLE"}, {"b", "table", "0", "0", "CREATE TABLE"}}},
		{"pragma_table_xinfo(m.name)",
	     {{name, "x", "text", "0", "0", "0", "0", "0"}, {"b", "x", "text", "0", "0", "0", "0", "0"}}}};
	ImportedSchema const schema = read(DatabaseType::sqlite, answers);
	ASSERT_EQ(schema.tables.size(), 1u);
	EXPECT_EQ(schema.tables[0].name, "b");
	EXPECT_EQ(schema.warnings, std::vector<std::string>{"a table is left out: its name is too long"});

	answers.rows = {{"information_schema.TABLES", {{name, "BASE TABLE"}, {"b", "BASE TABLE"}}}};
	EXPECT_EQ(read(DatabaseType::mysql, answers).warnings.size(), 1u);
}

TEST(ImportRead, RefusesRowsOfAnotherWidth)
{
	std::pair<DatabaseType, std::string> const asked[] = {
		{DatabaseType::postgresql, "pg_attribute"},
		{DatabaseType::postgresql, "SELECT 1 FROM pg_catalog.pg_namespace"},
		{DatabaseType::mysql, "information_schema.COLUMNS"},
		{DatabaseType::mysql, "CHECK_CONSTRAINTS"},
		{DatabaseType::mysql, "STATISTICS"}};
	for (auto const &[engine, part] : asked)
		for (std::size_t const width : {0, 30}) {
			Answers answers;
			answers.version = "11.4-MariaDB";
			answers.rows = {{part, {Row(width, "a")}}, {"information_schema.TABLES", {{"a", "BASE TABLE"}}}};
			test::expect_sqlstate([&, of = engine] { read(of, answers); }, "08P01", part);
		}
	Answers answers;
	answers.rows = {{"information_schema.TABLES", {{"a"}}}};
	test::expect_sqlstate([&] { read(DatabaseType::mysql, answers); }, "08P01", "TABLES");
}

/* Each of the tables' names is as long as one may be. */
std::string
long_name(int number)
{
	std::string name = std::to_string(number);
	return name + std::string(1024 - name.size(), 'n');
}

TEST(ImportRead, TakesSoManyTablesOfMysqlAndNoMore)
{
	Answers answers;
	Rows &tables = answers.rows.emplace_back("information_schema.TABLES", Rows{}).second;
	for (int i = 0; i < 10'000; ++i)
		tables.push_back({long_name(i), "BASE TABLE"});
	EXPECT_EQ(read(DatabaseType::mysql, answers).tables.size(), 0u); /* without columns */
	tables.push_back({"more", "BASE TABLE"});
	test::expect_sqlstate([&] { read(DatabaseType::mysql, answers); }, "54000", "tables");
	EXPECT_EQ(read(DatabaseType::mysql, answers, {"more"}).warnings.size(), 0u);
}

TEST(ImportRead, TakesSoManyBytesOfNamesAndNoMore)
{
	constexpr int rows = 70'000; /* of a thousand bytes */
	for (const std::string part : {"STATISTICS", "CHECK_CONSTRAINTS"}) {
		Answers answers;
		answers.version = "11.4-MariaDB";
		answers.rows = {{"information_schema.TABLES", {{"a", "BASE TABLE"}}}};
		Rows &columns = answers.rows.emplace_back(part, Rows{}).second;
		for (int i = 0; i < rows; ++i) {
			std::string const name = long_name(i);
			columns.push_back({"a", name});
			if (part == "CHECK_CONSTRAINTS")
				columns.back().push_back("json_valid(`" + name + "`)");
		}
		test::expect_sqlstate([&] { read(DatabaseType::mysql, answers); }, "54000", part);
	}
	Answers answers;
	Rows &columns = answers.rows.emplace_back("pg_attribute", Rows{}).second;
	for (int i = 0; i < rows; ++i)
		columns.push_back({"t" + std::to_string(i / 1000), "r", long_name(i), "25", "-1", "b", "text", "f", "f", "f",
		                   "f", "f", "default", "UTF8"});
	test::expect_sqlstate([&] { read(DatabaseType::postgresql, answers); }, "54000", "columns");
}

TEST(ImportRead, KeepsSoMuchTextOfSqliteAndNoMore)
{
	constexpr int tables = 70; /* of a million bytes */
	Answers answers;
	Rows &rows = answers.rows.emplace_back("pragma_table_list", Rows{}).second;
	for (int i = 0; i < tables; ++i)
		rows.push_back({"t" + std::to_string(i), "table", "0", "0",
		                "CREATE TABLE t (a text COLLATE nocase)" + std::string(1'000'000, ' ')});
	test::expect_sqlstate([&] { read(DatabaseType::sqlite, answers); }, "54000", "all tables");
	EXPECT_EQ(read(DatabaseType::sqlite, answers, {"t1", "t2"}).tables.size(), 2u);
	for (auto &row : rows)
		row[4] = "CREATE TABLE t (a text)" + std::string(1'000'000, ' ');
	EXPECT_EQ(read(DatabaseType::sqlite, answers).tables.size(), std::size_t{tables}); /* where it says nothing */

	rows.assign(10'001, {"t", "table", "0", "0", "CREATE TABLE"});
	for (std::size_t i = 0; i < rows.size(); ++i)
		rows[i][0] = "t" + std::to_string(i);
	test::expect_sqlstate([&] { read(DatabaseType::sqlite, answers); }, "54000", "too many tables");
	EXPECT_EQ(read(DatabaseType::sqlite, answers, {"t1"}).tables.size(), 1u);

	rows.assign(1, {"t", "table", "0", "0", "CREATE TABLE"});
	Rows &columns = answers.rows.emplace_back("pragma_table_xinfo(m.name)", Rows{}).second;
	for (int i = 0; i < tables; ++i)
		columns.push_back({"t", "c" + std::to_string(i), std::string(1'000'000, 'x'), "0", "0", "0", "0", "0"});
	test::expect_sqlstate([&] { read(DatabaseType::sqlite, answers); }, "54000", "columns");
	answers.rows[0].second[0][0] = "other";
	EXPECT_EQ(read(DatabaseType::sqlite, answers).tables.size(), 1u);
}

Row
pg_column(std::string table, std::string name)
{
	return {std::move(table), "r",   std::move(name), "25", "-1", "b", "text", "f", "f", "f", "f", "f",
	        "default",        "UTF8"};
}

TEST(ImportRead, TakesAColumnOnce)
{
	Answers answers;
	answers.rows = {
		{"pg_attribute",
	     {pg_column("t", "a"), pg_column("t", "b"), pg_column("t", "a"), pg_column("u", "a"), pg_column("t", "c")}}};
	ImportedSchema const schema = read(DatabaseType::postgresql, answers);
	ASSERT_EQ(schema.tables.size(), 2u);
	EXPECT_EQ(schema.tables[0].columns.size(), 2u);
	EXPECT_EQ(schema.tables[1].columns.size(), 1u);
	EXPECT_EQ(schema.warnings,
	          (std::vector<std::string>{"a column of table \"t\" is left out: it has another one named \"a\"",
	                                    "a table is left out: there is another one named \"t\""}));
}

/* Which would take a long time to tell apart, were there many of them. */
TEST(ImportRead, RefusesNamesThatAreMadeToLookAlike)
{
	Answers answers;
	Rows &rows = answers.rows.emplace_back("pg_attribute", Rows{}).second;
	rows.push_back(pg_column("t", std::string(100, 'n')));
	for (int i = 0; i < 15; ++i) {
		ImportedSchema const schema = read(DatabaseType::postgresql, answers);
		rows.push_back(pg_column("t", schema.tables.at(0).columns.at(0).local_name));
	}
	EXPECT_EQ(read(DatabaseType::postgresql, answers).tables.at(0).columns.size(), 16u);
	rows.push_back(pg_column("t", read(DatabaseType::postgresql, answers).tables[0].columns[0].local_name));
	test::expect_sqlstate([&] { read(DatabaseType::postgresql, answers); }, "54000", "names");
}

TEST(ImportRead, TakesSoManyNamesAndNoMore)
{
	Answers answers;
	answers.rows = {{"pg_attribute", {pg_column("n1", "a"), pg_column(std::string(100, 'n'), "a")}}};
	std::vector<std::string> names;
	for (int i = 0; i < 10'000; ++i)
		names.push_back("n" + std::to_string(i));
	EXPECT_EQ(read(DatabaseType::postgresql, answers, names).tables.size(), 1u);
	names.emplace_back("more");
	test::expect_sqlstate([&] { read(DatabaseType::postgresql, answers, names); }, "54000", "names");
}

TEST(ImportRead, TellsTheFirstNameThatIsMissing)
{
	ImportedSchema schema;
	schema.tables.resize(2);
	schema.tables[0].name = schema.tables[0].local_name = "a";
	schema.tables[1].name = "long";
	schema.tables[1].local_name = "short";
	ImportRequest request;
	for (const char *const name : {"short", "a", "long"})
		request.add(name);
	EXPECT_EQ(missing_name(request, schema), nullptr);
	request.add("b");
	request.add("c");
	ASSERT_NE(missing_name(request, schema), nullptr);
	EXPECT_EQ(*missing_name(request, schema), "b");
}

TEST(ImportRead, RecordsTheEncoding)
{
	Answers answers;
	answers.rows = {
		{"pg_attribute", {{"t", "r", "c", "25", "-1", "b", "text", "f", "f", "f", "f", "f", "default", "LATIN1"}}}};
	ImportedSchema const schema = read(DatabaseType::postgresql, answers);
	EXPECT_EQ(schema.encoding, "LATIN1");
	EXPECT_NE(schema.create_statement(schema.tables.at(0), "", "s", {}).find(", encoding 'LATIN1')"),
	          std::string::npos);
	answers.rows[0].second[0].back() = "it's";
	ImportedSchema const odd = read(DatabaseType::postgresql, answers);
	EXPECT_NE(odd.create_statement(odd.tables.at(0), "", "s", {}).find("encoding 'it''s'"), std::string::npos);
	answers.rows[0].second[0].back() = std::string(64, 'x');
	EXPECT_EQ(read(DatabaseType::postgresql, answers).encoding, "");
}

} // namespace
