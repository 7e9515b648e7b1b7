/*
 * Case as SQL has it: of the letters of ASCII alone, whatever the locale. Pure regime.
 */
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace tenancy::remote {

constexpr char
lower_ascii(char c) noexcept
{
	return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string
lower_ascii(std::string_view text)
{
	std::string result(text);
	std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower_ascii(c); });
	return result;
}

constexpr bool
equal_ignoring_case(std::string_view a, std::string_view b) noexcept
{
	return std::equal(a.begin(), a.end(), b.begin(), b.end(),
	                  [](char left, char right) { return lower_ascii(left) == lower_ascii(right); });
}

inline bool
is_one_of(std::string_view word, std::span<const std::string_view> list) noexcept
{
	return std::ranges::any_of(list, [word](std::string_view known) { return equal_ignoring_case(word, known); });
}

} // namespace tenancy::remote
