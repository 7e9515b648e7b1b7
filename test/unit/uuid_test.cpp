/*
 * Version 7 UUIDs: layout, order, text. Pure regime.
 */
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "core/uuid.hpp"

namespace {

using tenancy::core::make_uuid_v7;
using tenancy::core::Uuid;

TEST(Uuid, Text)
{
	Uuid uuid;
	EXPECT_TRUE(uuid.is_nil());
	EXPECT_EQ(uuid.text(), "00000000-0000-0000-0000-000000000000");
	for (std::size_t i = 0; i < uuid.bytes.size(); ++i)
		uuid.bytes[i] = static_cast<unsigned char>(i * 17);
	EXPECT_EQ(uuid.text(), "00112233-4455-6677-8899-aabbccddeeff");
	EXPECT_FALSE(uuid.is_nil());
}

TEST(Uuid, LayoutOfVersion7)
{
	using namespace std::chrono;
	auto const now = [] { return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count(); };
	auto const before = now();
	Uuid const uuid = make_uuid_v7();
	auto const after = now();
	std::int64_t stamp = 0;
	for (std::size_t i = 0; i < 6; ++i)
		stamp = stamp << 8 | uuid.bytes[i];
	EXPECT_GE(stamp, before);
	EXPECT_LE(stamp, after + 1);
	EXPECT_EQ(uuid.bytes[6] >> 4, 7);
	EXPECT_EQ(uuid.bytes[8] >> 6, 2);
	EXPECT_EQ(uuid.text().size(), 36U);
	EXPECT_EQ(uuid.text()[14], '7');
}

TEST(Uuid, LaterOnesAreGreater)
{
	std::set<Uuid> seen;
	Uuid last;
	for (int i = 0; i < 100'000; ++i) {
		Uuid const uuid = make_uuid_v7();
		ASSERT_LT(last, uuid);
		seen.insert(uuid);
		last = uuid;
	}
	EXPECT_EQ(seen.size(), 100'000U);
}

TEST(Uuid, RandomBitsDiffer)
{
	std::set<std::string> tails;
	for (int i = 0; i < 1000; ++i)
		tails.insert(make_uuid_v7().text().substr(19));
	EXPECT_EQ(tails.size(), 1000U);
}

} // namespace
