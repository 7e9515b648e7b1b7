/*
 * Small questions about text from outside, and its safe form in a message. Pure regime.
 */
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace tenancy::remote {

constexpr bool
is_control(char c) noexcept
{
	return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

inline bool
has_control(std::string_view text) noexcept
{
	return std::any_of(text.begin(), text.end(), is_control);
}

/* Length of the well-formed UTF-8 sequence at the start of text; 0 when it is none (Unicode 15, table 3-7). */
constexpr std::size_t
utf8_sequence(std::string_view text) noexcept
{
	auto const byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
	auto const tail = [&byte](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
	unsigned const lead = byte(0);
	if (text.empty())
		return 0;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return tail(1) ? 2 : 0;
	if (lead >= 0xe0 && lead <= 0xef) {
		bool const overlong = lead == 0xe0 && byte(1) < 0xa0;
		bool const surrogate = lead == 0xed && byte(1) > 0x9f;
		return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		bool const overlong = lead == 0xf0 && byte(1) < 0x90;
		bool const beyond = lead == 0xf4 && byte(1) > 0x8f;
		return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
	}
	return 0;
}

constexpr bool
is_utf8(std::string_view text) noexcept
{
	while (!text.empty()) {
		std::size_t const length = utf8_sequence(text);
		if (length == 0)
			return false;
		text.remove_prefix(length);
	}
	return true;
}

/* Quotes a name or a string as SQL does: between marks, and a mark in it twice. */
inline std::string
quoted(std::string_view text, char mark)
{
	std::string out(1, mark);
	for (char const c : text)
		out.append(c == mark ? 2 : 1, c);
	return out += mark;
}

/* The text for a message: only printable ASCII, and not too much of it. */
inline std::string
printable(std::string_view text)
{
	std::string out(text.substr(0, 64));
	std::replace_if(
		out.begin(), out.end(), [](char c) { return c < ' ' || c > '~' || c == '"'; }, '?');
	return text.size() > 64 ? out + "..." : out;
}

/* The text without the secret, which whoever answers may have repeated. */
inline std::string
redact(std::string text, std::string_view secret)
{
	constexpr std::string_view stars = "***";
	if (secret.empty())
		return text;
	/* Go on behind the stars, since a secret may be a part of them. */
	for (std::size_t at = text.find(secret); at != text.npos; at = text.find(secret, at + stars.size()))
		text.replace(at, secret.size(), stars);
	return text;
}

constexpr std::string_view
trimmed(std::string_view text) noexcept
{
	constexpr std::string_view spaces = " \t\r\n";
	std::size_t const first = text.find_first_not_of(spaces);
	if (first == std::string_view::npos)
		return {};
	return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

} // namespace tenancy::remote
