/*
 * Which records a worker takes into its next batch: a fair choice of light ones for the first worker, one heavy one for
 * the second. PG regime.
 */
#include "history/order.pure.hpp"

#include "history/worker.hpp"

extern "C" {
#include "access/xact.h"
}

namespace tenancy::history {

namespace {

constexpr int hurry = max_batch / 2; /* so many pending records are not left to linger */
constexpr int lone_budget = 32;      /* some two milliseconds of work */
constexpr int shared_budget = 8;     /* when it is several users whose runs are written */
constexpr long us_per_cost = 70;
constexpr int launch_ms = 1000; /* a hauler that was asked for is expected within */

/* Records of one line that could be written, and the choice among them. */
struct Found {
	Item items[max_batch];
	Candidate candidates[max_batch];
	int count;
};

TimestampTz commit_begun = 0;
long commit_us = 0;

void
watch_commit(XactEvent event, void *)
{
	if (event == XACT_EVENT_PRE_COMMIT)
		commit_begun = GetCurrentTimestamp();
	else if (event == XACT_EVENT_COMMIT)
		commit_us = (3 * commit_us + static_cast<long>(GetCurrentTimestamp() - commit_begun)) / 4;
}

/* The hauler has the chain of that user; a start does not extend it. */
bool
is_excluded(const Record &record)
{
	const Hauler &hauler = mine->hauler;
	return record.finished && hauler.busy && (hauler.user == record.user || (hauler.nobody && record.user.is_nil()));
}

/*
 * Has the record lingered? One that nobody waits for does so a little, so that one batch has many of them. With the
 * lock held.
 */
bool
has_lingered(const Record &record, TimestampTz now)
{
	return record.awaited || TimestampDifferenceExceeds(in_line_since(record), now, linger_ms);
}

/* Is there anything in the line that should be written now? With the lock held. */
bool
is_due(Line line, TimestampTz now)
{
	for (dsa_pointer const p : mine->line(line))
		if (!is_put_off(*record_at(p), now) && has_lingered(*record_at(p), now))
			return true;
	return false;
}

/* Is no hauler there or expected, so that this worker writes heavy runs too? With the lock held. */
bool
is_alone(TimestampTz now)
{
	const Hauler &hauler = mine->hauler;
	return !hauler.busy && hauler.pid == 0 && !is_recent(hauler.launched, now, launch_ms);
}

/*
 * May it be written? A start that nobody waits for lingers; an end, and a start whose end is here, do not. With the
 * lock held.
 */
bool
is_ready(const Record &record, TimestampTz now)
{
	return !is_put_off(record, now) && (record.finished || has_lingered(record, now));
}

/* Finds what can be written of a line; with the lock held. */
void
collect(Line line, TimestampTz now, Found &found)
{
	found.count = 0;
	for (dsa_pointer const p : mine->line(line)) {
		if (found.count == max_batch)
			break;
		const Record &record = *record_at(p);
		if (is_excluded(record) || !is_ready(record, now))
			continue;
		found.items[found.count] = {p, record.finished, Stripped::nothing};
		found.candidates[found.count] = {record.user, cost_of(size_of_texts(record)), found.count, 0};
		++found.count;
		if (record.user != mine->hauler.user)
			mine->others = now;
	}
}

/*
 * Have several users had runs written of late, and is somebody waiting for one? Then batches are kept small: a query
 * that comes now waits for the batch in hand.
 */
class Company {
public:
	void note(const Batch &batch, bool awaited, TimestampTz now)
	{
		for (int i = 0; i < batch.count; ++i) {
			const core::Uuid &user = record_at(batch.items[i].pointer)->user;
			if (user != last_user_)
				seen_ = now;
			last_user_ = user;
		}
		if (awaited)
			awaited_ = now;
	}
	bool is_there(TimestampTz now) const
	{
		return !TimestampDifferenceExceeds(seen_, now, sharing_ms) &&
		       !TimestampDifferenceExceeds(awaited_, now, sharing_ms);
	}

private:
	core::Uuid last_user_;
	TimestampTz seen_ = 0, awaited_ = 0;
};

/* Adds what fits to the batch; answers the rest of the budget. */
int
take(Found &found, int budget, Batch &batch)
{
	int const chosen = Min(choose({found.candidates, static_cast<Size>(found.count)}, budget), max_batch - batch.count);
	for (int i = 0; i < chosen; ++i) {
		batch.items[batch.count++] = found.items[found.candidates[i].place];
		budget -= found.candidates[i].cost;
	}
	return budget;
}

} // namespace

void
watch_commits()
{
	RegisterXactCallback(watch_commit, nullptr);
}

long
usual_commit_us() noexcept
{
	return commit_us;
}

long
time_until_due(long most)
{
	TimestampTz const now = GetCurrentTimestamp();
	long time = most;
	for (Line const line : unwritten_lines) {
		dsa_pointer p = line == Line::heavy && mine->hauler.pid != 0 ? no_record : mine->line(line).first;
		for (; DsaPointerIsValid(p); p = record_at(p)->next) {
			const Record &record = *record_at(p);
			if (is_put_off(record, now))
				time = Min(time, TimestampDifferenceMilliseconds(now, record.put_off) + 1);
			else if (!is_excluded(record))
				break;
		}
		if (!DsaPointerIsValid(p))
			continue;
		long const age = TimestampDifferenceMilliseconds(in_line_since(*record_at(p)), now);
		time = Min(time, record_at(p)->awaited || age >= linger_ms ? 1 : linger_ms - age);
	}
	return time;
}

long
time_until_heavy(long most)
{
	TimestampTz const now = GetCurrentTimestamp();
	long time = most;
	LWLockAcquire(queue->lock, LW_SHARED);
	for (dsa_pointer const p : mine->line(Line::heavy)) {
		const Record &record = *record_at(p);
		TimestampTz const until = Max(record.put_off, paused_until(record, now));
		time = Min(time, until > now ? TimestampDifferenceMilliseconds(now, until) + 1 : linger_ms);
	}
	LWLockRelease(queue->lock);
	return time;
}

Item
find_heavy(const dsa_pointer *run, TimestampTz now)
{
	for (dsa_pointer const p : mine->line(Line::heavy))
		if ((run == nullptr || p == *run) && is_ready(*record_at(p), now) && paused_until(*record_at(p), now) <= now)
			return {p, record_at(p)->finished, Stripped::nothing};
	return {no_record, false, Stripped::nothing};
}

/*
 * Runs that sessions wait for go first, but a quarter of the batch is kept for the others. A batch is bounded, because
 * who comes now has to wait for it; where commits wait for standbys, a batch may take as long as that does anyway.
 */
Batch
gather(Item *items, bool all)
{
	static Found awaited, pending;
	static Company company;
	TimestampTz const now = GetCurrentTimestamp();
	awaited.count = pending.count = 0;
	Batch batch = {items, 0, false};
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	bool const alone = is_alone(now);
	if (all || mine->line(Line::pending).count >= hurry || is_due(Line::awaited, now) || is_due(Line::pending, now)) {
		collect(Line::awaited, now, awaited);
		collect(Line::pending, now, pending);
	}
	if (alone)
		if (items[0] = find_heavy(nullptr, now); DsaPointerIsValid(items[0].pointer))
			batch.count = 1;
	batch.known_only = mine->hauler.busy && mine->hauler.nobody;
	mine->writing = awaited.count + pending.count + batch.count > 0;
	mine->batches += mine->writing;
	LWLockRelease(queue->lock);

	bool const many = awaited.count + pending.count >= hurry; /* to work them off comes first */
	int const least = company.is_there(now) && !many ? shared_budget : lone_budget;
	int budget = all ? max_batch : Max(least, static_cast<int>(Min(commit_us / us_per_cost, max_batch)));
	int const kept = pending.count > 0 ? budget / 4 : 0;
	budget = kept + take(awaited, budget - kept, batch);
	if (budget > 0)
		take(pending, budget, batch);
	company.note(batch, awaited.count > 0, now);
	return batch;
}

void
end_batch()
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	mine->writing = false;
	if (mine->hauler.busy && mine->hauler.latch != nullptr)
		SetLatch(mine->hauler.latch);
	LWLockRelease(queue->lock);
}

} // namespace tenancy::history
