/*
 * The session token of this backend, for the other files of identity. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "identity/token.hpp"

namespace tenancy::identity::session {

/* tenancy.session, and what leaders tell their parallel workers. */
void define_setting();
void request_shared_memory();
void start_shared_memory();

/* Does this transaction have a token? *digest is filled if so. Says nothing about the token's validity. */
bool live_token(Digest *digest);

/* Set the token of this transaction; an empty one takes the identity away. */
void set_token(const char *token);

/* Look the identity up again: something that it depends on was changed by this backend. */
void forget();
/*
 * Is the role that logged in a user's own, by bind_role, whatever token is set and whether the user is active or not?
 */
bool is_bound();

/* EXPLAIN that counts rows or buffers has begun or ended: the backend's parallel workers ask whether it goes on. */
void tell_measuring(bool measures);
bool is_leader_measuring();

} // namespace tenancy::identity::session
