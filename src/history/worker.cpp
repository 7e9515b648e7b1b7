/*
 * The history worker of a database: takes what is due from the queue, has it written, releases its owners. PG regime.
 * Records stay in the queue until their commit, so a worker that fails or restarts loses nothing.
 */
#include "history/worker.hpp"

#include "bridge/worker.hpp"
#include "history/leftovers.hpp"
#include "history/step.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "postmaster/interrupt.h"
#include "utils/elog.h"

PGDLLEXPORT void tenancy_history_worker(Datum database);
}

namespace tenancy::history {

namespace {

constexpr int hurry = max_batch / 2; /* so many pending records are not left to linger */
constexpr int idle_ms = 10'000;      /* of an empty queue, then the worker looks whether it is still wanted */
constexpr int retry_ms = 1000;       /* after a failure */
constexpr int farewell_ms = 3000;    /* at shutdown, for backends to end their runs */
constexpr int siblings = 5;          /* as many waiting sessions make it worth while to wait for more */
constexpr int siblings_ms = 1;
constexpr long slow_commit_us = 1000;
constexpr int max_failures = 5; /* launches that did not get to work: the database is gone, or refuses us */

Slot *mine = nullptr;

void
leave(int, Datum)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	bool const own = mine->pid == MyProcPid;
	if (own) {
		mine->pid = 0;
		mine->ready = false;
		mine->latch = nullptr;
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
		enlisted = ++mine->failures <= max_failures && !is_closed(*mine);
		if (enlisted) {
			mine->pid = MyProcPid;
			mine->started = GetCurrentTimestamp();
			mine->latch = MyLatch;
		} else
			mine->failures = 0;
	}
	LWLockRelease(queue->lock);
	return enlisted;
}

/* Is there anything that should be written now? With the lock held. */
bool
is_due(TimestampTz now, bool all)
{
	if (all || mine->pending.count >= hurry)
		return mine->pending.count > 0;
	for (dsa_pointer p = mine->pending.first; DsaPointerIsValid(p); p = record_at(p)->next)
		if (record_at(p)->awaited || TimestampDifferenceExceeds(record_at(p)->started, now, linger_ms))
			return true;
	return false;
}

/* All ends, and those starts that are old enough or awaited, oldest first. */
int
gather(Item *items, bool all)
{
	TimestampTz const now = GetCurrentTimestamp();
	int count = 0;
	Size size = 0;
	LWLockAcquire(queue->lock, LW_SHARED);
	dsa_pointer p = is_due(now, all) ? mine->pending.first : no_record;
	for (; DsaPointerIsValid(p) && count < max_batch && size < max_batch_size; p = record_at(p)->next) {
		Record *const record = record_at(p);
		if (!record->finished && !record->awaited && !TimestampDifferenceExceeds(record->started, now, linger_ms))
			continue;
		items[count++] = {p, record->finished, false};
		size += record->size + record->long_texts_size + record->message_size;
	}
	LWLockRelease(queue->lock);
	return count;
}

/* Nothing can be written: sessions find out by waiting, an administrator by status(). */
void
note_trouble(const ErrorData *error)
{
	int const kept = pg_mbcliplen(error->message, static_cast<int>(strlen(error->message)), brief_size - 1);
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (mine->troubled == 0)
		mine->troubled = GetCurrentTimestamp();
	memcpy(mine->trouble, error->message, static_cast<Size>(kept));
	mine->trouble[kept] = 0;
	LWLockRelease(queue->lock);
}

void
forget_trouble()
{
	if (mine->troubled == 0)
		return;
	long const ms = TimestampDifferenceMilliseconds(mine->troubled, GetCurrentTimestamp());
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->troubled = 0;
	LWLockRelease(queue->lock);
	ereport(LOG, (errmsg("pg_tenancy history: writes again after %ld s", ms / 1000)));
}

/* The batch is committed, or will never be: let go of its records, then wake their owners. */
void
settle(const Item *items, int count, Progress verdict)
{
	static Latch *owners[max_batch];
	int awaited = 0;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < count; ++i) {
		dsa_pointer const pointer = items[i].pointer;
		Record *const record = record_at(pointer);
		if (!items[i].finished) {
			record->written = true;
			forget_texts(record);
			if (record->awaited)
				owners[awaited++] = record->owner;
			if (!record->finished) {
				record->awaited = false;
				remove(mine->pending, pointer);
				append(mine->running, pointer);
			}
			pg_atomic_write_u32(&record->progress, static_cast<uint32>(Progress::started));
			continue;
		}
		remove(mine->pending, pointer);
		if (record->awaited) {
			owners[awaited++] = record->owner;
			pg_atomic_write_u32(&record->progress, static_cast<uint32>(verdict));
		} else
			discard(pointer);
	}
	++mine->commits;
	LWLockRelease(queue->lock);
	for (int i = 0; i < awaited; ++i)
		SetLatch(owners[i]);
}

