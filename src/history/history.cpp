/*
 * The backend's side: reporting runs and waiting for their commit. PG regime.
 * A run lives in locals from its start until it is over; local.cpp ends those that nobody ended.
 */
#include "history/local.hpp"
#include "history/worker.hpp"

#include "bridge/enter.hpp"
#include "settings.hpp"

extern "C" {
#include "access/xlog.h"
}

namespace tenancy::history {

namespace {

bool
durability_is(settings::HistoryDurability wanted)
{
	return settings::history_durability == static_cast<int>(wanted);
}

/*
 * History cannot take the run. Raises; or, with history_required off, warns and answers a run that nothing records
 * (handle 0).
 */
Run
refuse_or_go_unrecorded(int sqlstate, const char *message, const char *hint)
{
	ereport(settings::history_required ? ERROR : WARNING,
	        (errcode(sqlstate), errmsg("%s", message),
	         settings::history_required
	             ? 0
	             : errdetail("The query runs unrecorded because \"tenancy.history_required\" is off."),
	         hint != nullptr ? errhint("%s", hint) : 0));
	return Run{core::Uuid{}, GetCurrentTimestamp(), 0};
}

Run
refuse_or_go_unrecorded(Readiness readiness)
{
	switch (readiness) {
	case Readiness::no_extension:
		return refuse_or_go_unrecorded(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
		                               "the history worker does not see extension \"pg_tenancy\"",
		                               "Commit the transaction that created the extension first.");
	case Readiness::no_place:
		return refuse_or_go_unrecorded(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
		                               "too many databases use pg_tenancy history", nullptr);
	default:
		return refuse_or_go_unrecorded(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "the history worker is not running",
		                               "See the server log; \"max_worker_processes\" may be too low.");
	}
}

/* Runs of other users leave no room. */
Run
refuse_or_go_unrecorded(Room room)
{
	if (room == Room::heavy_part_full)
		return refuse_or_go_unrecorded(
			ERRCODE_OUT_OF_MEMORY, "the queue of pg_tenancy history has no room for one more long text",
			"Long texts of all users together have half of it. Try again, shorten the statement, or have "
			"\"tenancy.history_queue_size\" raised.");
	return refuse_or_go_unrecorded(
		ERRCODE_OUT_OF_MEMORY, "the queue of pg_tenancy history is full",
		"Raise \"tenancy.history_queue_size\", or look in the server log why the history worker does not keep up.");
}

/* A user's own runs leave no room. To go on unrecorded would be a way around history. */
[[noreturn]] void
refuse_beyond_share(Size size)
{
	Size const share = share_of_user(false);
	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
	                errmsg("the user's share of the queue of pg_tenancy history is used up"),
	                errdetail("The query needs %zu kB, and all queries of a user together have %zu kB.",
	                          (size + 1023) / 1024, share / 1024),
	                size <= share ? errhint("Close open cursors, or let running queries end, and try again.")
	                              : errhint("Shorten the statement, or have \"tenancy.history_queue_size\" raised.")));
}

/*
 * Takes one of the places of the user's running queries, or refuses the run: to go on unrecorded would be a way around
 * the limit, too.
 */
void
take_place_or_refuse(const core::Uuid &user, dsa_pointer pointer)
{
	int const most = settings::max_running_queries_per_user;
	if (take_place(user, most))
		return;
	discard(pointer);
	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many queries of the user are running"),
	                errdetail("At most %d run at the same time, in all sessions of a user together.", most),
	                errhint("Close open cursors, or let running queries end, and try again.")));
}

/* Could the worker give back a user's room, or is all of it held by what goes on running? */
bool
is_anything_pending(const Slot &slot)
{
	LWLockAcquire(queue->lock, LW_SHARED);
	bool const pending = slot.unwritten() > 0;
	LWLockRelease(queue->lock);
	return pending;
}

/*
 * A record with room for its texts. When the queue is full, or its part for heavy texts, or the user's share of it,
 * give the worker a moment to empty it: who is faster than the worker waits, and only they. A share that is held by
 * open cursors is refused at once.
 */
Room
obtain(Slot &slot, const core::Uuid &user, Size size, dsa_pointer *pointer)
{
	static constinit compat::WaitEvent event("TenancyHistoryQueue");
	TimestampTz const begun = GetCurrentTimestamp();
	for (int attempt = 0;; ++attempt) {
		Room const room = allocate_record(user, size, pointer);
		if (room == Room::found)
			return room;
		bool const impatient = TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), patience_ms);
		if (room == Room::share_used_up &&
		    (impatient || sizeof(Record) + size > share_of_user(false) || !is_anything_pending(slot)))
			refuse_beyond_share(sizeof(Record) + size);
		if (impatient)
			return room;
		if (attempt == 0) {
			LWLockAcquire(queue->lock, LW_EXCLUSIVE);
			wake(slot, Line::pending, true);
			wake(slot, Line::heavy, true);
			LWLockRelease(queue->lock);
		}
		if ((WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, event.info()) & WL_LATCH_SET) != 0)
			ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Sleep until the worker has got that far; false when it makes no progress for patience_ms. */
