/*
 * What both workers of a database do with a batch: have it written, in pieces when a row is bad, let go of its records
 * and wake their owners. PG regime. Records stay in the queue until their commit, so a worker that fails loses nothing.
 */
#include "history/worker.hpp"

#include <algorithm>

#include "bridge/worker.hpp"
#include "history/step.hpp"

extern "C" {
#include "access/xlog.h"
#include "mb/pg_wchar.h"
#include "postmaster/interrupt.h"
#include "utils/elog.h"
}

namespace tenancy::history {

Slot *mine = nullptr;

void
prepare_worker(Oid database, const char *name)
{
	attach();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	bridge::pin_settings();
	pgstat_report_appname(name);
	batch_context = AllocSetContextCreate(TopMemoryContext, "history batch", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "history worker", ALLOCSET_DEFAULT_SIZES));
}

namespace {

constexpr long least_put_off_ms = 1000, most_put_off_ms = 60'000;
constexpr long put_off_part = 4; /* of the time for which it waits already */

/* Notes why nothing can be written. Sessions find out by waiting, an administrator by status(). */
void
note_trouble(const ErrorData *error)
{
	int const kept = pg_mbcliplen(error->message, static_cast<int>(strlen(error->message)), brief_size - 1);
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (mine->troubled == 0)
		mine->troubled = GetCurrentTimestamp();
	mine->trouble_of = MyProcPid;
	memcpy(mine->trouble, error->message, static_cast<Size>(kept));
	mine->trouble[kept] = 0;
	LWLockRelease(queue->lock);
}

/*
 * Puts a run off, as it would fail with each batch of others, too. The longer it waits, the less often it is tried. One
 * that was not tried itself, but may be of no use either, is tried earlier, and so without the one that failed.
 */
void
put_off(const Item &item, bool tried)
{
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	Record *const record = record_at(item.pointer);
	if (record->finished == item.finished) { /* else it has ended since, and its end was not tried */
		long const age = TimestampDifferenceMilliseconds(record->finished ? record->ended : record->started, now);
		long const pause = Max(least_put_off_ms, Min(age / put_off_part, most_put_off_ms));
		record->put_off = TimestampTzPlusMilliseconds(now, tried ? pause : pause / 2);
	}
	LWLockRelease(queue->lock);
}

/*
 * Puts off that item, and those of its user behind it that are of its kind: what is wrong with the user's chain is
 * wrong for all of them. When the worker is about to leave, each is tried.
 */
void
put_off_user(const Batch &batch, int failed)
{
	Item const &first = batch.items[failed];
	core::Uuid const user = record_at(first.pointer)->user;
	put_off(first, true);
	if (is_asked_to_leave())
		return;
	for (int i = failed + 1; i < batch.count; ++i)
		if (record_at(batch.items[i].pointer)->user == user && batch.items[i].finished == first.finished)
			put_off(batch.items[i], false);
}

bool
is_any_put_off()
{
	bool found = false;
	LWLockAcquire(queue->lock, LW_SHARED);
	for (Line const line : unwritten_lines)
		found =
			found || std::ranges::any_of(mine->line(line), [](dsa_pointer p) { return record_at(p)->put_off != 0; });
	LWLockRelease(queue->lock);
	return found;
}

void
forget_trouble()
{
	pid_t const other = MyProcPid == mine->pid ? mine->hauler.pid : mine->pid;
	if (mine->troubled == 0 || (other != 0 && mine->trouble_of == other) || is_any_put_off())
		return;
	long const ms = TimestampDifferenceMilliseconds(mine->troubled, GetCurrentTimestamp());
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->troubled = 0;
	LWLockRelease(queue->lock);
	bridge::say([=] { ereport(LOG, (errmsg("pg_tenancy history: writes again after %ld s", ms / 1000))); });
}

} // namespace

bool
is_asked_to_leave() noexcept
{
	return ShutdownRequestPending || is_closed(*mine);
}

