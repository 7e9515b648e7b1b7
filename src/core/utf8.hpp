/*
 * Characters of UTF-8, which is taken for valid. Pure regime.
 */
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tenancy::core {

/* Is that the first byte of a character? */
constexpr bool
begins_character(char byte) noexcept
{
	return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

constexpr std::size_t
count_characters(std::string_view utf8) noexcept
{
	return static_cast<std::size_t>(std::ranges::count_if(utf8, begins_character));
}

} // namespace tenancy::core