/* An error that belongs to a row: the value of a column, a constraint, a limit of size. */
bool
is_about_data(const ErrorData *error)
{
	int const category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
	       category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

bool
try_batch(Item *items, int count, ErrorData **error)
{
	Batch batch = {items, count};
	if (!transact(write_batch, &batch, error))
		return false;
	settle(items, count, Progress::over);
	forget_trouble();
	return true;
}

/* After an error about its data: without the texts, which are most of it. */
bool
try_stripped(Item *item, ErrorData **error)
{
	if (!is_about_data(*error))
		return false;
	complain(*error, "could not write a run, leaving out its texts");
	item->stripped = true;
	return try_batch(item, 1, error);
}

/* Write a batch; one row that cannot be stored must not hold up the others. False: nothing was, try again later. */
bool
write_all(Item *items, int count)
{
	int written = 0;
	ErrorData *error = nullptr;
	if (try_batch(items, count, &error))
		return true;
	if (!is_about_data(error)) {
		complain(error, "could not write, will try again");
		note_trouble(error);
		return false;
	}
	for (int i = 0; i < count; ++i) {
		if (try_batch(&items[i], 1, &error) || try_stripped(&items[i], &error)) {
			++written;
			continue;
		}
		complain(error, "could not write a run, will try again");
		note_trouble(error);
		if (!is_about_data(error))
			return false;
	}
	return written > 0;
}

/* The tables are gone, and with them the place of what was not written. */
void
drop_pending()
{
	Item *const items = static_cast<Item *>(palloc(sizeof(Item) * max_batch));
	for (int count; (count = gather(items, true)) > 0;) {
		int ended = 0;
		for (int i = 0; i < count; ++i)
			if (items[i].finished)
				items[ended++] = items[i];
		if (ended == 0)
			break;
		ereport(LOG, (errmsg_plural("pg_tenancy history: dropped %d run because extension \"pg_tenancy\" is gone",
		                            "pg_tenancy history: dropped %d runs because extension \"pg_tenancy\" is gone",
		                            static_cast<unsigned long>(ended), ended)));
		settle(items, ended, Progress::dropped);
	}
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->absent = true;
	LWLockRelease(queue->lock);
}

/* Runs that a session waits for, which stand first. */
int
count_awaited()
{
	int count = 0;
	LWLockAcquire(queue->lock, LW_SHARED);
	for (dsa_pointer p = mine->pending.first; DsaPointerIsValid(p) && record_at(p)->awaited; p = record_at(p)->next)
		++count;
	LWLockRelease(queue->lock);
	return count;
}

/*
 * The sessions that the last commit released come back within a moment. When many wait already and commits are slow,
 * let them catch up, or two halves of the sessions would take turns and each commit would serve one half only.
 * The idea of commit_delay and commit_siblings.
 */
void
gather_siblings(long last_commit_us)
{
	if (last_commit_us < slow_commit_us || count_awaited() < siblings)
		return;
	(void) WaitLatch(nullptr, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, siblings_ms, PG_WAIT_EXTENSION);
}

/* Write what is due; false when that failed. */
bool
work(Item *items, bool all)
{
	long last_commit_us = 0;
	for (int count; (count = gather(items, all)) > 0;) {
		TimestampTz const begun = GetCurrentTimestamp();
		bool const done = write_all(items, count);
		last_commit_us = static_cast<long>(GetCurrentTimestamp() - begun);
		MemoryContextReset(batch_context);
		if (!done)
			return false;
		pgstat_report_stat(false);
		gather_siblings(last_commit_us);
	}
	return true;
}

/* How long the worker may sleep; from here on, whoever adds to a queue without an alarm wakes it. */
long
set_alarm()
{
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	long timeout = idle_ms;
	if (dsa_pointer const first = mine->pending.first; DsaPointerIsValid(first)) {
		long const age = TimestampDifferenceMilliseconds(record_at(first)->started, now);
		timeout = age >= linger_ms ? 1 : linger_ms - age;
	}
	mine->alarmed = timeout < idle_ms;
	LWLockRelease(queue->lock);
	return timeout;
}

bool
is_asked_to_leave()
{
	return ShutdownRequestPending || is_closed(*mine);
}

/* Wait a little for the runs of backends that are being shut down too, and write them. */
void
drain(Item *items)
{
	TimestampTz const begun = GetCurrentTimestamp();
	for (;;) {
		bool const written = work(items, true);
		if (!written && !extension_exists())
			break;
		if ((mine->pending.count == 0 && mine->running.count == 0) ||
		    TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), farewell_ms))
			break;
		bridge::rest(written ? 10 : retry_ms);
	}
}

void
loop(Item *items, Leftovers &leftovers)
{
	while (!is_asked_to_leave()) {
		tend_companion(mine->database);
		if (!work(items, false)) {
			if (!extension_exists())
				return;
			bridge::rest(retry_ms);
			continue;
		}
		leftovers.tend();
		long const timeout = set_alarm();
		if (bridge::rest(leftovers.pause(timeout)) || timeout < idle_ms)
			continue;
		pgstat_report_stat(true);
		if (!extension_exists())
			return;
	}
	drain(items);
}

[[noreturn]] void
serve(Oid database)
{
	if (queue == nullptr || !enlist(database))
		proc_exit(0);
	before_shmem_exit(leave, 0);
	attach();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	bridge::pin_settings();
	pgstat_report_appname("pg_tenancy history");
	batch_context = AllocSetContextCreate(TopMemoryContext, "history batch", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "history worker", ALLOCSET_DEFAULT_SIZES));
	auto *const items = static_cast<Item *>(palloc(sizeof(Item) * max_batch));

	if (extension_exists()) {
		Leftovers leftovers(mine);
		leftovers.tend(); /* before sessions may write: what died is then known to have died */
		LWLockAcquire(queue->lock, LW_EXCLUSIVE);
		mine->ready = true;
		mine->failures = 0;
		LWLockRelease(queue->lock);
		ConditionVariableBroadcast(&mine->changed);
		loop(items, leftovers);
	}
	bool const stay_away = is_closed(*mine);
	if (!stay_away && !ShutdownRequestPending)
		drop_pending();
	proc_exit(ShutdownRequestPending && !stay_away ? 1 : 0); /* 1: terminated by hand, so start again */
}

} // namespace

} // namespace tenancy::history

void
tenancy_history_worker(Datum database)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	tenancy::history::serve(DatumGetObjectId(database));
}
