/*
 * Signatures with derived keys. Pure regime.
 */
#include "credential/sign.hpp"

#include <string>

#include <gtest/gtest.h>

namespace {

using namespace tenancy::credential;

std::array<unsigned char, key_size>
key_of(unsigned char first)
{
	std::array<unsigned char, key_size> key{};
	for (std::size_t i = 0; i < key.size(); ++i)
		key[i] = static_cast<unsigned char>(first + i);
	return key;
}

TEST(Sign, IsHmacWithAnHkdfKey)
{
	auto const key = key_of(0);
	/* Python: HKDF(bytes(range(32)), 32, b"", SHA256, context=b"anchor"), then hmac over b"text". */
	EXPECT_EQ(hex_of(mac_of(KeyView(key), "anchor", "text")),
	          "bbcb84963a0fc798740ff4c51f4c5256d08e49db1c8f9e34d32c8159f509c1d0");
}

TEST(Sign, KeyPurposeAndTextAllCount)
{
	auto const key = key_of(0), other = key_of(1);
	Mac const mac = mac_of(KeyView(key), "anchor", "text");
	EXPECT_EQ(mac, mac_of(KeyView(key), "anchor", "text"));
	EXPECT_NE(mac, mac_of(KeyView(other), "anchor", "text"));
	EXPECT_NE(mac, mac_of(KeyView(key), "another", "text"));
	EXPECT_NE(mac, mac_of(KeyView(key), "anchor", "texT"));
	EXPECT_NE(mac, mac_of(KeyView(key), "anchor", ""));
}

} // namespace
