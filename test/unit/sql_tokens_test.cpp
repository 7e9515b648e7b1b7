/*
 * The tokens of each dialect, and whether the servers themselves read a text so. Pure regime.
 */
#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "mysql_fixture.hpp"
#include "postgres_fixture.hpp"
#include "remote/sql_tokens.hpp"
#include "sqlite_fixture.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::remote::sql;
using std::string_view_literals::operator""sv;

constexpr Dialect pg = Dialect::postgresql, my = Dialect::mysql, lite = Dialect::sqlite, unknown = Dialect::unknown;

/* All but blanks: comments in angle brackets, what has no end with dots, and what needs its kind told with it. */
std::vector<std::string>
read(Dialect dialect, std::string_view sql)
{
	std::vector<std::string> texts;
	Tokens tokens(dialect, sql);
	for (Token token = tokens.next(); token.kind != Kind::end; token = tokens.next()) {
		std::string text(token.text);
		switch (token.kind) {
		case Kind::blank: continue;
		case Kind::comment: text = "<" + text + ">"; break;
		case Kind::executable: text = "run " + text; break;
		case Kind::name: text = "name " + text; break;
		case Kind::text: text = "text " + text; break;
		case Kind::parameter: text = "parameter " + text; break;
		case Kind::variable: text = "variable " + text; break;
		case Kind::stray: text = "stray"; break;
		default: break;
		}
		texts.push_back(token.closed ? text : text + "…");
	}
	return texts;
}

using Texts = std::vector<std::string>;

TEST(SqlTokens, Comments)
{
	EXPECT_EQ(read(pg, "a /* b /* c */ d */ e"), (Texts{"a", "</* b /* c */ d */>", "e"}));
	EXPECT_EQ(read(pg, "/*/*/ */"), (Texts{"</*/*/ */>…"}));
	EXPECT_EQ(read(my, "a /* b /* c */ d"), (Texts{"a", "</* b /* c */>", "d"}));
	EXPECT_EQ(read(lite, "/*/ a"), (Texts{"</*/ a>…"}));
	EXPECT_EQ(read(pg, "--a\rb --\nc--"), (Texts{"<--a>", "b", "<-->", "c", "<-->"}));
	EXPECT_EQ(read(lite, "--a\rb\nc"), (Texts{"<--a\rb>", "c"}));
	EXPECT_EQ(read(my, "1--2 --\x7f x\ny #z\r!\n--"sv),
	          (Texts{"1", "-", "-", "2", "<--\x7f x>", "y", "<#z\r!>", "<-->"}));
	EXPECT_EQ(read(my, "-- a\0into"sv), (Texts{"<-- a>", "stray", "into"}));
	EXPECT_EQ(read(pg, "a */* b */ c"), (Texts{"a", "*", "</* b */>", "c"}));
}

TEST(SqlTokens, WhatMysqlRuns)
{
	for (std::string_view const sql : {"/*! a */ b", "/*M!100100 a", "/*m! */", "/*+ X(`*/`) */ b", "/*+ '"}) {
		EXPECT_EQ(read(my, sql), (Texts{"run " + std::string(sql)}));
		EXPECT_EQ(read(lite, sql).front().front(), '<');
	}
	EXPECT_EQ(read(my, "/*+ NO_ICP(t) */ b"), (Texts{"</*+ NO_ICP(t) */>", "b"}));
}