void
forget_put_off()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (Line const line : unwritten_lines)
		for (dsa_pointer const p : mine->line(line))
			record_at(p)->put_off = 0;
	LWLockRelease(queue->lock);
}

void
settle(const Item *items, int count, Progress verdict)
{
	static Latch *owners[max_batch];
	int awaited = 0;
	bool heavy = false;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	pg_atomic_write_u64(&mine->committed, Max(pg_atomic_read_u64(&mine->committed), XactLastCommitEnd));
	pg_write_barrier(); /* an owner sees its progress without the lock */
	for (int i = 0; i < count; ++i) {
		dsa_pointer const pointer = items[i].pointer;
		Record *const record = record_at(pointer);
		heavy = heavy || record->line == Line::heavy;
		if (!items[i].finished) {
			record->written = true;
			record->put_off = 0;
			forget_texts(record);
			if (record->awaited)
				owners[awaited++] = record->owner;
			if (!record->finished) {
				record->awaited = false;
				remove(*mine, pointer);
				append(*mine, Line::running, pointer);
			}
			pg_atomic_write_u32(&record->progress, static_cast<uint32>(Progress::started));
			continue;
		}
		remove(*mine, pointer);
		if (record->awaited) {
			owners[awaited++] = record->owner;
			pg_atomic_write_u32(&record->progress, static_cast<uint32>(verdict));
		} else
			discard(pointer);
	}
	++mine->commits;
	mine->heavy_commits += heavy;
	LWLockRelease(queue->lock);
	for (int i = 0; i < awaited; ++i)
		SetLatch(owners[i]);
}

bool
is_about_data(const ErrorData *error)
{
	int const category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
	       category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

namespace {

/* False when it failed. What was not to be written yet is no longer in the batch. */
bool
try_batch(Batch &batch, ErrorData **error)
{
	if (!transact(write_batch, &batch, error))
		return false;
	settle(batch.items, batch.count, Progress::over);
	return true;
}

/*
 * After an error about the data of a run, tries it without its message, which others than its user write, and then
 * without all its texts.
 */
bool
try_stripped(Batch &one, ErrorData **error)
{
	for (Stripped const what : {Stripped::message, Stripped::texts}) {
		if (!is_about_data(*error))
			return false;
		complain(*error, what == Stripped::message ? "could not write a run, leaving out its message"
		                                           : "could not write a run, leaving out its texts");
		one.items->stripped = what;
		if (try_batch(one, error))
			return true;
	}
	return false;
}

} // namespace

bool
may_be_of_one_run(const ErrorData *error)
{
	/* When a page or an index is damaged, other users' rows may still be good. */
	bool const damage = error->sqlerrcode == ERRCODE_DATA_CORRUPTED || error->sqlerrcode == ERRCODE_INDEX_CORRUPTED;
	return is_about_data(error) || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY || damage;
}

int
write_all(Batch batch)
{
	ErrorData *error = nullptr;
	if (Batch whole = batch; try_batch(whole, &error)) {
		forget_trouble();
		return whole.count;
	}
	if (ShutdownRequestPending && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		return -1; /* by the request itself; drain() writes it */
	if (!may_be_of_one_run(error)) {
		complain(error, "could not write, will try again");
		note_trouble(error);
		return -1;
	}
	int done = 0;
	for (int i = 0; i < batch.count; ++i) {
		if (is_put_off(*record_at(batch.items[i].pointer), GetCurrentTimestamp())) { /* with another one, just now */
			++done;
			continue;
		}
		Batch one = {&batch.items[i], 1, batch.known_only};
		if (try_batch(one, &error) || try_stripped(one, &error)) {
			done += one.count;
			continue;
		}
		complain(error, "could not write a run, will try again");
		note_trouble(error);
		if (!may_be_of_one_run(error))
			return -1;
		put_off_user(batch, i);
		++done;
	}
	forget_trouble();
	return done;
}

} // namespace tenancy::history
