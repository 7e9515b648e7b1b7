/*
 * Failed logins, registrations per hour and places for hashing, in shared memory: what no ROLLBACK can undo. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "identity/token.hpp"

namespace tenancy::identity::attempts {

void request_shared_memory();
void start_shared_memory();

/* The account that an email address names in this database, whether it exists or not. */
Digest account_of(const char *email);

/* Is the account locked just now? */
bool is_locked(const Digest &account);

/*
 * Count an attempt as failed before its outcome is known, so that guesses in parallel and transactions that roll
 * back all count. forget() takes it back when the password was right. Never raises.
 */
enum class Chance : unsigned char { none, last, more }; /* locked; locked from now on; neither */
Chance count(const Digest &account);
void forget(const Digest &account);
/* Tells operators, only in the server's log: no client can read it there, or hold it up by not reading it. */
void log_last_chance(const Digest &account);

/*
 * Count an account that is about to be made, in all databases together, also when it is rolled back. Users, who make it
 * for somebody else, have a tenth of all that may be made in an hour. Never raises.
 */
struct Registration {
	bool refused, first; /* the first that is refused for this in this hour */
	const char *by;      /* whose limit it is, and */
	int most;
};
Registration count_registration(bool by_user);

/*
 * At most half of the processors hash passwords at a time; the others wait here, serving interrupts. Between the two
 * calls nothing may raise.
 */
void enter_hashing();
void leave_hashing();

} // namespace tenancy::identity::attempts
