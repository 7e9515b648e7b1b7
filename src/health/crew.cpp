/*
 * Starting, finding and dismissing the processes beside history. PG regime.
 * They end when asked by SIGINT, which breaks off a wait for a client database as well as a sleep.
 */
#include "health/crew.hpp"

#include <csignal>

#include "bridge/shared.hpp"
#include "bridge/worker.hpp"
#include "health/health.hpp"
#include "history/history.hpp"

extern "C" {
#include "access/xlog.h"
}

namespace tenancy::health {

namespace {

constexpr int relaunch_ms = 3000;
constexpr int patience_ms = 10'000; /* for members to leave */
constexpr int farewell_ms = 5000;   /* the postmaster may take so long to notice that a process has gone */
constexpr int hold_off_ms = 60'000; /* after history needed a process, or none could be had */

struct Crews {
	LWLock *lock;
	TimestampTz held_off; /* until when nobody enlists, because history needs processes */
	TimestampTz moved;    /* when a process was last asked for, or left */
	Crew crews[max_crews];
};

constexpr bridge::Piece piece = {"pg_tenancy health", sizeof(Crews), 1};

Crews *crews = nullptr;
Member *mine = nullptr;

/* Does nobody of the crew run, and was nobody asked for or turned away of late? */
bool
is_idle(const Crew &crew, TimestampTz now)
{
	auto const is_past = [now](TimestampTz time) {
		return time == 0 || TimestampDifferenceExceeds(time, now, hold_off_ms);
	};
	for (const Member &member : crew.members)
		if (member.pid != 0 || !is_past(member.launched))
			return false;
	return is_past(crew.turned_away);
}

/* The crew of a database, or NULL; a free one when it is to be made. With the lock held. */
Crew *
find_crew(Oid database, bool make)
{
	TimestampTz const now = GetCurrentTimestamp();
	Crew *unused = nullptr, *idle = nullptr;
	for (Crew &crew : crews->crews) {
		if (crew.database == database)
			return &crew;
		if (!OidIsValid(crew.database))
			unused = unused == nullptr ? &crew : unused;
		else if (is_idle(crew, now))
			idle = &crew;
	}
	Crew *const free = unused != nullptr ? unused : idle;
	if (!make || free == nullptr)
		return nullptr;
	memset(static_cast<void *>(free), 0, sizeof *free);
	free->database = database;
	return free;
}

/* Should a process be asked for now? With the lock held. */
bool
is_wanting(const Crew &crew, const Member &member, TimestampTz now)
{
	return member.pid == 0 && now >= crews->held_off &&
	       (member.launched == 0 || TimestampDifferenceExceeds(member.launched, now, relaunch_ms)) &&
	       (crew.turned_away == 0 || TimestampDifferenceExceeds(crew.turned_away, now, hold_off_ms));
}

/* Ask the members of a database, or of all, to leave; how many there are. */
int
ask_to_leave(Oid database)
{
	int count = 0;
	LWLockAcquire(crews->lock, LW_SHARED);
	for (const Crew &crew : crews->crews)
		for (const Member &member : crew.members)
			if (member.pid != 0 && (!OidIsValid(database) || crew.database == database)) {
				kill(member.pid, SIGINT);
				++count;
			}
	LWLockRelease(crews->lock);
	return count;
}

void
tend(Oid database)
{
	(void) launch_member(database, 0);
}

/* Waits until all workers have left, for patience_ms at most. The database is closed, so no new ones come. */
void
dismiss(Oid database)
{
	TimestampTz const begun = GetCurrentTimestamp();
	while (ask_to_leave(database) > 0 && !TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), patience_ms)) {
		(void) WaitLatch(nullptr, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Makes room for a process that history needs: nobody comes for a while, and whoever is here leaves. */
bool
make_room()
{
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(crews->lock, LW_EXCLUSIVE);
	crews->held_off = TimestampTzPlusMilliseconds(now, hold_off_ms);
	bool const leaving = crews->moved != 0 && !TimestampDifferenceExceeds(crews->moved, now, farewell_ms);
	LWLockRelease(crews->lock);
	return ask_to_leave(InvalidOid) > 0 || leaving;
}

void
leave(int, Datum)
{
	LWLockAcquire(crews->lock, LW_EXCLUSIVE);
	if (mine->pid == MyProcPid) {
		mine->pid = 0;
		mine->latch = nullptr;
		crews->moved = GetCurrentTimestamp();
	}
	LWLockRelease(crews->lock);
}

} // namespace

Datum
post_datum(Post post)
{
	return Int64GetDatum(static_cast<int64>(post.database) << 32 | post.number);
}

Post
post_of(Datum argument)
{
	int64 const both = DatumGetInt64(argument);
	return {static_cast<Oid>(both >> 32), static_cast<int>(both & 0xFFFFFFFF)};
}

bool
launch_member(Oid database, int number)
{
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(crews->lock, LW_EXCLUSIVE);
	Crew *const crew = find_crew(database, true);
	bool const wanting = crew != nullptr && is_wanting(*crew, crew->members[number], now);
	if (wanting)
		crew->members[number].launched = crews->moved = now;
	LWLockRelease(crews->lock);
	if (!wanting)
		return crew != nullptr;

	BackgroundWorker worker;
	bridge::describe_worker(worker, number == 0 ? "pg_tenancy maintenance worker" : "pg_tenancy health worker",
	                        number == 0 ? "tenancy_maintenance_worker" : "tenancy_health_worker", BGW_NEVER_RESTART);
	worker.bgw_main_arg = post_datum({database, number});
	bool const done = RegisterDynamicBackgroundWorker(&worker, nullptr);
	LWLockAcquire(crews->lock, LW_EXCLUSIVE);
	bool const first = crew->turned_away == 0;
	if (crew->database == database)
		crew->turned_away = done ? 0 : now;
	LWLockRelease(crews->lock);
	if (!done && first)
		ereport(LOG,
		        (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
		         errmsg("could not start the %s of database %u", worker.bgw_name, database),
		         errdetail("History goes on; connections are checked, and old rows removed, when a process is free."),
		         errhint("You may need to increase \"max_worker_processes\".")));
	return done;
}

bool
enlist(Oid database, int number)
{
	if (crews == nullptr || history::is_database_closed(database))
		return false;
	LWLockAcquire(crews->lock, LW_EXCLUSIVE);
	Crew *const crew = find_crew(database, true);
	bool const free = crew != nullptr && crew->members[number].pid == 0 && GetCurrentTimestamp() >= crews->held_off;
	if (free) {
		mine = &crew->members[number];
		mine->pid = MyProcPid;
		mine->latch = MyLatch;
		mine->since = GetCurrentTimestamp();
	}
	LWLockRelease(crews->lock);
	if (free)
		before_shmem_exit(leave, 0);
	return free;
}

bool
may_stay(Oid database)
{
	LWLockAcquire(crews->lock, LW_SHARED);
	bool const held_off = GetCurrentTimestamp() < crews->held_off;
	LWLockRelease(crews->lock);
	return !held_off && !history::is_database_closed(database);
}

void
wake_crew(Oid database)
{
	LWLockAcquire(crews->lock, LW_SHARED);
	if (Crew *const crew = find_crew(database, false); crew != nullptr)
		for (const Member &member : crew->members)
			if (member.latch != nullptr)
				SetLatch(member.latch);
	LWLockRelease(crews->lock);
}

Crew
crew_of(Oid database)
{
	Crew copy{};
	if (crews == nullptr)
		return copy;
	LWLockAcquire(crews->lock, LW_SHARED);
	if (const Crew *const crew = find_crew(database, false); crew != nullptr)
		copy = *crew;
	LWLockRelease(crews->lock);
	return copy;
}

void
initialize()
{
	history::accompany({tend, dismiss, make_room});
}

void
request_shared_memory()
{
	bridge::request_shared(piece);
}

void
start_shared_memory()
{
	crews = bridge::start_shared<Crews>(piece, [](Crews &fresh) { fresh.lock = bridge::shared_lock(piece); });
}

} // namespace tenancy::health
