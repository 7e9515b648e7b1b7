/*
 * See token.hpp. Pure regime.
 */
#include "identity/token.hpp"

#include <algorithm>

#include <openssl/crypto.h>

#include "core/random.hpp"

namespace tenancy::identity {

namespace {

constexpr std::string_view base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

} // namespace

void
make_token(char (&token)[token_length + 1])
{
	unsigned char random[33] = {}; /* a zero byte more, so that the last group of three is whole */
	core::fill_secret(std::span(random).first(32));
	char *to = std::copy(token_prefix.begin(), token_prefix.end(), token);
	for (std::size_t i = 0; i < sizeof random; i += 3) {
		unsigned const group = random[i] << 16 | random[i + 1] << 8 | random[i + 2];
		for (int shift = 18; shift >= 0 && to < token + token_length; shift -= 6)
			*to++ = base64url[group >> shift & 63];
	}
	*to = 0;
	OPENSSL_cleanse(random, sizeof random);
}

} // namespace tenancy::identity
