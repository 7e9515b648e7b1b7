/*
 * The workers that check connections: claim one, ask it without a lock or a transaction, record, and again. PG regime.
 * The first of them serves only connections that answered soon: a host that is dead or slow can hold up the others.
 */
#include <algorithm>

#include "bridge/worker.hpp"
#include "health/check.hpp"
#include "health/member.hpp"
#include "settings.hpp"

extern "C" {
PGDLLEXPORT void tenancy_health_worker(Datum post);
}

namespace tenancy::health {

namespace {

constexpr long nap_ms = 5000;
constexpr long courtesy_ms = 250;      /* whoever took longer lets others go first */
constexpr int least_idle_ms = 120'000; /* without a check, then the process ends */

Lanes
lanes_of(int number, const Served &served)
{
	if (number == 1)
		return {Lane::fast, settings::health_workers < 2, &served};
	return {Lane::slow, true, &served};
}

bool
is_wanted(const Post &post)
{
	return settings::health_interval > 0 && post.number <= settings::health_workers && may_stay(post.database);
}

/* Something of our own is in the way: the client database was not asked. */
void
note_own_error(Check *check, const ErrorData *error)
{
	check->state = "unknown";
	check->code = "other";
	check->message = error->message;
	check->latency_ms = 0;
	check->elapsed_ms = 0;
	check->slow = check->deferred = false;
}

/* False when the check was broken off, or there is nothing to check any more: its claim runs out by itself. */
bool
make(Check *check)
{
	MemoryContext const context = MemoryContextSwitchTo(check->context);
	ErrorData *error = nullptr;
	bool done = bridge::run_in_transaction(look_up, check, &error);
	bool const gone = done && !check->found;
	if (done && check->found) {
		pgstat_report_activity(STATE_RUNNING, "checking a connection");
		done = bridge::run_alone(ask, check, &error);
		pgstat_report_activity(STATE_IDLE, nullptr);
	}
	MemoryContextSwitchTo(context);
	if (done)
		return !gone;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		return false;
	note_own_error(check, error);
	return true;
}

long
time_until(TimestampTz next)
{
	if (next == 0)
		return nap_ms;
	return std::clamp(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next), 10L, nap_ms);
}

void
work(const Post &post)
{
	Check check{};
	check.context = AllocSetContextCreate(TopMemoryContext, "health check", ALLOCSET_DEFAULT_SIZES);
	static Served served;
	TimestampTz worked = GetCurrentTimestamp();
	while (is_wanted(post) && extension_exists()) {
		Lanes const lanes = lanes_of(post.number, served);
		Claim step = {&check, &lanes};
		bool const done = transact(claim, &step, "could not claim a connection to check");
		if (done && check.claimed) {
			bool const made = make(&check);
			if (served.has(check.config.user)) /* nothing of others was due any more */
				served.clear();
			if (made) {
				(void) transact(record, &check, "could not record the health of a connection");
				if (check.elapsed_ms > courtesy_ms)
					served.add(check.config.user);
			}
			worked = GetCurrentTimestamp();
			bridge::serve_interrupts();
		} else {
			if (TimestampDifferenceExceeds(worked, GetCurrentTimestamp(),
			                               std::max(least_idle_ms, 2000 * std::min(settings::health_interval, 300))))
				return;
			served.clear();
			(void) bridge::rest(done ? time_until(check.next) : nap_ms);
		}
		MemoryContextReset(check.context);
	}
}

} // namespace

} // namespace tenancy::health

void
tenancy_health_worker(Datum post)
{
	using namespace tenancy::health;
	work(begin(post, "pg_tenancy health"));
	proc_exit(0);
}
