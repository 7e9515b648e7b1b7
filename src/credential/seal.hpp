/*
 * Sealing: AES-256-GCM, as text base64(nonce[12] ‖ tag[16] ‖ ciphertext). Pure regime.
 */
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/secret.hpp"
#include "core/uuid.hpp"

namespace tenancy::credential {

constexpr std::size_t key_size = 32;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;

using KeyView = std::span<const unsigned char, key_size>;

/* Characters of the sealed text of a secret of that many bytes. */
constexpr std::size_t
sealed_size(std::size_t secret) noexcept
{
	return (nonce_size + tag_size + secret + 2) / 3 * 4;
}

/* Seal with a fresh random nonce. additional is authenticated, not stored: opening needs the same. */
std::string seal(KeyView key, std::string_view secret, std::string_view additional);

/*
 * The parts of a sealed text; throws core::Error 22023 when it is none. Base64 as RFC 4648 section 4 has it.
 */
class Sealed {
public:
	explicit Sealed(std::string_view text);
	/*
	 * Open with a key; false when key, additional data or text do not belong together, and secret is then empty.
	 * Without additional data the layout with a nonce of 16 bytes opens too, which other AES-GCM libraries make.
	 */
	bool open(KeyView key, std::string_view additional, core::Secret &secret) const;

private:
	bool open(KeyView key, std::size_t nonce, std::string_view additional, core::Secret &secret) const;
	std::string bytes_;
};

/* The additional data of a stored column: a tag, two UUIDs of fixed length, and the column's name as the rest. */
std::string additional_data(const core::Uuid &user, const core::Uuid &connection, std::string_view column);

} // namespace tenancy::credential
