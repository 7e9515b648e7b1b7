/*
 * Random bytes from OpenSSL. It has a generator of its own for secrets, so that what everybody may see of the other one
 * tells nothing of them. Pure regime.
 */
#pragma once

#include <span>

#include <openssl/rand.h>

#include "core/error.hpp"

namespace tenancy::core {

inline void
fill_random(std::span<unsigned char> bytes)
{
	if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
		throw Error(FailureKind::other, "58000", "could not obtain random bytes");
}

inline void
fill_secret(std::span<unsigned char> bytes)
{
	if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
		throw Error(FailureKind::other, "58000", "could not obtain random bytes");
}

} // namespace tenancy::core