TEST(SqlTokens, Quotes)
{
	EXPECT_EQ(read(pg, "'a''b'\"c\"\"d\" 'e\\' `"), (Texts{"text 'a''b'", "name \"c\"\"d\"", "text 'e\\'", "`"}));
	EXPECT_EQ(read(my, "'a\\' \"b\"\"\" `c``d`"), (Texts{"text 'a\\'", "text \"b\"\"\"", "name `c``d`"}));
	EXPECT_EQ(read(lite, "[a[b] 'c' \"d\" `e` x'00'"),
	          (Texts{"name [a[b]", "text 'c'", "name \"d\"", "name `e`", "x", "text '00'"}));
	EXPECT_EQ(read(unknown, "\"a\" `b` [c"), (Texts{"text \"a\"", "text `b`", "[", "c"}));
	EXPECT_EQ(read(pg, "e'a\\'b''c' Ae'd\\'"), (Texts{"text e'a\\'b''c'", "Ae", "text 'd\\'"}));
	EXPECT_EQ(read(pg, "u&'a\\' U&\"b\" U& 'c' u &'d'"),
	          (Texts{"text u&'a\\'", "name U&\"b\"", "U", "&", "text 'c'", "u", "&", "text 'd'"}));
	EXPECT_EQ(read(lite, "e'a\\'"), (Texts{"e", "text 'a\\'"}));
	for (std::string_view const open : {"'a''", "\"a", "$$a$", "E'a\\'", "$b$a$B$"})
		EXPECT_EQ(read(unknown, open), (Texts{"text " + std::string(open) + "…"}));
	EXPECT_EQ(read(lite, "[a"), (Texts{"name [a…"}));
}

/* PostgreSQL goes on with a text on the next line, where a backslash means what it meant before. */
TEST(SqlTokens, EscapesGoOnWithTheText)
{
	EXPECT_EQ(read(pg, "E'a' \n 'b\\'c'"), (Texts{"text E'a'", "text 'b\\'c'"}));
	EXPECT_EQ(read(pg, "E'a'\r'b\\'c'\n'\\''"), (Texts{"text E'a'", "text 'b\\'c'", "text '\\''"}));
	EXPECT_EQ(read(pg, "E'a' -- it's\n-- so\n'b\\'c'"), (Texts{"text E'a'", "<-- it's>", "<-- so>", "text 'b\\'c'"}));
	EXPECT_EQ(read(pg, "E'a' 'b\\'"), (Texts{"text E'a'", "text 'b\\'"}));
	EXPECT_EQ(read(pg, "E'a' /*\n*/ 'b\\'"), (Texts{"text E'a'", "</*\n*/>", "text 'b\\'"}));
	EXPECT_EQ(read(pg, "E'a',\n'b\\'"), (Texts{"text E'a'", ",", "text 'b\\'"}));
	EXPECT_EQ(read(pg, "'a'\n'b\\'"), (Texts{"text 'a'", "text 'b\\'"}));
}

TEST(SqlTokens, Dollars)
{
	EXPECT_EQ(read(pg, "$$a'$$ $t$$$$t$ $1$2 a$b$c$b$"),
	          (Texts{"text $$a'$$", "text $t$$$$t$", "parameter $1", "parameter $2", "a$b$c$b$"}));
	EXPECT_EQ(read(pg, "1$a$'$a$ $1$a$'$a$"), (Texts{"1", "text $a$'$a$", "parameter $1", "text $a$'$a$"}));
	EXPECT_EQ(read(pg, "$a $2a$ $"), (Texts{"$", "a", "parameter $2", "a$", "$"}));
	EXPECT_EQ(read(pg, "$é$'$é$"), (Texts{"text $é$'$é$"}));
	EXPECT_EQ(read(my, "$a$ $$"), (Texts{"$a$", "$$"}));
}

TEST(SqlTokens, Numbers)
{
	for (Dialect const dialect : {pg, my, lite, unknown}) {
		EXPECT_EQ(read(dialect, "1 1.5 .5 1. 1e5 1E-5 1.e+5 0x1F 0b10 0o17 1_000 1.5_0"),
		          (Texts{"1", "1.5", ".5", "1.", "1e5", "1E-5", "1.e+5", "0x1F", "0b10", "0o17", "1_000", "1.5_0"}));
		EXPECT_EQ(
			read(dialect, "1into 1.into 1e5into 1e into 1e+a 0x into"),
			(Texts{"1", "into", "1.", "into", "1e5", "into", "1", "e", "into", "1", "e", "+", "a", "0", "x", "into"}));
		EXPECT_EQ(read(dialect, "1..2 t.5 1-1 0x1e-1 1_ 0b12"),
		          (Texts{"1", ".", ".2", "t", ".5", "1", "-", "1", "0x1e", "-", "1", "1", "_", "0b1", "2"}));
	}
}

