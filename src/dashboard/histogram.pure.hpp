/*
 * Durations in buckets of a log-linear scale, as HdrHistogram has them: sums of histograms are exact, so that quantiles
 * of any span of time come from the same few numbers. Pure regime; nothing here allocates or throws.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tenancy::dashboard {

using Bytes = std::span<const unsigned char>;

/*
 * Below 32 µs each microsecond has a bucket; above, each power of two has 32 of the same width. The middle of a bucket
 * is at most 1/64 of its least value away from any value in it.
 */
constexpr int bucket_bits = 5;
constexpr int largest_bits = 42; /* values from 2^42 µs on, some 50 days, count as the largest */
constexpr std::size_t bucket_count = std::size_t{largest_bits - bucket_bits + 1} << bucket_bits;

std::size_t bucket_of(std::uint64_t microseconds) noexcept;
/* The value that stands for a bucket. */
double middle_of(std::size_t bucket) noexcept;

/*
 * Stored: a byte that says the format, then for each bucket that is not empty, in order, the distance from the one
 * before and the count, both as varints (LEB128).
 */
constexpr unsigned char stored_format = 1;
constexpr std::size_t longest_pair = 2 + 10;

/* The buckets of a stored histogram one by one. bad() after the last means that the bytes are no histogram. */
class Reader {
public:
	explicit Reader(Bytes bytes) noexcept;
	bool next() noexcept;
	bool bad() const noexcept { return bad_; }
	std::size_t bucket() const noexcept { return bucket_; }
	std::uint64_t count() const noexcept { return count_; }

private:
	bool take(std::uint64_t &value) noexcept;

	Bytes rest_;
	std::size_t bucket_ = 0;
	std::uint64_t count_ = 0;
	bool begun_ = false;
	bool bad_ = false;
};

/* Writes to memory that has room for longest_size of as many buckets. */
class Writer {
public:
	explicit Writer(unsigned char *to) noexcept : start_(to), to_(to) { *to_++ = stored_format; }
	void put(std::size_t bucket, std::uint64_t count) noexcept;
	std::size_t size() const noexcept { return static_cast<std::size_t>(to_ - start_); }

private:
	void put(std::uint64_t value) noexcept;

	unsigned char *start_, *to_;
	std::size_t last_ = 0;
};

constexpr std::size_t
longest_size(std::size_t buckets) noexcept
{
	return 1 + buckets * longest_pair;
}

/* One count for each bucket, while rows are being collected. Zero-initialized memory is an empty one. */
struct Histogram {
	std::array<std::uint64_t, bucket_count> counts;

	void add(std::uint64_t microseconds) noexcept { ++counts[bucket_of(microseconds)]; }
	/* False when the bytes are no histogram. */
	bool add(Bytes stored) noexcept;
	/* to has room for longest_size(bucket_count); answers the size. */
	std::size_t store(unsigned char *to) const noexcept;
};

/* The sum of two stored histograms; to has room for both together. 0 when one is none. */
std::size_t add_stored(Bytes left, Bytes right, unsigned char *to) noexcept;

/* How many durations a stored histogram has; nothing for bytes that are none. */
std::optional<std::uint64_t> count_of(Bytes stored) noexcept;

/*
 * The value of rank ceil(fraction × n), as percentile_disc has it, by the middle of its bucket: microseconds, a
 * negative number for an empty histogram, not a number for bytes that are none.
 */
double quantile_of(Bytes stored, double fraction) noexcept;

} // namespace tenancy::dashboard
