/*
 * See leftovers.hpp. PG regime.
 */
#include "history/leftovers.hpp"

#include <algorithm>

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"
#include "bridge/worker.hpp"
#include "history/step.hpp"
#include "history/worker.hpp"

extern "C" {
#include "postmaster/interrupt.h"
}

namespace tenancy::history {

namespace {

namespace spi = bridge::spi;

constexpr long retry_ms = 1000;           /* between looks at runs that the trigger deferred */
constexpr long longest_retry_ms = 30'000; /* the same, while they cannot be written */
constexpr long window_ms = 100;           /* between looks at parts of a long list */
constexpr long rest_factor = 20;          /* of a look that found nothing to write */
constexpr int spare_ids = 100;            /* room for runs that begin while the others are counted */

/* The most that is tried again in one transaction. */
constexpr int max_retried = 100;
constexpr int64 max_retried_size = 128 * 1024;

/* Runs whose sessions died. */
struct LostRuns {
	core::Uuid *first; /* in TopMemoryContext */
	int count;
};

/* What came of runs that the trigger had left for later. */
struct Retried {
	int64 moved;
	bool waiting;    /* others, or the same still */
	core::Uuid last; /* where the next look goes on; nil: from the beginning */
};

/* The runs that the queue has, all of them at one moment. */
Datum
ids_of(const Slot &slot)
{
	core::Uuid *uuids = nullptr;
	int count = 0, room = -1;
	while (count > room) {
		room = count + spare_ids;
		uuids = static_cast<core::Uuid *>(palloc(sizeof(core::Uuid) * static_cast<Size>(room)));
		count = 0;
		LWLockAcquire(queue->lock, LW_SHARED);
		for (const Records &line : slot.lines)
			for (dsa_pointer const p : line)
				if (++count <= room)
					uuids[count - 1] = record_at(p)->id;
		LWLockRelease(queue->lock);
	}
	if (count == 0)
		return PointerGetDatum(construct_empty_array(UUIDOID));
	return bridge::uuid_array(uuids, count);
}

/* Rows whose run is in no queue: their server or backend died without a word. */
void
find_lost(void *arg)
{
	static spi::Statement find = {
		"SELECT r.id FROM tenancy.running_queries AS r WHERE r.status = 'running' AND r.id <> ALL ($1)",
		{UUIDARRAYOID}};
	auto &lost = *static_cast<LostRuns *>(arg);
	Datum const ids = ids_of(*mine);
	auto const count = static_cast<int>(execute(find, &ids));
	lost.first = static_cast<core::Uuid *>(
		MemoryContextAllocHuge(TopMemoryContext, sizeof(core::Uuid) * (static_cast<Size>(count) + 1)));
	bool is_null;
	for (int i = 0; i < count; ++i)
		lost.first[i] = bridge::uuid_value(spi::value(static_cast<uint64>(i), 1, &is_null));
	lost.count = count;
}

void
mark_lost(void *arg)
{
	static spi::Statement update = {
		"UPDATE tenancy.running_queries SET status = 'lost', finished_at = pg_catalog.now(),"
		" error_message = 'the session that ran the query died', truncated = false, cached = false"
		" WHERE id = ANY ($1)",
		{UUIDARRAYOID}};
	auto const &lost = *static_cast<const LostRuns *>(arg);
	Datum const ids = bridge::uuid_array(lost.first, lost.count);
	(void) execute(update, &ids);
}

/* Version 0.1 of the extension has none, until it is updated to that of this library. */
bool
has_deferred_list()
{
	static spi::Statement look = {"SELECT pg_catalog.to_regclass('tenancy.deferred_queries') IS NOT NULL"};
	bool is_null;
	(void) execute(look, nullptr);
	return DatumGetBool(spi::value(0, 1, &is_null));
}

/* Lists the deferred runs anew when the worker starts: a crash empties the list. */
void
list_deferred(void *)
{
	static spi::Statement list = {"INSERT INTO tenancy.deferred_queries (id) SELECT r.id FROM tenancy.running_queries"
	                              " AS r WHERE r.status <> 'running' ON CONFLICT DO NOTHING"};
	if (has_deferred_list())
		(void) execute(list, nullptr);
}

void
retry_deferred(void *arg)
{
	static spi::Statement touch = {"UPDATE tenancy.running_queries SET status = status WHERE status <> 'running'"};
	static spi::Statement retry = {"SELECT r.moved, r.waiting, r.last FROM tenancy.retry_history($1, $2, $3) AS r",
	                               {INT4OID, INT8OID, UUIDOID}};
	auto &retried = *static_cast<Retried *>(arg);
	if (!has_deferred_list()) {
		retried = {static_cast<int64>(execute(touch, nullptr)), false, {}};
		return;
	}
	Datum const values[] = {Int32GetDatum(max_retried), Int64GetDatum(max_retried_size), bridge::uuid_datum(retried.last)};
	(void) execute(retry, values);
	bool is_null;
	retried.moved = DatumGetInt64(spi::value(0, 1, &is_null));
	retried.waiting = DatumGetBool(spi::value(0, 2, &is_null));
	Datum const last = spi::value(0, 3, &is_null);
	retried.last = is_null ? core::Uuid{} : bridge::uuid_value(last);
}

bool
mark_all(const LostRuns &lost)
{
	LostRuns all = lost;
	ErrorData *error = nullptr;
	bool const marked = transact(mark_lost, &all, &error);
	bool const one_by_one = !marked && may_be_of_one_run(error);
	bool settled = marked || (one_by_one && is_about_data(error)); /* nothing is gained by trying all once more */
	if (!marked)
		complain(error, "could not mark lost runs");
	MemoryContextReset(batch_context);
	for (int i = 0; one_by_one && i < lost.count; ++i) {
		LostRuns one = {lost.first + i, 1};
		/* A run that fails here stays as it is until the next start. */
		settled = run_step(mark_lost, &one, "could not mark a lost run") || settled;
	}
	if (marked && lost.count > 0)
		bridge::say([=] {
			ereport(LOG, (errmsg_plural("pg_tenancy history: marked %d run as lost",
			                            "pg_tenancy history: marked %d runs as lost",
			                            static_cast<unsigned long>(lost.count), lost.count)));
		});
	return settled;
}

/* Called once after the start; false when it has to be tried again. */
bool
sweep()
{
	LostRuns lost = {nullptr, 0};
	bool done = run_step(find_lost, &lost, "could not look for lost runs");
	if (lost.count > 0)
		done = mark_all(lost);
	if (lost.first != nullptr)
		pfree(lost.first);
	return done && run_step(list_deferred, nullptr, "could not list deferred runs");
}

} // namespace

Leftovers::Leftovers() : pause_(retry_ms) {}

void
Leftovers::tend()
{
	if (take_deferred()) {
		pause_ = waiting_ ? std::min(pause_, std::max(retry_ms, rest_)) : std::max(retry_ms, rest_);
		waiting_ = true;
	}
	bool const due = (!swept_ || waiting_) && TimestampDifferenceExceeds(looked_, GetCurrentTimestamp(), pause_);
	if (ShutdownRequestPending || (!due && !holding_))
		return;
	holding_ = !hold_hauler(); /* it has a run in hand, and takes no other one: it is between two in the next round */
	if (holding_)
		return;
	swept_ = swept_ || sweep();
	TimestampTz const begun = GetCurrentTimestamp();
	Retried retried = {0, true, next_};
	bool const done =
		!ShutdownRequestPending && run_step(retry_deferred, &retried, "could not write deferred runs");
	resume_hauler();
	looked_ = GetCurrentTimestamp();
	next_ = done ? retried.last : core::Uuid{};
	/* A look that waited for a lock or a standby did no work to rest from. */
	rest_ = !done || retried.moved > 0
	            ? 0
	            : std::min(rest_factor * TimestampDifferenceMilliseconds(begun, looked_), longest_retry_ms);
	waiting_ = take_deferred() || retried.waiting;
	plan(retried.moved > 0);
}

/* Sets the pause until the next look. Looks take a bounded share of the time, however long the list is. */
void
Leftovers::plan(bool moved)
{
	if (moved && waiting_)
		pause_ = 0;
	else if (!next_.is_nil())
		pause_ = std::max(window_ms, rest_);
	else if (moved)
		pause_ = retry_ms;
	else
		pause_ = std::max(std::min(std::max(2 * pause_, retry_ms), longest_retry_ms), rest_);
}

long
Leftovers::pause(long timeout) const
{
	if (holding_)
		return std::min<long>(timeout, linger_ms);
	return swept_ && !waiting_ ? timeout : std::min(timeout, std::max(pause_, 1L));
}

} // namespace tenancy::history
