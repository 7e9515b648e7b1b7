/*
 * The history worker of a database: takes what is due from the queue, has it written, releases its owners. PG regime.
 */
#include "history/worker.hpp"

#include "bridge/worker.hpp"
#include "history/leftovers.hpp"
#include "history/step.hpp"

extern "C" {
#include "access/xlog.h"
#include "postmaster/interrupt.h"

PGDLLEXPORT void tenancy_history_worker(Datum database);
}

namespace tenancy::history {

namespace {

constexpr int idle_ms = 10'000;   /* of an empty queue, then the worker looks whether it is still wanted */
constexpr int retry_ms = 1000;    /* after a failure */
constexpr int farewell_ms = 3000; /* at shutdown, for backends to end their runs */
constexpr int work_ms = 100;      /* of writing without a look at other duties */
constexpr int hold_ms = 10;       /* the hauler is asked again whether it rests */
constexpr uint32 slice_ms = 20;   /* some ten times that of sessions, whose queries come first */
constexpr int quiet_ms = 20;      /* of an empty queue, then what nobody waited for goes to the disk */
constexpr int siblings = 5;       /* as many waiting sessions make it worth while to wait for more */
constexpr int siblings_ms = 1;
constexpr long slow_commit_us = 1000;
constexpr int max_failures = 5; /* launches that did not get to work: the database is gone, or refuses us */

void
leave(int, Datum)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	bool const own = mine->pid == MyProcPid;
	if (own) {
		mine->pid = 0;
		mine->ready = false;
		mine->latch = nullptr;
		mine->writing = false;
		wake(*mine, Line::heavy, true); /* the hauler leaves, too */
	}
	LWLockRelease(queue->lock);
	if (own)
		ConditionVariableBroadcast(&mine->changed);
}

/* Become the worker of the database; false when it has one, or cannot be worked in. */
bool
enlist(Oid database)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	int const i = claim_slot(database);
	bool enlisted = false;
	if (i >= 0 && queue->slots[i].pid == 0) {
		mine = &queue->slots[i];
		mine->served = mine->served || is_closed(*mine);
		enlisted = ++mine->failures <= max_failures && !is_closed(*mine);
		if (enlisted) {
			mine->pid = MyProcPid;
			mine->started = GetCurrentTimestamp();
			mine->latch = MyLatch;
			mine->hauler.held = false;
		} else
			mine->failures = 0;
	}
	LWLockRelease(queue->lock);
	return enlisted;
}

/* Waits until the hauler rests: until resume_hauler() this worker may write for all users. */
void
await_hauler()
{
	while (!hold_hauler())
		bridge::rest(hold_ms);
}

/* Runs that have ended, of every line, as many as a batch has. */
int
collect_ended(Item *items)
{
	int count = 0;
	LWLockAcquire(queue->lock, LW_SHARED);
	for (Line const line : unwritten_lines)
		for (dsa_pointer const p : mine->line(line)) {
			if (count == max_batch)
				break;
			if (record_at(p)->finished)
				items[count++] = {p, true, Stripped::nothing};
		}
	LWLockRelease(queue->lock);
	return count;
}

/* The tables are gone, and with them the place of what was not written. */
void
drop_pending()
{
	Item *const items = static_cast<Item *>(palloc(sizeof(Item) * max_batch));
	await_hauler();
	while (int const ended = collect_ended(items)) {
		ereport(LOG, (errmsg_plural("pg_tenancy history: dropped %d run because extension \"pg_tenancy\" is gone",
		                            "pg_tenancy history: dropped %d runs because extension \"pg_tenancy\" is gone",
		                            static_cast<unsigned long>(ended), ended)));
		settle(items, ended, Progress::dropped);
	}
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->absent = true;
	LWLockRelease(queue->lock);
}

/*
 * The sessions that the last commit released come back within a moment. When many wait already and commits are slow,
 * let them catch up, or two halves of the sessions would take turns and each commit would serve one half only.
 * The idea of commit_delay and commit_siblings.
 */
void
gather_siblings()
{
	if (usual_commit_us() < slow_commit_us || mine->line(Line::awaited).count < siblings)
		return;
	(void) WaitLatch(nullptr, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, siblings_ms, PG_WAIT_EXTENSION);
}

