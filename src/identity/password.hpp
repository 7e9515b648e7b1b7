/*
 * Password hashes: scrypt in PHC form, "$scrypt$ln=15,r=8,p=1$salt$hash", so that each hash says what it cost.
 * Pure regime, but free of owning types, so that PG code may include it.
 */
#pragma once

#include <cstddef>
#include <string_view>

namespace tenancy::identity {

/* Room for any hash that hash_password() makes, with its NUL; the column takes 255 characters. */
constexpr std::size_t max_hash_size = 128;

constexpr std::size_t min_password_characters = 8; /* NIST SP 800-63B section 5.1.1.2 */
constexpr std::size_t max_password_bytes = 1024;

/* Throws core::Error 22023 for a password (UTF-8) that is too short or too long. */
void check_password(std::string_view password);

/* scrypt with N = 2^cost and a random salt. Takes some 60 ms and 32 MB at cost 15. */
void hash_password(std::string_view password, int cost, char (&hash)[max_hash_size]);

/*
 * Does the password match? An empty or unreadable hash never does, and costs what a hash of the given cost costs;
 * a failed comparison with a cheaper hash is topped up to that cost, so that time tells nobody which accounts exist.
 */
bool verify_password(std::string_view password, std::string_view hash, int cost);

/* Is the hash cheaper than cost, so that it should be made anew while the password is at hand? */
bool is_outdated(std::string_view hash, int cost) noexcept;

} // namespace tenancy::identity
