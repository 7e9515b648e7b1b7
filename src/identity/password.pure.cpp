/*
 * See password.hpp. Pure regime.
 */
#include "identity/password.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "core/error.hpp"
#include "core/random.hpp"
#include "core/utf8.hpp"

namespace tenancy::identity {

namespace {

constexpr std::size_t salt_size = 16;
constexpr std::size_t key_size = 32;
constexpr std::uint64_t block_size = 8; /* r */
constexpr int min_cost = 1;
constexpr int max_cost = 22; /* 4 GB; what a damaged hash may ask for at most */
constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

using Salt = std::array<unsigned char, salt_size>;
using Key = std::array<unsigned char, key_size>;

struct Hash {
	int cost;
	Salt salt;
	Key key;
};

/* Base64 without padding, as PHC strings have it. */
std::string
encode(std::span<const unsigned char> bytes)
{
	std::string text;
	unsigned buffer = 0;
	int bits = 0;
	for (unsigned char const byte : bytes) {
		buffer = buffer << 8 | byte;
		for (bits += 8; bits >= 6; bits -= 6)
			text += base64[buffer >> (bits - 6) & 63];
	}
	if (bits > 0)
		text += base64[buffer << (6 - bits) & 63];
	return text;
}

/* Exactly bytes.size() bytes in canonical form, or false. */
bool
decode(std::string_view text, std::span<unsigned char> bytes) noexcept
{
	if (text.size() != (bytes.size() * 8 + 5) / 6)
		return false;
	unsigned buffer = 0;
	int bits = 0;
	std::size_t filled = 0;
	for (char const c : text) {
		std::size_t const digit = base64.find(c);
		if (digit == base64.npos)
			return false;
		buffer = buffer << 6 | static_cast<unsigned>(digit);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes[filled++] = static_cast<unsigned char>(buffer >> bits);
		}
	}
	return filled == bytes.size() && (buffer & ((1U << bits) - 1)) == 0;
}

std::optional<Hash>
parse(std::string_view text) noexcept
{
	constexpr std::string_view head = "$scrypt$ln=";
	constexpr std::string_view parameters = ",r=8,p=1$";
	if (!text.starts_with(head))
		return std::nullopt;
	text.remove_prefix(head.size());
	Hash hash{};
	auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash.cost);
	if (error != std::errc{} || hash.cost < min_cost || hash.cost > max_cost)
		return std::nullopt;
	text.remove_prefix(static_cast<std::size_t>(end - text.data()));
	if (!text.starts_with(parameters))
		return std::nullopt;
	text.remove_prefix(parameters.size());
	std::size_t const dollar = text.find('$');
	if (dollar == text.npos || !decode(text.substr(0, dollar), hash.salt) || !decode(text.substr(dollar + 1), hash.key))
		return std::nullopt;
	return hash;
}

void
derive(std::string_view password, const Salt &salt, int cost, Key &key)
{
	std::uint64_t const n = std::uint64_t{1} << cost;
	/* RFC 7914: 128 r N bytes for V, 128 r p for B, a little for X and T; OpenSSL's own limit is 32 MB. */
	std::uint64_t const memory = 128 * block_size * (n + 16);
	if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), n, block_size, 1, memory, key.data(),
	                   key.size()) != 1) {
		ERR_clear_error();
		throw core::Error(core::FailureKind::other, "53200", "could not compute a password hash",
		                  "The memory that the cost asks for may not be available.");
	}
}

/* Spend what deriving a key of the given cost takes, some of which has been spent already. */
void
spend(std::string_view password, int cost, int spent)
{
	Salt const salt{};
	Key key;
	for (int step = spent; step < cost; ++step)
		derive(password, salt, step, key);
}

} // namespace

void
check_password(std::string_view password)
{
	if (core::count_characters(password) < min_password_characters)
		throw core::Error(core::FailureKind::other, "22023", "password is too short",
		                  "A password has at least " + std::to_string(min_password_characters) + " characters.");
	if (password.size() > max_password_bytes)
		throw core::Error(core::FailureKind::other, "22023", "password is too long",
		                  "A password has at most " + std::to_string(max_password_bytes) + " bytes.");
}

void
hash_password(std::string_view password, int cost, char (&hash)[max_hash_size])
{
	Salt salt;
	Key key;
	core::fill_random(salt);
	derive(password, salt, cost, key);
	std::snprintf(hash, max_hash_size, "$scrypt$ln=%d,r=8,p=1$%s$%s", cost, encode(salt).c_str(), encode(key).c_str());
	OPENSSL_cleanse(key.data(), key.size());
}

bool
verify_password(std::string_view password, std::string_view hash, int cost)
{
	/* No account takes a password this long; do not let its length be the work. */
	if (password.size() > max_password_bytes)
		password = password.substr(0, 0);
	std::optional<Hash> const stored = parse(hash);
	Key key;
	derive(password, stored ? stored->salt : Salt{}, stored ? stored->cost : cost, key);
	bool const same = stored && !password.empty() && CRYPTO_memcmp(key.data(), stored->key.data(), key_size) == 0;
	OPENSSL_cleanse(key.data(), key.size());
	if (!same && stored)
		spend(password, cost, stored->cost);
	return same;
}

bool
is_outdated(std::string_view hash, int cost) noexcept
{
	std::optional<Hash> const stored = parse(hash);
	return stored && stored->cost < cost;
}

} // namespace tenancy::identity
