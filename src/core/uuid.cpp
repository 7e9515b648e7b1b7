/*
 * Version 7 UUIDs. Pure regime.
 */
#include "core/uuid.hpp"

#include <chrono>
#include <cstdint>

#include "core/hex.hpp"
#include "core/random.hpp"

namespace tenancy::core {

std::string
Uuid::text() const
{
	std::string text(36, '-');
	char *to = text.data();
	for (std::size_t i = 0; i < bytes.size(); ++i) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			++to;
		to = put_hex(to, bytes[i]);
	}
	return text;
}

Uuid
make_uuid_v7()
{
	static std::uint64_t last = 0;
	using namespace std::chrono;
	auto const now = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
	/* 60 bits: milliseconds, then 1/4096ths of one. */
	std::uint64_t stamp = (static_cast<std::uint64_t>(now / 1'000'000) << 12) |
	                      static_cast<std::uint64_t>((now % 1'000'000) * 4096 / 1'000'000);
	if (stamp <= last)
		stamp = last + 1;
	last = stamp;

	Uuid uuid;
	fill_random(std::span(uuid.bytes).subspan(8));
	for (int i = 0; i < 6; ++i)
		uuid.bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(stamp >> (52 - 8 * i));
	uuid.bytes[6] = static_cast<unsigned char>(0x70 | ((stamp >> 8) & 0x0f));
	uuid.bytes[7] = static_cast<unsigned char>(stamp);
	uuid.bytes[8] = static_cast<unsigned char>(0x80 | (uuid.bytes[8] & 0x3f));
	return uuid;
}

} // namespace tenancy::core
