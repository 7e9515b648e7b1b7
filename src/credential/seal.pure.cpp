/*
 * See seal.hpp. Pure regime.
 */
#include "credential/seal.hpp"

#include <algorithm>
#include <climits>
#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "core/error.hpp"
#include "core/random.hpp"
#include "credential/base64.hpp"

namespace tenancy::credential {

namespace {

constexpr std::size_t long_nonce_size = 16;

struct ContextDeleter {
	void operator()(EVP_CIPHER_CTX *context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

[[noreturn]] void
fail(const char *what)
{
	ERR_clear_error();
	throw core::Error(core::FailureKind::other, "58000", what);
}

const unsigned char *
bytes_of(std::string_view text) noexcept
{
	return reinterpret_cast<const unsigned char *>(text.data());
}

int
length_of(std::string_view text)
{
	if (text.size() > INT_MAX / 4)
		throw core::Error(core::FailureKind::other, "54000", "credential is too long");
	return static_cast<int>(text.size());
}

} // namespace

std::string
seal(KeyView key, std::string_view secret, std::string_view additional)
{
	int const length = length_of(secret);
	std::string sealed(nonce_size + tag_size + secret.size(), '\0');
	auto *const nonce = reinterpret_cast<unsigned char *>(sealed.data());
	auto *const tag = nonce + nonce_size;
	auto *const cipher = tag + tag_size;
	int written = 0, rest = 0;

	core::fill_random({nonce, nonce_size});
	Context const context(EVP_CIPHER_CTX_new());
	if (!context || EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce) != 1 ||
	    (!additional.empty() &&
	     EVP_EncryptUpdate(context.get(), nullptr, &written, bytes_of(additional), length_of(additional)) != 1) ||
	    EVP_EncryptUpdate(context.get(), cipher, &written, bytes_of(secret), length) != 1 ||
	    EVP_EncryptFinal_ex(context.get(), cipher + written, &rest) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, tag) != 1)
		fail("could not seal a credential");
	return to_base64({nonce, sealed.size()});
}

Sealed::Sealed(std::string_view text)
{
	bytes_.resize(text.size() / 4 * 3);
	auto const size = from_base64(text, reinterpret_cast<unsigned char *>(bytes_.data()));
	if (!size || *size < nonce_size + tag_size)
		throw core::Error(core::FailureKind::other, "22023", "not a sealed credential",
		                  "A sealed credential is the base64 text of a nonce, a tag and a ciphertext.");
	bytes_.resize(*size);
}

bool
Sealed::open(KeyView key, std::string_view additional, core::Secret &secret) const
{
	return open(key, nonce_size, additional, secret) ||
	       (additional.empty() && open(key, long_nonce_size, additional, secret));
}

bool
Sealed::open(KeyView key, std::size_t nonce, std::string_view additional, core::Secret &secret) const
{
	secret.wipe();
	if (bytes_.size() < nonce + tag_size)
		return false;
	auto const *const start = bytes_of(bytes_);
	unsigned char tag[tag_size];
	std::copy_n(start + nonce, tag_size, tag);
	std::string_view const cipher = std::string_view(bytes_).substr(nonce + tag_size);
	core::Secret plain(cipher.size());
	int written = 0, rest = 0;

	Context const context(EVP_CIPHER_CTX_new());
	if (!context || EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_IVLEN, static_cast<int>(nonce), nullptr) != 1 ||
	    EVP_DecryptInit_ex(context.get(), nullptr, nullptr, key.data(), start) != 1 ||
	    (!additional.empty() &&
	     EVP_DecryptUpdate(context.get(), nullptr, &written, bytes_of(additional), length_of(additional)) != 1) ||
	    EVP_DecryptUpdate(context.get(), plain.data(), &written, bytes_of(cipher), length_of(cipher)) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag) != 1)
		fail("could not open a credential");
	if (EVP_DecryptFinal_ex(context.get(), plain.data() + written, &rest) != 1) {
		ERR_clear_error();
		return false;
	}
	secret = std::move(plain);
	return true;
}

std::string
additional_data(const core::Uuid &user, const core::Uuid &connection, std::string_view column)
{
	std::string data = "tenancy:1:";
	for (const core::Uuid *const uuid : {&user, &connection})
		data.append(reinterpret_cast<const char *>(uuid->bytes.data()), uuid->bytes.size());
	return data.append(column);
}

} // namespace tenancy::credential
