/*
 * Password hashes. Pure regime.
 */
#include "identity/password.hpp"

#include <algorithm>
#include <ctime>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace {

using namespace tenancy::identity;
using tenancy::core::Error;

constexpr int cheap = 4;

std::string
hash_of(std::string_view password, int cost = cheap)
{
	char hash[max_hash_size];
	hash_password(password, cost, hash);
	return hash;
}

TEST(Password, HashIsSelfDescribing)
{
	std::string const hash = hash_of("correct horse", 5);
	EXPECT_TRUE(hash.starts_with("$scrypt$ln=5,r=8,p=1$"));
	EXPECT_EQ(hash.size(), std::string_view("$scrypt$ln=5,r=8,p=1$").size() + 22 + 1 + 43);
	EXPECT_EQ(hash.find('='), hash.find("=5"));
}

TEST(Password, OnlyTheSamePasswordMatches)
{
	std::string const hash = hash_of("correct horse");
	EXPECT_TRUE(verify_password("correct horse", hash, cheap));
	for (const char *other : {"correct hors", "correct horse ", "Correct horse", "", "correct horsf"})
		EXPECT_FALSE(verify_password(other, hash, cheap)) << other;
}

TEST(Password, SaltsDiffer)
{
	EXPECT_NE(hash_of("correct horse"), hash_of("correct horse"));
}

/* Made by Python's hashlib.scrypt with a salt of 16 zero bytes. */
TEST(Password, AgreesWithAnotherImplementation)
{
	EXPECT_TRUE(verify_password(
		"correct horse", "$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$6T3EPrWlvRG/y8+HDJ+XRLH2SiAP9RFvuF7ZslX9Uhw",
		10));
}

TEST(Password, WhatIsNoHashNeverMatches)
{
	std::string const good = hash_of("correct horse");
	std::string bad[] = {"",
	                     "x",
	                     "$scrypt$",
	                     "$scrypt$ln=4,r=8,p=1$",
	                     good.substr(0, good.size() - 1),
	                     good + "A",
	                     "$scrypt$ln=4,r=8,p=2" + good.substr(good.find("=1$") + 2),
	                     "$scrypt$ln=99" + good.substr(12),
	                     "$scrypt$ln=-4" + good.substr(12),
	                     "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA"};
	for (const std::string &hash : bad) {
		EXPECT_FALSE(verify_password("correct horse", hash, cheap)) << hash;
		EXPECT_FALSE(verify_password("", hash, cheap)) << hash;
		EXPECT_FALSE(is_outdated(hash, 20)) << hash;
	}
}

TEST(Password, OutdatedMeansCheaper)
{
	std::string const hash = hash_of("correct horse");
	EXPECT_TRUE(is_outdated(hash, cheap + 1));
	EXPECT_FALSE(is_outdated(hash, cheap));
	EXPECT_FALSE(is_outdated(hash, cheap - 1));
}

TEST(Password, PolicyCountsCharactersAndBytes)
{
	auto const code = [](const std::string &password) -> std::string {
		try {
			check_password(password);
		} catch (const Error &error) {
			EXPECT_EQ(error.message.find(password), error.message.npos);
			return error.sqlstate;
		}
		return "";
	};
	EXPECT_EQ(code("seven77"), "22023");
	EXPECT_EQ(code("äöüäöüä"), "22023"); /* seven characters of 14 bytes */
	EXPECT_EQ(code("äöüäöüäö"), "");
	EXPECT_EQ(code("eight888"), "");
	EXPECT_EQ(code(std::string(max_password_bytes, 'x')), "");
	EXPECT_EQ(code(std::string(max_password_bytes + 1, 'x')), "22023");
}

TEST(Password, AnOverlongOneNeverMatches)
{
	std::string const password(max_password_bytes + 1, 'x');
	EXPECT_FALSE(verify_password(password, hash_of(password), cheap));
}

/* Processor time of this thread in seconds: a busy machine hardly changes it. */
double
spent()
{
	timespec now{};
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/* An account that does not exist, one whose hash is older and cheaper, and a current one must look alike. */
TEST(Password, FailuresCostTheSame)
{
	constexpr int cost = 13;
	auto const time = [](std::string_view hash) {
		double best = std::numeric_limits<double>::max();
		for (int i = 0; i < 9; ++i) {
			double const start = spent();
			EXPECT_FALSE(verify_password("wrong", hash, cost));
			best = std::min(best, spent() - start);
		}
		return best;
	};
	double const current = time(hash_of("correct horse", cost));
	for (double const other : {time(""), time(hash_of("correct horse", cost - 2))}) {
		EXPECT_GT(other, current * 0.5);
		EXPECT_LT(other, current * 2);
	}
}

} // namespace
