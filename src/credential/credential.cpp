/*
 * Opening and sealing the secrets of connections, and the administrator's functions for single secrets. PG regime.
 * Plain text stays in pure code, but for the text that decrypt_database_password answers.
 */
#include <string.h>

#include "bridge/pg.hpp"
extern "C" {
#include "mb/pg_wchar.h"
}

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/function.hpp"
#include "bridge/param.hpp"
#include "bridge/wait.hpp"
#include "credential/credential.hpp"
#include "credential/source.hpp"
#include "credential/seal.hpp"
#include "credential/vault.hpp"
#include "identity/identity.hpp"
#include "settings.hpp"

namespace tenancy::credential {

vault::Source
key_source()
{
	return {settings::key_file != nullptr ? settings::key_file : "",
	        settings::key_command != nullptr ? settings::key_command : ""};
}

void
refuse_ciphertext()
{
	throw core::Error(core::FailureKind::other, "28000", "could not open a sealed credential",
	                  "The ciphertext does not belong to this row, or its key is not in the key ring.");
}

void
open(const char *ciphertext, const Place &place, core::Secret &secret)
{
	vault::Source const source = key_source();
	bridge::enter([&] {
		vault::refresh(source, bridge::waiter());
		if (!vault::open(source, ciphertext, additional_data(place.user, place.connection, place.column), secret,
		                 bridge::waiter()))
			refuse_ciphertext();
	});
}

char *
trouble_with_ring(char **active)
{
	vault::Source const source = key_source();
	bridge::Failure failure;
	if (bridge::attempt(failure, [&] { vault::refresh(source, bridge::waiter()); })) {
		*active = pnstrdup(vault::id(0).data(), vault::id(0).size());
		return nullptr;
	}
	if (failure.pg != nullptr)
		bridge::raise(failure);
	return bridge::one_line(failure);
}

char *
seal(const char *secret, const Place &place, char **key_id)
{
	vault::Source const source = key_source();
	std::size_t const length = strlen(secret);
	char *const text = static_cast<char *>(palloc(sealed_size(length) + 1));
	vault::KeyId id;
	bridge::enter([&] {
		vault::refresh(source, bridge::waiter());
		vault::seal({secret, length}, additional_data(place.user, place.connection, place.column), text, id);
	});
	*key_id = pstrdup(id);
	return text;
}

/* Seals without additional data, so that other programs with the same key can open the result. */
TENANCY_FUNCTION(encrypt_database_password)
{
	identity::hide_statement("encrypt_database_password");
	identity::require_admin();
	char *const plain = bridge::text_argument(fcinfo, 0);
	std::string_view const secret = bridge::utf8(plain);
	char *const sealed = static_cast<char *>(palloc(sealed_size(secret.size()) + 1));
	vault::Source const source = key_source();
	vault::KeyId id;
	bridge::enter([&] {
		vault::refresh(source, bridge::waiter());
		vault::seal(secret, {}, sealed, id);
	});
	explicit_bzero(plain, strlen(plain));
	PG_RETURN_TEXT_P(cstring_to_text(sealed));
}

TENANCY_FUNCTION(decrypt_database_password)
{
	identity::hide_statement("decrypt_database_password");
	identity::require_admin();
	const char *const sealed = bridge::text_argument(fcinfo, 0);
	char *const plain = static_cast<char *>(palloc(strlen(sealed) + 1)); /* more than it can hold */
	vault::Source const source = key_source();
	std::size_t const length = bridge::enter([&] {
		core::Secret secret;
		vault::refresh(source, bridge::waiter());
		if (!vault::open(source, sealed, {}, secret, bridge::waiter()))
			refuse_ciphertext();
		memcpy(plain, secret.c_str(), secret.size() + 1);
		return secret.size();
	});
	text *const answer = cstring_to_text(pg_any_to_server(plain, static_cast<int>(length), PG_UTF8));
	explicit_bzero(plain, length);
	PG_RETURN_TEXT_P(answer);
}

} // namespace tenancy::credential
