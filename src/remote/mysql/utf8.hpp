/*
 * Is what a server calls text really text? PostgreSQL takes neither malformed UTF-8 nor NUL, and a value that is cut
 * at a NUL would be a wrong value. Pure regime.
 */
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "remote/text.hpp"

namespace tenancy::remote::mysql {

/* Well-formed UTF-8 without NUL; eight ASCII bytes at a time, since every cell of text passes here. */
inline bool
is_valid_text(std::string_view text) noexcept
{
	constexpr std::uint64_t highs = 0x8080808080808080, ones = 0x0101010101010101;
	while (!text.empty()) {
		if (text.size() >= 8) {
			std::uint64_t word;
			std::memcpy(&word, text.data(), 8);
			/* Subtracting one from each byte sets the high bit of a zero, and of no other ASCII byte before it. */
			if (((word | (word - ones)) & highs) == 0) {
				text.remove_prefix(8);
				continue;
			}
		}
		std::size_t const length = text.front() == 0 ? 0 : utf8_sequence(text);
		if (length == 0)
			return false;
		text.remove_prefix(length);
	}
	return true;
}

} // namespace tenancy::remote::mysql
