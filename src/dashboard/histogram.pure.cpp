/*
 * See histogram.pure.hpp. Pure regime.
 */
#include "dashboard/histogram.pure.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tenancy::dashboard {

namespace {

constexpr std::uint64_t fine = std::uint64_t{1} << bucket_bits; /* buckets of a power of two */

} // namespace

std::size_t
bucket_of(std::uint64_t microseconds) noexcept
{
	std::uint64_t const value = std::min(microseconds, (std::uint64_t{1} << largest_bits) - 1);
	if (value < fine)
		return static_cast<std::size_t>(value);
	int const shift = std::bit_width(value) - 1 - bucket_bits;
	return static_cast<std::size_t>((static_cast<std::uint64_t>(shift) << bucket_bits) + (value >> shift));
}

double
middle_of(std::size_t bucket) noexcept
{
	if (bucket < 2 * fine)
		return static_cast<double>(bucket);
	std::size_t const shift = (bucket >> bucket_bits) - 1;
	double const least = std::ldexp(static_cast<double>((bucket & (fine - 1)) + fine), static_cast<int>(shift));
	return least + (std::ldexp(1, static_cast<int>(shift)) - 1) / 2;
}

Reader::Reader(Bytes bytes) noexcept : rest_(bytes)
{
	bad_ = bytes.empty() || bytes.front() != stored_format;
	if (!bad_)
		rest_ = bytes.subspan(1);
}

bool
Reader::take(std::uint64_t &value) noexcept
{
	value = 0;
	for (unsigned shift = 0; shift < 63 && !rest_.empty(); shift += 7) {
		unsigned char const byte = rest_.front();
		rest_ = rest_.subspan(1);
		value |= std::uint64_t{byte & 0x7fU} << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

bool
Reader::next() noexcept
{
	if (bad_ || rest_.empty())
		return false;
	std::uint64_t gap;
	bad_ = !take(gap) || !take(count_) || gap >= bucket_count || (begun_ && gap == 0) || bucket_ + gap >= bucket_count;
	bucket_ += static_cast<std::size_t>(bad_ ? 0 : gap);
	begun_ = true;
	return !bad_;
}

void
Writer::put(std::uint64_t value) noexcept
{
	for (; value >= 0x80; value >>= 7)
		*to_++ = static_cast<unsigned char>(value | 0x80);
	*to_++ = static_cast<unsigned char>(value);
}

void
Writer::put(std::size_t bucket, std::uint64_t count) noexcept
{
	put(std::uint64_t{bucket - last_});
	put(count);
	last_ = bucket;
}

bool
Histogram::add(Bytes stored) noexcept
{
	Reader reader(stored);
	while (reader.next())
		counts[reader.bucket()] += reader.count();
	return !reader.bad();
}

std::size_t
Histogram::store(unsigned char *to) const noexcept
{
	Writer writer(to);
	for (std::size_t i = 0; i < bucket_count; ++i)
		if (counts[i] != 0)
			writer.put(i, counts[i]);
	return writer.size();
}

std::size_t
add_stored(Bytes left, Bytes right, unsigned char *to) noexcept
{
	Reader a(left), b(right);
	Writer writer(to);
	bool more_a = a.next(), more_b = b.next();
	while (more_a || more_b) {
		bool const from_a = more_a && (!more_b || a.bucket() <= b.bucket());
		bool const from_b = more_b && (!more_a || b.bucket() <= a.bucket());
		writer.put(from_a ? a.bucket() : b.bucket(), (from_a ? a.count() : 0) + (from_b ? b.count() : 0));
		more_a = from_a ? a.next() : more_a;
		more_b = from_b ? b.next() : more_b;
	}
	return a.bad() || b.bad() ? 0 : writer.size();
}

std::optional<std::uint64_t>
count_of(Bytes stored) noexcept
{
	std::uint64_t total = 0;
	Reader reader(stored);
	while (reader.next())
		total += reader.count();
	return reader.bad() ? std::nullopt : std::optional(total);
}

double
quantile_of(Bytes stored, double fraction) noexcept
{
	auto const total = count_of(stored);
	if (!total)
		return std::numeric_limits<double>::quiet_NaN();
	if (*total == 0)
		return -1;
	auto const rank =
		std::max(std::uint64_t{1}, static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(*total))));
	std::uint64_t seen = 0;
	for (Reader reader(stored); reader.next();)
		if ((seen += reader.count()) >= rank)
			return middle_of(reader.bucket());
	return -1;
}

} // namespace tenancy::dashboard
