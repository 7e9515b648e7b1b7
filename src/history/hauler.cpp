/*
 * The hauler: the second worker of a database, which writes heavy runs, one by one and users in turns, while the
 * history worker goes on with what is light. It is there when it is needed, and no longer than the other. PG regime.
 */
#include "history/worker.hpp"

#include <algorithm>

#include <malloc.h>

#include "bridge/worker.hpp"
#include "history/step.hpp"

extern "C" {
PGDLLEXPORT void tenancy_history_hauler(Datum database);
}

namespace tenancy::history {

namespace {

constexpr int idle_ms = 10'000; /* then it leaves */
constexpr int relaunch_ms = 3000;
constexpr int retry_ms = 1000;
constexpr int turn_ms = 100; /* at most, for the other worker to take a batch */
constexpr int rest_factor = 3;
constexpr int longest_rest_ms = 200;
constexpr uint32 slice_ms = 100;      /* the longest that Linux takes */
constexpr int kept_memory = 32 << 20; /* the largest threshold that malloc takes */

pid_t leader = 0; /* the history worker at whose wish this one runs */

void
leave_hauler(int, Datum)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	Hauler &hauler = mine->hauler;
	bool const own = hauler.pid == MyProcPid;
	if (own) {
		hauler.pid = 0;
		hauler.latch = nullptr;
		hauler.busy = false;
		if (mine->trouble_of == MyProcPid)
			mine->troubled = 0;
		wake(*mine, Line::pending, true);
	}
	LWLockRelease(queue->lock);
	if (own)
		ConditionVariableBroadcast(&mine->changed);
}

bool
enlist(Oid database)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	int const i = find_slot(database);
	bool const wanted = i >= 0 && queue->slots[i].pid != 0 && queue->slots[i].hauler.pid == 0;
	if (wanted) {
		mine = &queue->slots[i];
		leader = mine->pid;
		mine->hauler.pid = MyProcPid;
		mine->hauler.latch = MyLatch;
	}
	LWLockRelease(queue->lock);
	return wanted;
}

bool
is_dismissed()
{
	return is_asked_to_leave() || mine->pid != leader;
}

/* Waits until the other worker has written the batch that it has in hand. Its next one leaves out what is claimed. */
void
await_batch(uint64 batch)
{
	while (mine->writing && mine->batches == batch)
		(void) bridge::rest(turn_ms);
}

/*
 * Choose the first heavy run that may be written, and keep the other worker away from its user. False: there is none,
 * or the other worker wants to be alone.
 */
bool
claim(dsa_pointer *claimed_run)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	Hauler &hauler = mine->hauler;
	Item const item = find_heavy(nullptr, GetCurrentTimestamp());
	hauler.busy = !hauler.held && DsaPointerIsValid(item.pointer);
	if (hauler.busy)
		hauler.user = record_at(item.pointer)->user;
	hauler.nobody = hauler.busy && hauler.user.is_nil();
	bool const claimed = hauler.busy;
	*claimed_run = item.pointer;
	uint64 const batch = mine->batches;
	LWLockRelease(queue->lock);
	if (claimed)
		await_batch(batch);
	return claimed;
}

/* A run whose user does not exist, or not yet, would extend nobody's chain. */
void
claim_nobody()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->hauler.nobody = true;
	uint64 const batch = mine->batches;
	LWLockRelease(queue->lock);
	await_batch(batch);
}

/* Moves a user who was served to the end of the line, with all runs in it; with the lock held. */
void
send_to_the_end(const core::Uuid &user)
{
	dsa_pointer const last = mine->line(Line::heavy).last;
	for (dsa_pointer p = mine->line(Line::heavy).first; DsaPointerIsValid(p);) {
		dsa_pointer const next = record_at(p)->next;
		if (record_at(p)->user == user) {
			remove(*mine, p);
			append(*mine, Line::heavy, p);
		}
		if (p == last)
			break;
		p = next;
	}
}

/* The light runs of the user, which waited meanwhile, come next. */
void
yield_turn(uint64 batch)
{
	bool waits = false;
	LWLockAcquire(queue->lock, LW_SHARED);
	for (Line const line : {Line::awaited, Line::pending})
		waits = waits || std::ranges::any_of(mine->line(line),
		                                     [](dsa_pointer p) { return record_at(p)->user == mine->hauler.user; });
	LWLockRelease(queue->lock);
	TimestampTz const begun = GetCurrentTimestamp();
	while (waits && mine->batches == batch && !TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), turn_ms))
		(void) bridge::rest(1);
}

/* The user's next turn is after that of all others. */
void
let_go()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->hauler.busy = false;
	send_to_the_end(mine->hauler.user);
	uint64 const batch = mine->batches;
	wake(*mine, Line::pending, true);
	LWLockRelease(queue->lock);
	yield_turn(batch);
}

