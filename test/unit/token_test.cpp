/*
 * Bearer tokens. Pure regime.
 */
#include "identity/token.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace tenancy::identity;

std::string
token()
{
	char text[token_length + 1];
	make_token(text);
	return text;
}

TEST(Token, HasThePrefixAnd256BitsInBase64Url)
{
	std::string const text = token();
	EXPECT_EQ(text.size(), token_length);
	EXPECT_TRUE(text.starts_with(token_prefix));
	EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), text.npos);
}

TEST(Token, NeverComesTwice)
{
	std::set<std::string> tokens;
	for (int i = 0; i < 10'000; ++i)
		tokens.insert(token());
	EXPECT_EQ(tokens.size(), 10'000U);
}

/* Each character but the last, which holds four bits, takes every value. */
TEST(Token, SpreadsOverTheAlphabet)
{
	std::set<char> first, last;
	for (int i = 0; i < 5'000; ++i) {
		std::string const text = token();
		first.insert(text[token_prefix.size()]);
		last.insert(text.back());
	}
	EXPECT_EQ(first.size(), 64U);
	EXPECT_EQ(last.size(), 16U);
}

} // namespace
