/*
 * The parser of connection strings: what it takes, and that it shows nothing of what it does not. Pure regime.
 */
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "connection/string.hpp"
#include "core/error.hpp"

namespace {

using namespace tenancy;
using connection::Fields;
using connection::parse_connection_string;
using remote::DatabaseType;

std::string
detail_of(std::string_view text)
{
	try {
		parse_connection_string(text);
	} catch (const core::Error &error) {
		EXPECT_STREQ(error.sqlstate, "22023");
		EXPECT_EQ(error.message, "invalid connection string");
		EXPECT_NE(error.hint.find("postgresql://"), std::string::npos);
		return error.detail;
	}
	return {};
}

TEST(ConnectionString, Full)
{
	Fields const fields =
		parse_connection_string("postgresql://app:pa%73s@db.example.com:5433/shop?sslmode=require&connect_timeout=5");
	EXPECT_EQ(fields.type, DatabaseType::postgresql);
	EXPECT_EQ(fields.host, "db.example.com");
	EXPECT_EQ(fields.port, 5433);
	EXPECT_EQ(fields.database, "shop");
	EXPECT_EQ(fields.username, "app");
	EXPECT_EQ(fields.password.view(), "pass");
	EXPECT_EQ(fields.options, (remote::OptionList{{"sslmode", "require"}, {"connect_timeout", "5"}}));
}

TEST(ConnectionString, Schemes)
{
	EXPECT_EQ(parse_connection_string("postgres://u@h/d").type, DatabaseType::postgresql);
	EXPECT_EQ(parse_connection_string("mysql://u@h/d").type, DatabaseType::mysql);
	EXPECT_EQ(parse_connection_string("mariadb://u@h/d").type, DatabaseType::mysql);
	EXPECT_EQ(parse_connection_string("sqlite:d").type, DatabaseType::sqlite);
}

TEST(ConnectionString, Parts)
{
	Fields fields = parse_connection_string("mysql://h");
	EXPECT_EQ(fields.host, "h");
	EXPECT_EQ(fields.port, 0);
	EXPECT_TRUE(fields.username.empty() && fields.password.empty() && fields.database.empty() &&
	            fields.options.empty());
	fields = parse_connection_string("postgresql://u:@[2001:db8::1]:1/");
	EXPECT_EQ(fields.host, "2001:db8::1");
	EXPECT_EQ(fields.port, 1);
	EXPECT_TRUE(fields.password.empty());
	fields = parse_connection_string("postgresql://u:a:b@[::1]/d");
	EXPECT_EQ(fields.password.view(), "a:b");
	EXPECT_EQ(fields.port, 0);
	fields = parse_connection_string("postgresql://h?read_only=true");
	EXPECT_EQ(fields.options.at(0).second, "true");
	fields = parse_connection_string("postgresql://%75ser%40x:%2F%3F%23%40%25%20%c3%a9@h/a%2Fb%20c");
	EXPECT_EQ(fields.username, "user@x");
	EXPECT_EQ(fields.password.view(), "/?#@% é");
	EXPECT_EQ(fields.database, "a/b c");
	fields = parse_connection_string("postgresql://jörg:größe@h/d");
	EXPECT_EQ(fields.password.view(), "größe");
	fields = parse_connection_string("mysql://u@h/d?sslrootcert=a%0Ab%0D");
	EXPECT_EQ(fields.options.at(0).second, "a\nb\r");
}

TEST(ConnectionString, Sqlite)
{
	EXPECT_EQ(parse_connection_string("sqlite:a.db").database, "a.db");
	EXPECT_EQ(parse_connection_string("sqlite:folder/a.db").database, "folder/a.db");
	EXPECT_EQ(parse_connection_string("sqlite:///folder/a.db").database, "folder/a.db");
	EXPECT_EQ(parse_connection_string("sqlite:a%20b.db").database, "a b.db");
	Fields const fields = parse_connection_string("sqlite:a.db?create=true");
	EXPECT_EQ(fields.database, "a.db");
	EXPECT_EQ(fields.options, (remote::OptionList{{"create", "true"}}));
}

TEST(ConnectionString, MalformedOnesAreRefused)
{
	std::vector<std::string> const malformed = {
		/* scheme */
		"", " ", "postgresql", "postgresql:", "postgresql:/", "postgresql:h", "postgresql:/h/d", "//u@h/d", "://h",
		"POSTGRESQL://h", "Postgres://h", "oracle://u@h/d", "http://h", "file:///etc/passwd", "jdbc:postgresql://h/d",
		"mysqlx://h", "postgresql ://h", "host=h dbname=d password=hunter2", " postgresql://h", "postgresql://h ",
		"postgresql://h\n", "sqlite3:a",
		/* host */
		"postgresql://", "postgresql:///d", "postgresql://u@/d", "postgresql://u:hunter2@/d", "postgresql://:5432/d",
		"postgresql://?sslmode=require", "postgresql://h1,h2/d", "postgresql://h1:1,h2:2/d", "mysql://u@h,/d",
		"postgresql://%2Ftmp/d", "postgresql://u@%68/d", "mysql://u@/tmp/mysql.sock", "postgresql://[::1/d",
		"postgresql://::1/d", "postgresql://[]/d", "postgresql://[h]/d", "postgresql://[127.0.0.1]/d",
		"postgresql://[::1]x/d", "postgresql://[::1]5432/d", "postgresql://[fe80::1%25eth0]/d",
		"postgresql://[fe80::1%eth0]/d", "postgresql://2130706433/d", "postgresql://0x7f.1/d",
		"postgresql://0177.0.0.1/d", "postgresql://-h/d", "postgresql://a..b/d", "postgresql://h\\x/d",
		"postgresql://h;x/d",
		/* port */
		"postgresql://h:/d", "postgresql://h:0/d", "postgresql://h:65536/d", "postgresql://h:-1/d",
		"postgresql://h:+1/d", "postgresql://h:05432/d", "postgresql://h:1x/d", "postgresql://h:5432:1/d",
		"postgresql://h:99999999999/d", "postgresql://h:%35/d", "postgresql://u:hunter2", "postgresql://u:hunter2/d",
		"postgresql://[::1]:/d",
		/* user and password */
		"postgresql://@h/d", "postgresql://:hunter2@h/d", "postgresql://u:p@ss@h/d", "postgresql://u:hunter2/x@h/d",
		"postgresql://u:hunter2?x=y@h/d", "postgresql://u:12?hunter=2@h/d", "postgresql://u:12/hunter2@h/d",
		"postgresql://u:hunter2#x@h/d", "postgresql://u:hunter2%@h/d", "postgresql://u:hunter2%2@h/d",
		"postgresql://u:hunter2%zz@h/d", "postgresql://u:hunter2%00@h/d", "postgresql://u:hunter2%0a@h/d",
		"postgresql://u:hunter2%ff@h/d", "postgresql://u:hunter2%c3@h/d", "postgresql://u%00:hunter2@h/d",
		"postgresql://u:hun ter2@h/d", "postgresql://u:hunter2\x01@h/d", "postgresql://u:hunter2\xff@h/d",
		"postgresql://u:hunter2\xc0\x80@h/d", "postgresql://u:hunter2\xed\xa0\x80@h/d",
		"postgresql://u:hunter2%ed%a0%80@h/d", std::string("postgresql://u:hunter2\0@h/d", 27),
		/* database */
		"postgresql://h/a/b", "postgresql://h//d", "postgresql://h/d%00", "postgresql://h/d%", "postgresql://h/d%1",
		"postgresql://h/d#x", "postgresql://h/d%0a", "postgresql://h/d@x", "postgresql://h/\xe2\x82",
		/* options */
		"postgresql://h/d?", "postgresql://h/d?x", "postgresql://h/d?=y", "postgresql://h/d?a=1&",
		"postgresql://h/d?&a=1", "postgresql://h/d?a=1&&b=2", "postgresql://h/d?a=1&a=2",
		"postgresql://h/d?a=1&b=2&a=1", "postgresql://h/d?A=1", "postgresql://h/d?a-b=1", "postgresql://h/d?%61=1",
		"postgresql://h/d?a=b=c", "postgresql://h/d?a=%00", "postgresql://h/d?a=%", "postgresql://h/d?a=%1b",
		"postgresql://h/d?a=1#x", "postgresql://h/d?a=1;b=2=3", "postgresql://h/d?user@x=1", "postgresql://h/d?a=x@y",
		/* sqlite */
		"sqlite:", "sqlite://", "sqlite:///", "sqlite://a.db", "sqlite://host/a.db", "sqlite:/etc/passwd",
		"sqlite:////etc/passwd", "sqlite:?create=true", "sqlite:%2fetc/passwd", "sqlite:a%00.db", "sqlite:a\n.db",
		"sqlite:a.db#x", "sqlite:a.db?", "sqlite:a b", "sqlite:a%ff", std::string(70'000, 'a'),
		"sqlite:" + std::string(70'000, 'a')};
	EXPECT_GE(malformed.size(), 60U);
	for (const std::string &text : malformed) {
		std::string const detail = detail_of(text);
		EXPECT_FALSE(detail.empty()) << "accepted: " << text;
		EXPECT_NE(detail.find(", at character "), std::string::npos) << text;
		EXPECT_TRUE(detail.ends_with('.'));
		EXPECT_EQ(detail.find("hunter"), std::string::npos) << text;
		EXPECT_EQ(detail.find("ter2"), std::string::npos) << text;
	}
}

TEST(ConnectionString, PositionsCountCharacters)
{
	EXPECT_EQ(detail_of("postgresql://h/d?x"), "An option has no value, at character 18.");
	EXPECT_EQ(detail_of("mysql://größe:g%zz@h"),
	          "A percent sign is not followed by two hexadecimal digits, at character 16.");
	EXPECT_EQ(detail_of("nothing"), "There is no scheme, at character 1.");
	EXPECT_EQ(detail_of("postgresql://h:x"), "The port is not a number from 1 to 65535, at character 16.");
	EXPECT_EQ(detail_of("postgresql://h1,h2/d"), "There is more than one host, at character 14.");
}

} // namespace
