/*
 * Bearer tokens: 256 random bits for the client, their SHA-256 for the server. Pure regime, but free of any client
 * library and of owning types, so that PG code may include it.
 */
#pragma once

#include <cstddef>
#include <string_view>

#include "core/digest.hpp"

namespace tenancy::identity {

/* SHA-256 of a token: all that the server keeps of it. A malformed token is merely an unknown one. */
using core::Digest;

constexpr std::string_view token_prefix = "tncy_";
/* The prefix and 32 bytes in base64url without padding. */
constexpr std::size_t token_length = token_prefix.size() + 43;

/* A new token as a C string. The prefix lets secret scanners recognise one that leaked. */
void make_token(char (&token)[token_length + 1]);

} // namespace tenancy::identity