/* Write what is due, for as long as other duties can wait unless it is all; false when that failed. */
bool
work(Item *items, bool all)
{
	TimestampTz const begun = GetCurrentTimestamp();
	TimestampTz moved = begun;
	while (all || !(is_asked_to_leave() || TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), work_ms))) {
		if (!all)
			tend_hauler();
		Batch const batch = gather(items, all);
		if (batch.count == 0)
			return true;
		uint64 const commits = mine->commits;
		int const written = write_all(batch);
		end_batch();
		MemoryContextReset(batch_context);
		if (written <= 0)
			return written == 0;
		/* Runs that are put off again and again must not keep the server from its shutdown. */
		if (mine->commits != commits)
			moved = GetCurrentTimestamp();
		else if (all && TimestampDifferenceExceeds(moved, GetCurrentTimestamp(), farewell_ms))
			return true;
		pgstat_report_stat(false);
		gather_siblings();
	}
	return true;
}

/* How long the worker may sleep; from here on, whoever adds to a queue without an alarm wakes it. */
long
set_alarm()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	long const timeout = time_until_due(idle_ms);
	mine->alarmed = timeout <= linger_ms;
	LWLockRelease(queue->lock);
	return timeout;
}

/* Wait a little for the runs of backends that are being shut down too, and write them. False: the extension is gone. */
bool
drain(Item *items)
{
	TimestampTz const begun = GetCurrentTimestamp();
	forget_put_off();
	for (;;) {
		bool const written = work(items, true);
		if (!written && !extension_exists())
			return false;
		if ((mine->unwritten() == 0 && mine->running() == 0) ||
		    TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), farewell_ms))
			return true;
		bridge::rest(written ? 10 : retry_ms);
	}
}

/* Logs how many runs drain() had to leave, so that they are not lost unnoticed. */
void
tell_unwritten()
{
	LWLockAcquire(queue->lock, LW_SHARED);
	int const count = mine->unwritten();
	LWLockRelease(queue->lock);
	if (count > 0)
		ereport(
			LOG,
			(errmsg("%d runs are not yet in the history of database %u", count, mine->database),
		     errdetail("They are in memory: the next worker writes them, but the server loses them when it stops.")));
}

/* Works until the worker is asked to leave, or the extension is gone; false in the latter case. */
bool
loop(Item *items, Leftovers &leftovers)
{
	while (!is_asked_to_leave()) {
		tend_companion(mine->database);
		if (!work(items, false)) {
			if (!extension_exists())
				return false;
			leftovers.tend(); /* these may be written, whatever it is that cannot */
			bridge::rest(retry_ms);
			continue;
		}
		leftovers.tend();
		long const timeout = set_alarm();
		if (timeout >= idle_ms && XLogNeedsFlush(pg_atomic_read_u64(&mine->committed))) {
			if (!bridge::rest(leftovers.pause(quiet_ms)))
				flush_commits(*mine);
			continue;
		}
		if (bridge::rest(leftovers.pause(timeout)) || timeout < idle_ms)
			continue;
		pgstat_report_stat(true);
		if (!extension_exists())
			return false;
	}
	return drain(items);
}

[[noreturn]] void
serve(Oid database)
{
	if (!enlist(database))
		proc_exit(0);
	before_shmem_exit(leave, 0);
	bridge::let_others_go_first(slice_ms);
	prepare_worker(database, "pg_tenancy history");
	watch_commits();
	auto *const items = static_cast<Item *>(palloc(sizeof(Item) * max_batch));

	bool exists = extension_exists();
	if (exists) {
		Leftovers leftovers;
		await_hauler();
		leftovers.tend(); /* before sessions may write: what died is then known to have died */
		LWLockAcquire(queue->lock, LW_EXCLUSIVE);
		mine->ready = true;
		mine->failures = 0;
		LWLockRelease(queue->lock);
		ConditionVariableBroadcast(&mine->changed);
		exists = loop(items, leftovers);
	}
	if (!exists && !ShutdownRequestPending)
		drop_pending();
	if (ShutdownRequestPending)
		tell_unwritten();
	/* 1: start again, after an end by hand, or for a command on the database that has ended meanwhile. */
	proc_exit(exists && !is_closed(*mine) ? 1 : 0);
}

} // namespace

} // namespace tenancy::history

void
tenancy_history_worker(Datum database)
{
	tenancy::bridge::handle_signals();
	tenancy::history::serve(DatumGetObjectId(database));
}