TEST(SqlTokens, ParametersAndVariables)
{
	EXPECT_EQ(read(pg, "a ? b @> c :d::e"), (Texts{"a", "?", "b", "@", ">", "c", ":", "d", ":", ":", "e"}));
	EXPECT_EQ(read(my, "? @a.b. @@global.c @'d' @:=1"), (Texts{"parameter ?", "variable @a.b.", "variable @@global.c",
	                                                           "variable @", "text 'd'", "variable @", ":", "=", "1"}));
	EXPECT_EQ(read(lite, "? ?12 :a @b $c #d $e::f(it's) $g( h) : @ @::i"),
	          (Texts{"parameter ?", "parameter ?12", "parameter :a", "parameter @b", "parameter $c", "parameter #d",
	                 "parameter $e::f(it's)", "parameter $g(…", "h", ")", "stray", "stray", "parameter @::i"}));
}

TEST(SqlTokens, BytesThatAreNotAscii)
{
	for (Dialect const dialect : {pg, my, lite, unknown}) {
		EXPECT_EQ(read(dialect, "größe\xff \x80"), (Texts{"größe\xff", "\x80"}));
		EXPECT_EQ(read(dialect, "a\0\x01\x7f"sv), (Texts{"a", "stray", "stray", "stray"}));
		EXPECT_EQ(read(dialect, "'\0'"sv), (Texts{std::string("text '\0'", 8)}));
		EXPECT_EQ(read(dialect, "a\v\fb"), (Texts{"a", "b"}));
	}
	EXPECT_EQ(read(lite, "\xef\xbb\xbf a \xef\xbb\xbfinto"), (Texts{"a", "into"}));
	EXPECT_EQ(read(lite, "a\xef\xbb\xbf"), (Texts{"a\xef\xbb\xbf"}));
	EXPECT_EQ(read(pg, "\xef\xbb\xbfinto"), (Texts{"\xef\xbb\xbfinto"}));
}

