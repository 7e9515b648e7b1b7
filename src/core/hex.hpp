/*
 * Bytes as hexadecimal digits, lower case. Pure regime.
 */
#pragma once

#include <string>

namespace tenancy::core {

/* Two digits of one byte; answers what follows them. */
inline char *
put_hex(char *to, unsigned char byte) noexcept
{
	constexpr char digits[] = "0123456789abcdef";
	*to++ = digits[byte >> 4];
	*to++ = digits[byte & 15];
	return to;
}

/* Two digits for each of the bytes. */
template <class Bytes>
void
append_hex(std::string &out, const Bytes &bytes)
{
	std::size_t const before = out.size();
	out.resize(before + 2 * std::size(bytes));
	char *to = out.data() + before;
	for (auto const byte : bytes)
		to = put_hex(to, static_cast<unsigned char>(byte));
}

} // namespace tenancy::core
