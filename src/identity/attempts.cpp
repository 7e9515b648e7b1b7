/*
 * See attempts.hpp. PG regime.
 */
#include <algorithm>

#include <unistd.h>

#include "bridge/pg.hpp"
extern "C" {
#include "port/atomics.h"
#include "storage/condition_variable.h"
}

#include "bridge/enter.hpp"
#include "bridge/shared.hpp"
#include "identity/attempts.hpp"
#include "settings.hpp"

namespace tenancy::identity::attempts {

namespace {

constexpr int max_accounts = 4096;

struct Account {
	Digest key;
	int failures; /* 0: free */
	TimestampTz last;
	TimestampTz locked_until;
};

/* Accounts in this hour. */
struct Made {
	int count;
	bool refused;
};

struct Shared {
	LWLock *lock;             /* protects accounts and registrations */
	TimestampTz hour;         /* when the one began in which registrations are counted */
	Made made, made_by_users; /* the latter among the former */
	pg_atomic_uint32 hashing;
	uint32 max_hashing;
	ConditionVariable hashing_left;
	Account accounts[max_accounts];
};

Shared *shared = nullptr;

constexpr bridge::Piece piece = {"pg_tenancy attempts", sizeof(Shared), 1};

TimestampTz
after_seconds(TimestampTz time, int seconds)
{
	return TimestampTzPlusMilliseconds(time, int64{1000} * seconds);
}

/* An account that was left alone for the lock's duration is forgiven, and so is one whose lock has ended. */
bool
has_lapsed(const Account &account, TimestampTz now)
{
	return account.locked_until <= now &&
	       (account.locked_until != 0 || after_seconds(account.last, settings::lockout_duration) <= now);
}

/* The entry of an account, or NULL; with the lock held. */
Account *
find(const Digest &key, TimestampTz now)
{
	for (Account &account : shared->accounts) {
		if (account.failures == 0 || !(account.key == key))
			continue;
		if (!has_lapsed(account, now))
			return &account;
		account.failures = 0;
		return nullptr;
	}
	return nullptr;
}

/*
 * Should a make room rather than b? A free entry does first, then one that is not locked, then the one with fewer
 * failures (so that a flood of made-up addresses does not push out an account under attack), then the older. With the
 * lock held.
 */
bool
is_cheaper(const Account &a, const Account &b, TimestampTz now)
{
	bool const a_locked = a.locked_until > now, b_locked = b.locked_until > now;
	if (a_locked != b_locked)
		return b_locked;
	if (!a_locked && a.failures != b.failures)
		return a.failures < b.failures;
	return a.last < b.last;
}

Account *
make_room(const Digest &key, TimestampTz now)
{
	Account *victim = &shared->accounts[0];
	for (Account &account : shared->accounts) {
		if (account.failures == 0 || has_lapsed(account, now)) {
			victim = &account;
			break;
		}
		if (is_cheaper(account, *victim, now))
			victim = &account;
	}
	*victim = Account{key, 0, now, 0};
	return victim;
}

} // namespace

void
request_shared_memory()
{
	bridge::request_shared(piece);
}

void
start_shared_memory()
{
	shared = bridge::start_shared<Shared>(piece, [](Shared &fresh) {
		fresh.lock = bridge::shared_lock(piece);
		fresh.max_hashing = static_cast<uint32>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN) / 2));
		pg_atomic_init_u32(&fresh.hashing, 0);
		ConditionVariableInit(&fresh.hashing_left);
	});
}

Digest
account_of(const char *email)
{
	/* The address as the unique index folds it: ASCII letters only, in any locale. */
	StringInfoData name;
	initStringInfo(&name);
	appendStringInfo(&name, "%u:", MyDatabaseId);
	for (const char *c = email; *c != 0; ++c)
		appendStringInfoChar(&name, static_cast<char>(pg_ascii_tolower(static_cast<unsigned char>(*c))));
	Digest const digest = bridge::enter([&] { return core::sha256({name.data, static_cast<std::size_t>(name.len)}); });
	pfree(name.data);
	return digest;
}

bool
is_locked(const Digest &account)
{
	if (settings::lockout_threshold == 0)
		return false;
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	const Account *const entry = find(account, now);
	bool const locked = entry != nullptr && entry->locked_until > now;
	LWLockRelease(shared->lock);
	return locked;
}

Chance
count(const Digest &account)
{
	if (settings::lockout_threshold == 0)
		return Chance::more;
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	Account *entry = find(account, now);
	if (entry != nullptr && entry->locked_until > now) {
		LWLockRelease(shared->lock);
		return Chance::none;
	}
	if (entry == nullptr)
		entry = make_room(account, now);
	entry->failures++;
	entry->last = now;
	bool const last_chance = entry->failures >= settings::lockout_threshold;
	if (last_chance)
		entry->locked_until = after_seconds(now, settings::lockout_duration);
	LWLockRelease(shared->lock);
	return last_chance ? Chance::last : Chance::more;
}

void
log_last_chance(const Digest &account)
{
	ereport(LOG_SERVER_ONLY,
	        (errmsg("pg_tenancy: last login attempt before an account is locked"),
	         errdetail_log("SHA-256 of the account begins with %02x%02x%02x%02x; it stays locked for %d s "
	                       "unless this attempt succeeds.",
	                       account.bytes[0], account.bytes[1], account.bytes[2], account.bytes[3],
	                       settings::lockout_duration),
	         errhidestmt(true), errhidecontext(true)));
}

void
forget(const Digest &account)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (Account &entry : shared->accounts)
		if (entry.failures != 0 && entry.key == account)
			entry.failures = 0;
	LWLockRelease(shared->lock);
}

Registration
count_registration(bool by_user)
{
	Registration answer{};
	int const most = settings::max_registrations_per_hour;
	int const most_by_users = most / 10 + (most % 10 != 0);
	if (most == 0)
		return answer;
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (TimestampDifferenceExceeds(shared->hour, now, 3'600'000)) {
		shared->hour = now;
		shared->made = shared->made_by_users = {};
	}
	bool const full = shared->made.count >= most;
	answer.refused = full || (by_user && shared->made_by_users.count >= most_by_users);
	if (answer.refused) {
		Made &made = full ? shared->made : shared->made_by_users;
		answer.first = !made.refused;
		answer.by = full ? "" : " by users";
		answer.most = full ? most : most_by_users;
		made.refused = true;
	} else {
		++shared->made.count;
		shared->made_by_users.count += by_user;
	}
	LWLockRelease(shared->lock);
	return answer;
}

void
enter_hashing()
{
	static constinit compat::WaitEvent event("TenancyHashing");
	CHECK_FOR_INTERRUPTS();
	ConditionVariablePrepareToSleep(&shared->hashing_left);
	for (;;) {
		uint32 hashing = pg_atomic_read_u32(&shared->hashing);
		while (hashing < shared->max_hashing)
			if (pg_atomic_compare_exchange_u32(&shared->hashing, &hashing, hashing + 1)) {
				ConditionVariableCancelSleep();
				return;
			}
		ConditionVariableSleep(&shared->hashing_left, event.info());
	}
}

void
leave_hashing()
{
	pg_atomic_fetch_sub_u32(&shared->hashing, 1);
	ConditionVariableBroadcast(&shared->hashing_left); /* who is woken alone may be about to give up */
}

} // namespace tenancy::identity::attempts
