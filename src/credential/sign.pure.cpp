/*
 * See sign.hpp. Pure regime.
 */
#include "credential/sign.hpp"

#include <memory>
#include <string>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include "core/error.hpp"
#include "core/hex.hpp"

namespace tenancy::credential {

namespace {

struct Free {
	void operator()(EVP_KDF *kdf) const noexcept { EVP_KDF_free(kdf); }
	void operator()(EVP_KDF_CTX *context) const noexcept { EVP_KDF_CTX_free(context); }
};

[[noreturn]] void
fail()
{
	throw core::Error(core::FailureKind::other, "58000", "could not sign with a key of the key ring");
}

void
derive(KeyView key, std::string_view purpose, core::Secret &derived)
{
	std::unique_ptr<EVP_KDF, Free> const kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
	std::unique_ptr<EVP_KDF_CTX, Free> const context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
	std::string digest = "SHA256", info(purpose);
	OSSL_PARAM const parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<unsigned char *>(key.data()), key.size()),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
	if (!context || EVP_KDF_derive(context.get(), derived.data(), derived.size(), parameters) != 1)
		fail();
}

} // namespace

Mac
mac_of(KeyView key, std::string_view purpose, std::string_view text)
{
	core::Secret derived(mac_size);
	derive(key, purpose, derived);
	Mac mac;
	unsigned int size = mac_size;
	if (HMAC(EVP_sha256(), derived.data(), static_cast<int>(derived.size()),
	         reinterpret_cast<const unsigned char *>(text.data()), text.size(), mac.data(), &size) == nullptr)
		fail();
	return mac;
}

std::string
hex_of(const Mac &mac)
{
	std::string hex;
	core::append_hex(hex, mac);
	return hex;
}

} // namespace tenancy::credential
