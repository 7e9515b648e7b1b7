/*
 * Sealing: what opens and what must not. Pure regime.
 */
#include "credential/seal.hpp"

#include <array>
#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "credential/base64.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::credential;

using Key = std::array<unsigned char, key_size>;

Key
key_of(unsigned char first)
{
	Key key;
	for (std::size_t i = 0; i < key_size; ++i)
		key[i] = static_cast<unsigned char>(first + i);
	return key;
}

Key const key = key_of(0);

/* What a text opens to; nothing when it does not open. */
std::optional<std::string>
open(const Key &with, std::string_view text, std::string_view additional = {})
{
	core::Secret secret("stale");
	if (!Sealed(text).open(with, additional, secret)) {
		EXPECT_TRUE(secret.empty());
		return std::nullopt;
	}
	return std::string(secret.view());
}

std::string
bytes_of(std::string_view base64)
{
	std::string bytes(base64.size() / 4 * 3, '\0');
	bytes.resize(from_base64(base64, reinterpret_cast<unsigned char *>(bytes.data())).value());
	return bytes;
}

std::string
text_of(const std::string &bytes)
{
	return to_base64({reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()});
}

TEST(Seal, OpensWhatItSealed)
{
	for (const std::string &plain : {std::string(), std::string("x"), std::string("pässwörd"),
	                                 std::string("nul\0in", 6), std::string(100'000, 'p')}) {
		std::string const sealed = seal(key, plain, "place");
		EXPECT_EQ(sealed.size(), sealed_size(plain.size()));
		EXPECT_EQ(bytes_of(sealed).size(), nonce_size + tag_size + plain.size());
		EXPECT_EQ(open(key, sealed, "place"), plain);
	}
}

TEST(Seal, NoncesDiffer)
{
	std::set<std::string> nonces;
	for (int i = 0; i < 20'000; ++i)
		nonces.insert(bytes_of(seal(key, "same", {})).substr(0, nonce_size));
	EXPECT_EQ(nonces.size(), 20'000U);
}

TEST(Seal, OtherKeyOrPlaceDoesNotOpen)
{
	std::string const sealed = seal(key, "secret", "place");
	EXPECT_EQ(open(key_of(1), sealed, "place"), std::nullopt);
	EXPECT_EQ(open(key, sealed, "palace"), std::nullopt);
	EXPECT_EQ(open(key, sealed, ""), std::nullopt);
	EXPECT_EQ(open(key, seal(key, "secret", {}), "place"), std::nullopt);
}

TEST(Seal, OneFlippedBitDoesNotOpen)
{
	std::string const sealed = bytes_of(seal(key, "secret", "place"));
	for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
		std::string damaged = sealed;
		damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
		EXPECT_EQ(open(key, text_of(damaged), "place"), std::nullopt) << bit;
	}
	for (std::size_t length = nonce_size + tag_size; length < sealed.size(); ++length)
		EXPECT_EQ(open(key, text_of(sealed.substr(0, length)), "place"), std::nullopt) << length;
}

/*
 * Made with pycryptodome: AES.new(bytes(range(32)), AES.MODE_GCM, nonce=bytes(n)).encrypt_and_digest(b"correct horse").
 */
TEST(Seal, OpensTheOtherLayout)
{
	const char *const short_nonce = "AAAAAAAAAAAAAAAAyDsxGP0dAsK0cikP3DzKd23Tx6zQT/edYMfbRn0=";
	const char *const long_nonce = "AAAAAAAAAAAAAAAAAAAAAO5KorHY2WcSYbK9NzjpIEWr0SpI0KZ69HIaCIMW";
	EXPECT_EQ(open(key, short_nonce), "correct horse");
	EXPECT_EQ(open(key, long_nonce), "correct horse");
	/* not in a stored column, which always has the shorter nonce */
	EXPECT_EQ(open(key, long_nonce, "place"), std::nullopt);
}

TEST(Seal, WhatIsNoCiphertextIsRefused)
{
	for (const char *text : {"", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", " AAAA", "AAA",
	                         "A===", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"}) {
		try {
			open(key, text);
			ADD_FAILURE() << text;
		} catch (const core::Error &error) {
			EXPECT_STREQ(error.sqlstate, "22023");
		}
	}
}

TEST(Seal, PlacesAreDistinct)
{
	core::Uuid a, b;
	a.bytes[15] = 1;
	b.bytes[0] = 1;
	std::set<std::string> const places = {
		additional_data(a, b, "password_encrypted"), additional_data(b, a, "password_encrypted"),
		additional_data(a, a, "password_encrypted"), additional_data(a, b, "connection_string_encrypted")};
	EXPECT_EQ(places.size(), 4U);
}

TEST(Base64, IsStrict)
{
	unsigned char out[16];
	EXPECT_EQ(from_base64("", out), 0U);
	EXPECT_EQ(from_base64("TWE=", out), 2U);
	EXPECT_EQ(from_base64("TWFu", out), 3U);
	for (const char *text : {"TWF=", "TW==TWFu", "TWF", "T===", "====", "TW E", "TW-_"})
		EXPECT_EQ(from_base64(text, out), std::nullopt) << text;
	for (int size = 0; size < 40; ++size) {
		std::string bytes;
		for (int i = 0; i < size; ++i)
			bytes += static_cast<char>(i * 37 + size);
		EXPECT_EQ(bytes_of(text_of(bytes)), bytes);
	}
}

} // namespace
