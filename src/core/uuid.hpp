/*
 * UUIDs as PostgreSQL stores them (16 bytes), with the time-ordered version 7 of RFC 9562 section 5.7. Pure regime.
 */
#pragma once

#include <array>
#include <compare>
#include <string>

namespace tenancy::core {

struct Uuid {
	std::array<unsigned char, 16> bytes{};

	auto operator<=>(const Uuid &) const = default;
	bool is_nil() const noexcept { return *this == Uuid{}; }
	/* 36 characters, lower case. */
	std::string text() const;
};

/*
 * Version 7: 48 bits of Unix milliseconds, 12 bits of the fraction of that millisecond (section 6.2, method 3),
 * 62 random bits. Later calls in one process give greater values.
 */
Uuid make_uuid_v7();

} // namespace tenancy::core
