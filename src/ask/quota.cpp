/*
 * See quota.hpp. PG regime.
 */
#include "ask/quota.hpp"

#include "ask/ask.hpp"
#include "bridge/shared.hpp"
#include "settings.hpp"

namespace tenancy::ask {

namespace {

constexpr int max_askers = 4096;

/* A minute is counted in parts, and one more: the part that has begun is never the whole of it. */
constexpr int64 part_us = 5 * USECS_PER_SEC;
constexpr int parts = USECS_PER_MINUTE / part_us + 1;

struct Asker {
	core::Uuid user;
	Oid database;
	int64 last; /* the part of time that counts were last moved to; 0: free */
	int counts[parts];
};

struct Shared {
	LWLock *lock;
	Asker askers[max_askers];
};

Shared *shared = nullptr;

constexpr bridge::Piece piece = {"pg_tenancy questions", sizeof(Shared), 1};

/* Under the lock: the entry of a user; a free one, or that of whoever asked longest ago, becomes theirs. */
Asker &
entry_of(const core::Uuid &user)
{
	Asker *victim = &shared->askers[0];
	for (Asker &asker : shared->askers) {
		if (asker.last != 0 && asker.database == MyDatabaseId && asker.user == user)
			return asker;
		if (asker.last < victim->last)
			victim = &asker;
	}
	*victim = Asker{user, MyDatabaseId, 0, {}};
	return *victim;
}

/* Under the lock: forget what is older than a minute. A clock that was set back stands still until it has caught up. */
void
move_on(Asker &asker, int64 now)
{
	if (now <= asker.last)
		return;
	int64 const first = Max(asker.last + 1, now - parts + 1);
	for (int64 part = first; part <= now; ++part)
		asker.counts[part % parts] = 0;
	asker.last = now;
}

bool
count(const core::Uuid &user, int most)
{
	int64 const now = GetCurrentTimestamp() / part_us;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	Asker &asker = entry_of(user);
	move_on(asker, now);
	int64 sum = 0;
	for (int const each : asker.counts)
		sum += each;
	bool const fits = sum < most;
	asker.counts[asker.last % parts] += fits;
	LWLockRelease(shared->lock);
	return fits;
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
	shared = bridge::start_shared<Shared>(piece, [](Shared &fresh) { fresh.lock = bridge::shared_lock(piece); });
}

bool
count_question(const core::Uuid &user, bridge::Failure *failure)
{
	int const most = settings::llm_max_questions;
	if (most == 0 || count(user, most))
		return true;
	failure->kind = core::FailureKind::denied;
	strlcpy(failure->sqlstate, "53400", sizeof failure->sqlstate);
	strlcpy(failure->message, "too many questions", sizeof failure->message);
	snprintf(failure->detail, sizeof failure->detail, "A user may ask the language model %d times in a minute.", most);
	return false;
}

} // namespace tenancy::ask