/* Half a megabyte of each, which take a moment, and would not if any were read again and again. */
TEST(SqlTokens, TakeLinearTime)
{
	for (std::string_view const unit :
	     {"(", "-", "+", "/*", "*/", "'",  "\"", "$",  "$a", "$a$", "E'a'\n", "1",  "1e",
	      "[", "@", ":", "?",  "a",  "\\", " ",  "--", "u&", "x'",  "#",      "_a", "\xef\xbb\xbf"}) {
		std::string text;
		while (text.size() < 500'000)
			text += unit;
		for (Dialect const dialect : {pg, my, lite, unknown}) {
			Tokens tokens(dialect, text);
			std::size_t size = 0;
			for (Token token = tokens.next(); token.kind != Kind::end; token = tokens.next())
				size += token.text.size();
			EXPECT_EQ(size, text.size());
		}
	}
}

/* A list of expressions in which everything that quotes, ends and hides comes at random. */
class Statements {
public:
	explicit Statements(std::vector<std::string_view> fragments) : fragments_(std::move(fragments)) {}

	std::string next()
	{
		std::string sql = "SELECT 1";
		for (std::size_t i = below(4) + 1; i > 0; --i) {
			sql += some(openings);
			for (std::size_t j = below(4); j > 0; --j)
				sql += fragments_[below(fragments_.size())];
			sql += some(openings);
		}
		return sql;
	}

private:
	static constexpr std::array<std::string_view, 10> openings = {",2",   ", 'a'", "'",  ",'b", "/*",
	                                                              "*/,3", "\n",    "--", " ",   ""};
	std::size_t below(std::size_t size) { return std::uniform_int_distribution<std::size_t>(0, size - 1)(random_); }
	template <typename List> std::string_view some(const List &list) { return list[below(list.size())]; }

	std::vector<std::string_view> fragments_;
	std::mt19937 random_{20'260'101};
};

/* How many columns the tokens of a SELECT list make; none when they are not surely all that the server sees. */
std::size_t
width_of(Dialect dialect, std::string_view sql)
{
	std::size_t width = 1, depth = 0;
	Tokens tokens(dialect, sql);
	for (Token token = tokens.next_code(); token.kind != Kind::end; token = tokens.next_code()) {
		if (token.kind == Kind::executable)
			return 0;
		depth += token.is('(') || token.is('[') ? 1 : 0;
		depth -= token.is(')') || token.is(']') ? 1 : 0;
		width += token.is(',') && depth == 0 ? 1 : 0;
	}
	return width;
}

/* Wherever the server takes a statement, it sees the columns that we see. */
void
expect_agreement(remote::Session &session, core::Waiter &waiter, Dialect dialect, std::size_t trials,
                 std::vector<std::string_view> fragments)
{
	std::size_t taken = 0;
	Statements statements(std::move(fragments));
	for (std::size_t i = 0; i < trials; ++i) {
		std::string const sql = statements.next();
		try {
			std::size_t const width = session.describe(sql, {}, waiter).size();
			++taken;
			if (std::size_t const seen = width_of(dialect, sql); seen != 0) {
				EXPECT_EQ(seen, width) << sql;
			}
		} catch (const core::Error &error) {
			ASSERT_NE(error.kind, core::FailureKind::lost) << sql;
		}
	}
	EXPECT_GT(taken, trials / 20);
}

class SqlTokensOfPostgres : public test::PostgresDriver {};

TEST_F(SqlTokensOfPostgres, AreWhatTheServerReads)
{
	auto const session = open();
	expect_agreement(*session, waiter, pg, 4000,
	                 {"'",  "\"",   "\\",  "\\'", "''", "$$",   "$a$",  "E'",   "e'\\",  "U&'", "u&\"",
	                  "x'", "/*",   "*/",  "/**", "--", "-",    "\n",   "\r",   ",",     "1",   ".5",
	                  "e5", "as b", "$",   "\n'", "`",  "#",    "é",    "||'c", "1.e2",  " ",   "a$b$,",
	                  "(",  ")",    ",$$", "',",  "n'", "b'1'", "/*/*", "\v",   "E'\\\\"});
}

class SqlTokensOfMysql : public test::maria::MysqlFixture {};

TEST_F(SqlTokensOfMysql, AreWhatTheServerReads)
{
	expect_agreement(*session, waiter, my, 4000,
	                 {"'",      "\"", "\\",  "\\'", "''",  "`",      "``",   "#",  "# ",    "--",     "-- ",
	                  "--\x01", "/*", "*/",  "/*/", "-",   "\n",     "\r",   ",",  "1",     ".5",     "e5",
	                  "as b",   "$",  "\n'", "@a.", "@'",  "@@",     "é",    "n'", "x'",    "_utf8'", " ",
	                  "(",      ")",  ",\"", "',",  "/*+", "1.as c", "0x1f", "\v", "--\x7f"});
}

/* A keyword that the server sees behind a number or a variable is a token of its own. */
TEST_F(SqlTokensOfMysql, NumbersAndVariablesEndWhereTheServerEndsThem)
{
	for (std::string_view const sql :
	     {"select 1.into @x", "select 1e5into @x", "select 1e+5into @x", "select .5into @x", "select @a. into @x"})
		EXPECT_NO_THROW(rows(sql)) << sql;
	EXPECT_EQ(one("select @x is null"), "1");
	EXPECT_EQ(one("select 2 --\x01 , 3"), "2");
}

class SqlTokensOfSqlite : public test::SqliteFixture {};

TEST_F(SqlTokensOfSqlite, AreWhatTheEngineReads)
{
	auto const session = open();
	expect_agreement(*session, waiter_, lite, 20'000,
	                 {"'",   "\"",   "\\",   "\\'",   "''", "`",     "[",  "]",  "#a",   "--", "/*", "*/",
	                  "/*/", "-",    "\n",   "\r",    ",",  "1",     ".5", "e5", "as b", "$a", "?",  ":b",
	                  "@c(", "$d('", "?2",   "::",    "é",  "x'",    " ",  "(",  ")",    ",[", "',", "\xef\xbb\xbf",
	                  "\f",  "\v",   "as [", "as \"", "||", "$e::f("});
	EXPECT_EQ(value(*session, "SELECT 1 \xef\xbb\xbf+\xef\xbb\xbf 2"), "int 3");
}

} // namespace
