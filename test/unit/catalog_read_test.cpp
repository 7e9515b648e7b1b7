/*
 * What a hostile client database can make of its schema: a session that answers each question with rows of the test.
 * Pure regime.
 */
#include "catalog/read.pure.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/json.hpp"
#include "remote/text.hpp"
#include "waiter.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::catalog;
using remote::DatabaseType;

using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

/* Rows by a part of the statement that asks for them; every value is a text. */
struct Answers {
	std::vector<std::pair<std::string, Rows>> rows;
	std::vector<std::string> asked;
	std::string version = "16.0";
};

class FakeCursor final : public remote::Cursor {
public:
	explicit FakeCursor(const Rows &rows) : rows_(rows) {}
	const std::vector<remote::Column> &columns() const noexcept override { return columns_; }
	bool fetch(remote::Batch &batch, core::Waiter &) override
	{
		if (at_ == rows_.size()) {
			batch.reset(0);
			return false;
		}
		batch.reset(rows_[at_].size());
		remote::Cell *const cells = batch.add_row();
		for (std::size_t i = 0; i < rows_[at_].size(); ++i) {
			if (!rows_[at_][i])
				continue;
			cells[i].kind = remote::CellKind::text;
			cells[i].data = rows_[at_][i]->data();
			cells[i].size = static_cast<std::uint32_t>(rows_[at_][i]->size());
		}
		++at_;
		return true;
	}
	std::int64_t affected() const noexcept override { return 0; }

private:
	const Rows &rows_;
	std::vector<remote::Column> columns_;
	std::size_t at_ = 0;
};

class FakeSession final : public remote::Session {
public:
	explicit FakeSession(Answers &answers) : answers_(answers) {}
	std::unique_ptr<remote::Cursor> execute(std::string_view sql, std::span<const remote::Param>,
	                                        const remote::RunOptions &, core::Waiter &) override
	{
		answers_.asked.emplace_back(sql);
		for (auto const &[part, rows] : answers_.rows)
			if (sql.find(part) != std::string_view::npos)
				return std::make_unique<FakeCursor>(rows);
		return std::make_unique<FakeCursor>(none_);
	}
	std::vector<remote::Column> describe(std::string_view, const remote::RunOptions &, core::Waiter &) override
	{
		return {};
	}
	void transact(const remote::TransactionStep &, core::Deadline, core::Waiter &) override {}
	bool in_transaction() const noexcept override { return false; }
	bool reusable() const noexcept override { return true; }
	bool ping(core::Deadline, core::Waiter &) override { return true; }
	const std::string &server_version() const noexcept override { return answers_.version; }

private:
	Answers &answers_;
	Rows none_;
};

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
	EXPECT_EQ(mysql[0].default_value, "NULL");
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

} // namespace
