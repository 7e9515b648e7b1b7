/*
 * Memory that wipes itself. Pure regime.
 */
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <type_traits>

#include "core/secret.hpp"

namespace {

using tenancy::core::Secret;

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);

/* Does the kernel leave the memory there out of core files? */
bool
is_undumped(const void *memory)
{
	std::ifstream maps("/proc/self/smaps");
	auto const wanted = reinterpret_cast<unsigned long>(memory);
	bool here = false;
	for (std::string line; std::getline(maps, line);) {
		unsigned long first = 0, last = 0;
		char dash = 0;
		if (std::istringstream words(line); words >> std::hex >> first >> dash >> last && dash == '-')
			here = first <= wanted && wanted < last;
		else if (here && line.starts_with("VmFlags:"))
			return line.find(" dd") != line.npos;
	}
	return false;
}

TEST(Secret, HoldsBytes)
{
	Secret const empty;
	EXPECT_TRUE(empty.empty());
	EXPECT_STREQ(empty.c_str(), "");
	EXPECT_EQ(empty.view(), "");

	Secret const secret(std::string_view("hunter2"));
	EXPECT_EQ(secret.size(), 7U);
	EXPECT_EQ(secret.view(), "hunter2");
	EXPECT_EQ(std::strlen(secret.c_str()), 7U);

	Secret const binary(std::string_view("a\0b", 3));
	EXPECT_EQ(binary.size(), 3U);
	EXPECT_EQ(binary.view(), std::string_view("a\0b", 3));
	EXPECT_TRUE(Secret(std::string_view()).empty());
}

TEST(Secret, IsInNoCoreFile)
{
	std::string const plain(100, 'x');
	Secret const brief(std::string_view("hunter2")), lengthy{std::string_view(std::string(100'000, 'x'))};
	EXPECT_TRUE(is_undumped(brief.data()));
	EXPECT_TRUE(is_undumped(lengthy.data()) && is_undumped(lengthy.data() + lengthy.size()));
	EXPECT_FALSE(is_undumped(plain.data()));
}

TEST(Secret, BufferOfASize)
{
	Secret secret(std::size_t{32});
	EXPECT_EQ(secret.size(), 32U);
	for (std::size_t i = 0; i <= 32; ++i)
		EXPECT_EQ(secret.data()[i], 0); /* the terminator too */
	std::memset(secret.data(), 'x', 32);
	EXPECT_EQ(secret.view(), std::string(32, 'x'));
}

TEST(Secret, MovesAndCopiesOnDemand)
{
	Secret first(std::string_view("one"));
	Secret const copy = first.copy();
	Secret second(std::move(first));
	EXPECT_TRUE(first.empty()); // NOLINT: what a move leaves is part of the promise
	EXPECT_EQ(second.view(), "one");
	EXPECT_EQ(copy.view(), "one");
	Secret third(std::string_view("three"));
	third = std::move(second);
	EXPECT_EQ(third.view(), "one");
	EXPECT_TRUE(second.empty());
	Secret &same = third;
	third = std::move(same);
	EXPECT_EQ(third.view(), "one");
}

TEST(Secret, WipesAndReassigns)
{
	Secret secret(std::string_view("a long enough secret to live on the heap"));
	secret.assign("short");
	EXPECT_EQ(secret.view(), "short");
	secret.wipe();
	EXPECT_TRUE(secret.empty());
	EXPECT_STREQ(secret.c_str(), "");
	secret.assign("again");
	EXPECT_EQ(secret.view(), "again");
}

} // namespace
