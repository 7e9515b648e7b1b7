/*
 * Base64 of RFC 4648 section 4, strict: padded, canonical, no white space. Pure regime.
 */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tenancy::credential {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline std::string
to_base64(std::span<const unsigned char> bytes)
{
	std::string text;
	text.reserve((bytes.size() + 2) / 3 * 4);
	for (std::size_t i = 0; i < bytes.size(); i += 3) {
		std::size_t const left = bytes.size() - i;
		std::uint32_t const group = static_cast<std::uint32_t>(bytes[i]) << 16 |
		                            (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0) |
		                            (left > 2 ? static_cast<std::uint32_t>(bytes[i + 2]) : 0);
		text += base64_digits[group >> 18 & 63];
		text += base64_digits[group >> 12 & 63];
		text += left > 1 ? base64_digits[group >> 6 & 63] : '=';
		text += left > 2 ? base64_digits[group & 63] : '=';
	}
	return text;
}

/*
 * Decode into out, which holds text.size() / 4 * 3 bytes; the number of bytes, or nothing for a text that is not
 * base64.
 */
inline std::optional<std::size_t>
from_base64(std::string_view text, unsigned char *out) noexcept
{
	static constexpr auto values = [] {
		std::array<std::int8_t, 256> table{};
		table.fill(-1);
		for (std::size_t i = 0; i < base64_digits.size(); ++i)
			table[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::int8_t>(i);
		return table;
	}();
	if (text.size() % 4 != 0)
		return std::nullopt;
	std::size_t padding = 0;
	while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=')
		++padding;
	std::size_t const digits = text.size() - padding;
	std::uint32_t buffer = 0;
	int bits = 0;
	std::size_t size = 0;
	for (std::size_t i = 0; i < digits; ++i) {
		std::int8_t const value = values[static_cast<unsigned char>(text[i])];
		if (value < 0)
			return std::nullopt;
		buffer = (buffer << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[size++] = static_cast<unsigned char>(buffer >> bits & 0xff);
		}
	}
	if ((buffer & ((1U << bits) - 1)) != 0)
		return std::nullopt;
	return size;
}

} // namespace tenancy::credential
