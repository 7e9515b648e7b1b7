/*
 * SHA-256 (FIPS 180-4) by OpenSSL. Pure regime, but free of owning types, so that PG code may include it.
 */
#pragma once

#include <array>
#include <string_view>

namespace tenancy::core {

struct Digest {
	std::array<unsigned char, 32> bytes{};

	bool operator==(const Digest &) const = default;
};

/* False when OpenSSL has no memory for it. */
[[nodiscard]] bool sha256(std::string_view bytes, Digest &digest) noexcept;

/* The same for pure code; throws Error then. */
Digest sha256(std::string_view bytes);

} // namespace tenancy::core
