/*
 * What servers and client libraries say of an error, made safe to show and to keep. Pure regime.
 */
#pragma once

#include <string>
#include <string_view>

#include "remote/text.hpp"

namespace tenancy::remote {

/* Five digits and capital letters? A server may send anything in place of a SQLSTATE. */
constexpr bool
is_sqlstate(std::string_view text) noexcept
{
	return text.size() == 5 && text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == text.npos;
}

/* Control characters become spaces, bytes that are not UTF-8 question marks, and the ends are trimmed. */
inline std::string
clean(std::string_view text)
{
	std::string result;
	result.reserve(text.size());
	while (!text.empty()) {
		std::size_t const size = utf8_sequence(text);
		if (is_control(text[0]))
			result += ' ';
		else if (size == 0)
			result += '?';
		else
			result += text.substr(0, size);
		text.remove_prefix(size == 0 ? 1 : size);
	}
	result.erase(result.find_last_not_of(' ') + 1);
	result.erase(0, result.find_first_not_of(' '));
	return result;
}

} // namespace tenancy::remote
