/*
 * Bearer tokens and their digests. Pure regime.
 */
#include "identity/token.hpp"

#include <algorithm>
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

TEST(Digest, IsSha256)
{
	/* FIPS 180-2, appendix B.1 */
	unsigned char const abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
	                               0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
	                               0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	Digest const digest = digest_of("abc");
	EXPECT_TRUE(std::equal(digest.bytes.begin(), digest.bytes.end(), abc));
	EXPECT_FALSE(digest == digest_of("abd"));
	EXPECT_FALSE(digest_of("") == Digest{});
}

} // namespace
