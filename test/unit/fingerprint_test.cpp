/*
 * Statements without what differs from call to call. Pure regime.
 */
#include "dashboard/fingerprint.pure.hpp"

#include <string>

#include <gtest/gtest.h>

namespace {

using namespace tenancy::dashboard;

std::string
postgres(std::string_view sql)
{
	return normalized(sql, Dialect::postgresql);
}

TEST(Fingerprint, LiteralsParametersAndSpaceDoNotCount)
{
	std::string const wanted = "select a, count(*) from t where b = ? and c < ?";
	EXPECT_EQ(postgres("SELECT a, count(*) FROM t WHERE b = 'x' AND c < 5"), wanted);
	EXPECT_EQ(postgres("select a,COUNT( * )\n\tfrom T where b=$1 and c<-1.5e-3 ;"), wanted);
	EXPECT_EQ(postgres("/* who */ SELECT a , count (*) -- why\nFROM t WHERE b = E'it\\'s' AND c < 0x1F"), wanted);
	EXPECT_NE(postgres("SELECT a, count(*) FROM t WHERE b = 'x' AND c <= 5"), wanted);
}

TEST(Fingerprint, ListsHaveNoLength)
{
	EXPECT_EQ(postgres("SELECT 1 FROM t WHERE a IN (1, -2, 3)"), "select ? from t where a in (?)");
	EXPECT_EQ(postgres("SELECT 2 FROM t WHERE a IN ($1)"), "select ? from t where a in (?)");
	EXPECT_EQ(postgres("INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL), (3, 'z')"),
	          "insert into t(a, b) values (?), (?, null), (?)");
	EXPECT_EQ(postgres("INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')"), "insert into t values (?)");
}

TEST(Fingerprint, NamesStay)
{
	EXPECT_EQ(postgres("SELECT \"Über\".\"a\"\"b\", x1 FROM \"T 1\""), "select \"Über\".\"a\"\"b\", x1 from \"t 1\"");
	EXPECT_EQ(normalized("SELECT `it's`, \"it's\" FROM t WHERE a = 'x''y'", Dialect::mysql),
	          "select `it's`, ? from t where a = ?");
	EXPECT_EQ(normalized("SELECT [a b], \"c\", `d` FROM t WHERE e = :f AND g = @h", Dialect::sqlite),
	          "select [a b], \"c\", `d` from t where e = ? and g = ?");
	EXPECT_EQ(normalized("SELECT \"a\" FROM `b`", Dialect::unknown), "select ? from ?");
}

TEST(Fingerprint, LiteralsOfEveryShapeAreHidden)
{
	EXPECT_EQ(postgres("SELECT $$secret$$, $a$se$b$cret$a$"), "select ?");
	EXPECT_EQ(postgres("SELECT B'01', x'FF', U&'\\0061', N'a', date '2020-01-01'"), "select ?, date ?");
	EXPECT_EQ(normalized("SELECT _utf8mb4'secret', X'AB' # secret\n, 0xff", Dialect::mysql), "select ?");
	EXPECT_EQ(normalized("SELECT 'a\\', secret", Dialect::mysql), "select ?, secret");
	EXPECT_EQ(normalized("SELECT 2020secret", Dialect::mysql), "select ?");
	EXPECT_EQ(postgres("SELECT /* 'a /* nested */ secret */ 1"), "select ?");
	EXPECT_EQ(normalized("SELECT 1 /* a /* b */", Dialect::sqlite), "select ?");
	EXPECT_EQ(postgres("SELECT E'a' -- b\n'c\\'secret'"), "select ?");
	EXPECT_EQ(postgres("SELECT 1$a$ secret $a$, 1_secret"), "select ?");
	EXPECT_EQ(normalized("SELECT /*! 'a*/secret' */", Dialect::mysql), "select ?");
	EXPECT_EQ(normalized("SELECT 1 --\x7f it's\n, 'secret'", Dialect::mysql), "select ?");
	EXPECT_EQ(normalized("SELECT @a, @@b.c", Dialect::mysql), "select @a, @@b.c");
	EXPECT_EQ(normalized("SELECT $a('), 'secret'", Dialect::sqlite), "select ?");
}

TEST(Fingerprint, WhatHasNoEndIsHidden)
{
	for (Dialect const dialect : {Dialect::postgresql, Dialect::mysql, Dialect::sqlite, Dialect::unknown})
		for (std::string_view const sql : {"select 'secret", "select \"secret", "select `secret", "select /* secret"}) {
			std::string const text = normalized(sql, dialect);
			if (dialect != Dialect::postgresql || sql[7] != '`') {
				EXPECT_EQ(text.find("secret"), text.npos) << text;
			}
		}
	EXPECT_EQ(postgres("select $tag$secret"), "select ?");
	EXPECT_EQ(normalized("select [secret", Dialect::sqlite), "select ?");
	EXPECT_EQ(normalized("", Dialect::mysql), "");
	EXPECT_EQ(normalized(" ; ;", Dialect::mysql), "");
}

TEST(Fingerprint, OperatorsKeepTheirEdges)
{
	EXPECT_EQ(postgres("SELECT a->>'k', b::text, c || d, e<=-1, f - 1, g-h"),
	          "select a ->> ?, b::text, c || d, e <= ?, f - ?, g - h");
	EXPECT_EQ(normalized("SELECT a--1 FROM t", Dialect::mysql), "select a - - ? from t");
	EXPECT_EQ(postgres("SELECT a--1 FROM t"), "select a");
	EXPECT_EQ(postgres("SELECT a=+-b, c@-d, e*-/-+f"), "select a = + - b, c @- d, e *-/ - + f");
}

/* A moment for half a megabyte, which would be many minutes if each sign read all that follow it. */
TEST(Fingerprint, TakesLinearTime)
{
	for (std::string_view const unit : {"+", "+-", "-+*", "=", "_a", "1a", "(", "(1),", "1,", "'a' "}) {
		std::string text;
		while (text.size() < 500'000)
			text += unit;
		EXPECT_FALSE(normalized(text, Dialect::mysql).empty());
	}
}

TEST(Fingerprint, IsAStableNumber)
{
	EXPECT_EQ(fingerprint_of("select ?"), fingerprint_of(postgres("SELECT 42")));
	EXPECT_NE(fingerprint_of("select ?"), fingerprint_of("select ? "));
	EXPECT_NE(fingerprint_of(""), 0);
}

} // namespace
