/*
 * Histograms of durations: their error, their sums, and bytes that are none. Pure regime.
 */
#include "dashboard/histogram.pure.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace tenancy::dashboard;

using Stored = std::vector<unsigned char>;

Stored
stored(const std::vector<std::uint64_t> &values)
{
	auto const histogram = std::make_unique<Histogram>();
	for (std::uint64_t const value : values)
		histogram->add(value);
	Stored bytes(longest_size(bucket_count));
	bytes.resize(histogram->store(bytes.data()));
	return bytes;
}

std::vector<std::uint64_t>
durations(std::mt19937_64 &random, std::size_t count)
{
	std::lognormal_distribution<double> draw(8, 3);
	std::vector<std::uint64_t> values(count);
	for (auto &value : values)
		value = static_cast<std::uint64_t>(draw(random));
	return values;
}

TEST(Histogram, BucketsAreInOrderAndTheirMiddleIsNear)
{
	std::size_t last = 0;
	for (std::uint64_t value = 0; value < std::uint64_t{1} << largest_bits; value += 1 + value / 1000) {
		std::size_t const bucket = bucket_of(value);
		ASSERT_TRUE(bucket >= last && bucket < bucket_count) << value;
		ASSERT_LE(std::abs(middle_of(bucket) - static_cast<double>(value)), static_cast<double>(value) / 64) << value;
		last = bucket;
	}
	EXPECT_EQ(bucket_of(~std::uint64_t{0}), bucket_count - 1);
}

TEST(Histogram, QuantilesAreWithinTheStatedError)
{
	std::mt19937_64 random(42);
	for (std::size_t const count : {1U, 2U, 3U, 20U, 1000U, 50'000U}) {
		auto values = durations(random, count);
		Stored const bytes = stored(values);
		std::ranges::sort(values);
		for (double const fraction : {0.0, 0.5, 0.95, 0.99, 1.0}) {
			auto const rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(fraction * double(count))));
			double const exact = static_cast<double>(values[rank - 1]);
			EXPECT_LE(std::abs(quantile_of(bytes, fraction) - exact), exact / 64) << count << " " << fraction;
		}
	}
	EXPECT_LT(quantile_of(stored({}), 0.5), 0);
}

TEST(Histogram, SumsAreExact)
{
	std::mt19937_64 random(7);
	for (std::size_t const count : {0U, 1U, 100U, 20'000U}) {
		auto left = durations(random, count), right = durations(random, count / 2 + 1);
		Stored const a = stored(left), b = stored(right);
		Stored sum(2 * (a.size() + b.size()) + longest_pair);
		sum.resize(add_stored(a, b, sum.data()));
		left.insert(left.end(), right.begin(), right.end());
		EXPECT_EQ(sum, stored(left));
	}
}

TEST(Histogram, BytesThatAreNoneAreNoticed)
{
	Stored room(1000);
	Stored const good = stored({5, 500, 50'000});
	for (Stored const &bad : {Stored{}, Stored{2}, Stored{1, 5}, Stored{1, 5, 0x80}, Stored{1, 5, 1, 0, 1},
	                          Stored{1, 0xff, 0xff, 0x7f, 1}, Stored(30, 0xff)}) {
		EXPECT_EQ(add_stored(good, bad, room.data()), 0U);
		EXPECT_TRUE(std::isnan(quantile_of(bad, 0.5)));
		EXPECT_FALSE(std::make_unique<Histogram>()->add(bad));
	}
}

} // namespace
