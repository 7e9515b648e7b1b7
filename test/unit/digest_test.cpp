/*
 * SHA-256. Pure regime.
 */
#include <gtest/gtest.h>

#include <algorithm>

#include "core/digest.hpp"

namespace {

using tenancy::core::Digest;
using tenancy::core::sha256;

TEST(Digest, IsSha256)
{
	/* FIPS 180-2, appendix B.1 */
	unsigned char const abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
	                               0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
	                               0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	Digest const digest = sha256("abc");
	EXPECT_TRUE(std::equal(digest.bytes.begin(), digest.bytes.end(), abc));
	EXPECT_FALSE(digest == sha256("abd"));
	EXPECT_FALSE(sha256("") == Digest{});
}

} // namespace
