/*
 * Message authentication with keys derived from those of the key ring. Pure regime.
 */
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "credential/seal.hpp"

namespace tenancy::credential {

constexpr std::size_t mac_size = 32;
using Mac = std::array<unsigned char, mac_size>;

/*
 * HMAC-SHA-256 of text. Its key is HKDF-SHA-256 (RFC 5869) of key with the purpose as info, so that no two purposes,
 * and no purpose and the sealing itself, use the same key.
 */
Mac mac_of(KeyView key, std::string_view purpose, std::string_view text);

std::string hex_of(const Mac &mac);

} // namespace tenancy::credential