/* Write the run that is claimed, if it still is heavy. False when that failed. */
bool
haul(dsa_pointer run, Size *size)
{
	LWLockAcquire(queue->lock, LW_SHARED);
	Item item = find_heavy(&run, GetCurrentTimestamp());
	*size = DsaPointerIsValid(item.pointer) ? size_of_texts(*record_at(item.pointer)) : 0;
	LWLockRelease(queue->lock);
	if (!DsaPointerIsValid(item.pointer) || record_at(item.pointer)->user != mine->hauler.user)
		return true; /* the other worker had it in that batch; in its place is nothing, or another run */
	int written = write_all({&item, 1, !mine->hauler.nobody});
	if (written == 0) {
		claim_nobody();
		written = write_all({&item, 1, false});
	}
	MemoryContextReset(batch_context);
	pgstat_report_stat(false);
	return written >= 0;
}

/*
 * Rests, since who writes long texts all the time shares processors and disk with whoever else has runs written. While
 * there is anybody else, this rests for most of the time, each user's texts have a pace, and a user whose queue is full
 * of them waits.
 */
void
leave_room(TimestampTz begun, Size size)
{
	TimestampTz const now = GetCurrentTimestamp();
	if (TimestampDifferenceExceeds(mine->others, now, sharing_ms))
		return;
	pause_after(mine->hauler.user, size, now);
	long const pause = Min(rest_factor * TimestampDifferenceMilliseconds(begun, now), longest_rest_ms);
	for (long left = pause; left > 0 && !is_dismissed();
	     left = pause - TimestampDifferenceMilliseconds(now, GetCurrentTimestamp()))
		(void) bridge::rest(left);
}

void
haul_all()
{
	while (!is_dismissed()) {
		bridge::serve_interrupts();
		dsa_pointer run;
		TimestampTz const begun = GetCurrentTimestamp();
		if (claim(&run)) {
			Size size;
			bool const done = haul(run, &size);
			let_go();
			leave_room(begun, size);
			if (!done && !extension_exists())
				return;
			if (!done)
				bridge::rest(retry_ms);
			continue;
		}
		bool const empty = mine->line(Line::heavy).count == 0;
		if (!bridge::rest(time_until_heavy(idle_ms)) && empty)
			return;
	}
}

/* A long text is copied many times on its way: to get fresh memory for each copy would cost more than the copy. */
void
keep_freed_memory()
{
	(void) mallopt(M_MMAP_THRESHOLD, kept_memory);
	(void) mallopt(M_TRIM_THRESHOLD, 2 * kept_memory);
}

/* The next heavy run may ask for another one at once. One that failed is asked for again after a while only. */
void
end_well()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->hauler.launched = 0;
	LWLockRelease(queue->lock);
}

} // namespace

void
tend_hauler()
{
	static TimestampTz refused = 0;
	Hauler &hauler = mine->hauler;
	if (mine->line(Line::heavy).count == 0 || hauler.pid != 0)
		return;
	TimestampTz const now = GetCurrentTimestamp();
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	bool const wanted =
		hauler.pid == 0 && !is_recent(hauler.launched, now, relaunch_ms) && !is_recent(refused, now, relaunch_ms);
	if (wanted)
		hauler.launched = now;
	LWLockRelease(queue->lock);
	if (!wanted)
		return;
	BackgroundWorker worker;
	bridge::describe_worker(worker, "pg_tenancy history hauler", "tenancy_history_hauler", BGW_NEVER_RESTART);
	worker.bgw_main_arg = ObjectIdGetDatum(mine->database);
	if (RegisterDynamicBackgroundWorker(&worker, nullptr))
		return;
	refused = now;
	hauler.launched = 0;
}

bool
hold_hauler()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->hauler.held = true;
	bool const rests = !mine->hauler.busy;
	LWLockRelease(queue->lock);
	return rests;
}

void
resume_hauler()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->hauler.held = false;
	wake(*mine, Line::heavy, true);
	LWLockRelease(queue->lock);
}

} // namespace tenancy::history

void
tenancy_history_hauler(Datum argument)
{
	using namespace tenancy::history;
	Oid const database = DatumGetObjectId(argument);
	tenancy::bridge::handle_signals();
	if (!enlist(database))
		proc_exit(0);
	before_shmem_exit(leave_hauler, 0);
	keep_freed_memory();
	tenancy::bridge::let_others_go_first(slice_ms);
	prepare_worker(database, "pg_tenancy history hauler");
	if (extension_exists())
		haul_all();
	end_well();
	proc_exit(0);
}
