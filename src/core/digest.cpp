/*
 * See digest.hpp. Pure regime.
 */
#include "core/digest.hpp"

#include <openssl/evp.h>

#include "core/error.hpp"

namespace tenancy::core {

bool
sha256(std::string_view bytes, Digest &digest) noexcept
{
	/* To look an algorithm up takes OpenSSL longer than to run it on a few words. */
	static EVP_MD *const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
	unsigned size = 0;
	return algorithm != nullptr &&
	       EVP_Digest(bytes.data(), bytes.size(), digest.bytes.data(), &size, algorithm, nullptr) == 1;
}

Digest
sha256(std::string_view bytes)
{
	Digest digest;
	if (!sha256(bytes, digest))
		throw Error(FailureKind::other, "58000", "could not compute a SHA-256 digest");
	return digest;
}

} // namespace tenancy::core
