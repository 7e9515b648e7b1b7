/*
 * Sealed and signed texts: what connections and history ask of the key ring. PG regime; the sealing itself is
 * seal.pure.cpp, the signing sign.pure.cpp.
 */
#pragma once

#include "bridge/pg.hpp"
#include "core/secret.hpp"
#include "core/uuid.hpp"

namespace tenancy::credential {

/* The additional data of a stored column: which row and column a ciphertext belongs to. */
struct Place {
	core::Uuid user;
	core::Uuid connection;
	const char *column; /* password_encrypted, connection_string_encrypted */
};

/*
 * Open a stored ciphertext into secret (which the caller owns, in pure code or a memory context).
 * Errors: 22023 for text that is no ciphertext, 58000 for a missing or malformed key ring, 58P01 for a file that is not
 * there, 42501 for one that others may read, 28000 with detail "The ciphertext does not belong to this row, or its key
 * is not in the key ring."
 */
void open(const char *ciphertext, const Place &place, core::Secret &secret);

/*
 * Why the key ring cannot be used, palloc'd and without secrets; NULL when it can be, and *active is then the id of the
 * active key, palloc'd.
 */
char *trouble_with_ring(char **active);

/* Seal with the active key; palloc'd base64 text. *key_id gets the id of that key, palloc'd. */
char *seal(const char *secret, const Place &place, char **key_id);

/* message ":" id of the active key ":" HMAC in hex, with a key derived from it for that purpose; palloc'd. */
char *sign(const char *purpose, const char *message);

/* Was text made by sign() with that purpose and a key of the ring? */
enum class Signature { good, forged, unknown_key };
Signature check_signature(const char *purpose, const char *text);

} // namespace tenancy::credential
