/*
 * Bearer tokens: 256 random bits for the client, their SHA-256 for the server. Pure regime, but free of any client
 * library and of owning types, so that PG code may include it.
 */
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tenancy::identity {

/* SHA-256 of a token: all that the server keeps of it. */
struct Digest {
	std::array<unsigned char, 32> bytes{};

	bool operator==(const Digest &) const = default;
};

/* The digest of any text, so that a malformed token is merely an unknown one. Never throws. */
Digest digest_of(std::string_view text) noexcept;

constexpr std::string_view token_prefix = "tncy_";
/* The prefix and 32 bytes in base64url without padding. */
constexpr std::size_t token_length = token_prefix.size() + 43;

/* A new token as a C string. The prefix lets secret scanners recognise one that leaked. */
void make_token(char (&token)[token_length + 1]);

} // namespace tenancy::identity
