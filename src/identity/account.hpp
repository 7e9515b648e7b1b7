/*
 * Checking and making passwords, for the SQL functions of identity. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "core/uuid.hpp"
#include "identity/password.hpp"

namespace tenancy::identity {

/* A row of tenancy.users as far as a login needs it; nil and empty when there is no such user. */
struct Account {
	core::Uuid id;
	bool is_active;
	char hash[max_hash_size];
};

/* A text argument in UTF-8, as passwords are hashed whatever the database's encoding. */
const char *utf8_argument(FunctionCallInfo fcinfo, int n);

/*
 * The active account of an email address, after its password was checked. Raises 28P01, the same for an unknown
 * address, an inactive user, a wrong password and (but for the hint) a locked account.
 */
Account check_credentials(const char *email, const char *password);

/* Raise 28P01 for a login that fails, with the hint when the account is locked. */
[[noreturn]] void refuse_credentials(bool locked);

/* Raise 40001 for a user who is newer than the transaction's snapshot: its statements would find no such row. */
void require_seen(const core::Uuid &user);

/* Raise 22023 for a password that the policy does not take. */
void check_policy(const char *password);
/* check_policy() and hash it. */
void make_hash(const char *password, char (&hash)[max_hash_size]);

} // namespace tenancy::identity