bool
wait_for_worker(Record *record, Progress wanted)
{
	static constinit compat::WaitEvent event("TenancyHistoryCommit");
	Slot &slot = queue->slots[record->slot];
	auto const commits_of_its_kind = [&slot, record] {
		return record->line == Line::heavy ? slot.heavy_commits : slot.commits - slot.heavy_commits;
	};
	uint64 commits = commits_of_its_kind();
	TimestampTz since = GetCurrentTimestamp();
	for (;;) {
		Progress const progress = progress_of(record);
		if (progress >= wanted)
			return progress != Progress::dropped;
		if ((WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1000, event.info()) & WL_LATCH_SET) !=
		    0) {
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		/*
		 * Looked at after each wake-up: timers may set the latch more often than the wait may last. What others have
		 * written is no progress of a run that could not be.
		 */
		if (record->put_off == 0 && commits != commits_of_its_kind()) {
			commits = commits_of_its_kind();
			since = GetCurrentTimestamp();
		} else if (TimestampDifferenceExceeds(since, GetCurrentTimestamp(), patience_ms))
			return progress_of(record) >= wanted && progress_of(record) != Progress::dropped;
		launch_if_down(record->slot);
	}
}

/*
 * The same, until that is on disk: the worker has the next batch in hand meanwhile, and one flush serves all who wait.
 */
bool
wait_for(Record *record, Progress wanted)
{
	bool const done = wait_for_worker(record, wanted);
	if (done)
		flush_commits(queue->slots[record->slot]);
	return done;
}

void
report_unconfirmed()
{
	ereport(settings::history_required ? ERROR : WARNING,
	        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
	         errmsg("could not confirm that the query was recorded in history"),
	         errdetail("The history worker made no progress for %d seconds; it will write the run when it can.",
	                   patience_ms / 1000)));
}

/*
 * The index of a run among those that are not over; -1: it has ended, and another one may have its place in memory by
 * now.
 */
int
local_of(const Run &run) noexcept
{
	int const i = run.handle == 0 ? -1 : find_local(run.handle);
	return i >= 0 && record_at(run.handle)->id == run.id ? i : -1;
}

/* False: another database took the slot while this session waited for room. */
bool
enqueue_here(Slot &slot, dsa_pointer pointer, bool wait)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	bool const here = slot.database == MyDatabaseId;
	if (here) {
		enqueue(slot, pointer);
		wake(slot, record_at(pointer)->line, wait);
	}
	LWLockRelease(queue->lock);
	return here;
}

int64
milliseconds(TimestampTz from, TimestampTz to)
{
	return to > from ? (to - from) / 1000 : 0;
}

} // namespace

Run
start(const Start &report)
{
	if (RecoveryInProgress())
		return refuse_or_go_unrecorded(ERRCODE_READ_ONLY_SQL_TRANSACTION, "cannot record history on this server",
		                               "Only a primary server that preloads pg_tenancy can.");
	prepare_process();
	int slot_number;
	if (Readiness const readiness = require_worker(&slot_number); readiness != Readiness::ready)
		return refuse_or_go_unrecorded(readiness);
	reserve_local();
	Peer const &peer = whoami();
	core::Uuid const id = bridge::enter([] { return core::make_uuid_v7(); });

	Slot &slot = queue->slots[slot_number];
	dsa_pointer pointer;
	if (Room const room = obtain(slot, report.user, texts_size(report), &pointer); room != Room::found)
		return refuse_or_go_unrecorded(room);
	bool const counted = needs_place(report);
	if (counted)
		take_place_or_refuse(report.user, pointer);
	Record *const record = fill_record(pointer, report, peer);
	record->slot = slot_number;
	record->id = id;
	bool const wait = durability_is(settings::HistoryDurability::started);
	record->awaited = wait;
	TimestampTz const started = record->started;

	if (!enqueue_here(slot, pointer, wait)) {
		if (counted)
			give_back_place(report.user);
		discard(pointer);
		return start(report);
	}
	add_local(pointer);

	if (wait && !wait_for(record, Progress::started))
		report_unconfirmed();
	return Run{id, started, pointer};
}

void
require_room(const Start &report)
{
	int slot_number;
	if (RecoveryInProgress())
		return;
	prepare_process();
	if (Readiness const readiness = require_worker(&slot_number); readiness != Readiness::ready) {
		if (settings::history_required)
			(void) refuse_or_go_unrecorded(readiness);
		return;
	}
	dsa_pointer pointer;
	if (obtain(queue->slots[slot_number], report.user, texts_size(report), &pointer) != Room::found)
		return;
	take_place_or_refuse(report.user, pointer);
	give_back_place(report.user);
	discard(pointer);
}

int64
finish(Run &run, const Finish &report)
{
	TimestampTz const now = GetCurrentTimestamp();
	int64 const elapsed = milliseconds(run.started, now);
	int const i = local_of(run);
	dsa_pointer const pointer = run.handle;
	run.handle = 0;
	if (i < 0)
		return elapsed;
	if (durability_is(settings::HistoryDurability::async)) {
		end_record(i, report, now, false);
		forget_local(i);
		return elapsed;
	}
	end_record(i, report, now, true);
	bool const confirmed = wait_for(record_at(pointer), Progress::over);
	abandon(pointer);
	forget_local(find_local(pointer));
	if (!confirmed)
		report_unconfirmed();
	return elapsed;
}

void
finish_quietly(Run &run, const Finish &report) noexcept
{
	int const i = local_of(run);
	if (i >= 0) {
		end_record(i, report, GetCurrentTimestamp(), false);
		forget_local(i);
	}
	run.handle = 0;
}

void
note(const Run &run, int level, const Finish &finish) noexcept
{
	if (int const i = local_of(run); i >= 0)
		note_local(i, level, finish);
}

void
forget_note(const Run &run) noexcept
{
	if (int const i = local_of(run); i >= 0)
		drop_note(i);
}

void
initialize()
{
	register_launcher();
	watch_databases();
}

} // namespace tenancy::history
