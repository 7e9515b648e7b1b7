/*
 * The maintenance worker of a database: does the chores, and has checkers started when connections are due. PG regime.
 * Nothing waits for it; history's worker starts it again when it has gone.
 */
#include <algorithm>
#include <climits>

#include "bridge/worker.hpp"
#include "health/chores.hpp"
#include "health/member.hpp"
#include "settings.hpp"

extern "C" {
PGDLLEXPORT void tenancy_maintenance_worker(Datum post);
}

namespace tenancy::health {

namespace {

constexpr long idle_ms = 5000;
constexpr long busy_ms = 1000;
constexpr int backlog_ms = 2000; /* a check that is so late shows that more checkers are needed */

bool
is_due(TimestampTz check, TimestampTz now)
{
	return check != 0 && check <= now;
}

/* Starts one more checker, the first that does not run. */
void
launch_another(Oid database)
{
	Crew const crew = crew_of(database);
	for (int number = 1; number <= settings::health_workers; ++number)
		if (crew.members[number].pid == 0) {
			(void) launch_member(database, number);
			return;
		}
}

/* The first checker serves the fast lane, the second the slow one; more come when checks are late. */
void
launch_checkers(Oid database, const Due &due, TimestampTz now)
{
	bool const fast = is_due(due.fast, now), slow = is_due(due.slow, now);
	if (fast || (slow && settings::health_workers == 1))
		(void) launch_member(database, 1);
	if (slow && settings::health_workers > 1)
		(void) launch_member(database, 2);
	if ((fast && TimestampDifferenceExceeds(due.fast, now, backlog_ms)) ||
	    (slow && TimestampDifferenceExceeds(due.slow, now, backlog_ms)))
		launch_another(database);
}

/* Have checked what is due; how long to sleep after that. */
long
see_to_checks(Oid database, const Due &due)
{
	static int interval = INT_MAX; /* what another worker has planned may be of a longer one */
	if (settings::health_interval == 0 || settings::health_workers == 0)
		return idle_ms;
	if (settings::health_interval < interval)
		(void) transact(draw_near, nullptr, "could not reschedule checks of connections");
	interval = settings::health_interval;

	TimestampTz const now = GetCurrentTimestamp();
	launch_checkers(database, due, now);
	long timeout = idle_ms;
	for (TimestampTz const check : {due.fast, due.slow})
		if (check != 0)
			timeout = std::min(timeout, std::max(busy_ms, TimestampDifferenceMilliseconds(now, check)));
	return timeout;
}

} // namespace

} // namespace tenancy::health

void
tenancy_maintenance_worker(Datum post)
{
	using namespace tenancy;
	using namespace tenancy::health;
	Oid const database = begin(post, "pg_tenancy maintenance").database;
	note_settings();
	while (may_stay(database) && extension_exists() && !is_outdated()) {
		Due due{};
		long timeout = idle_ms;
		if (transact(look_for_due, &due, "could not look for connections to check")) {
			timeout = see_to_checks(database, due);
			do_chores(database);
		}
		(void) bridge::rest(timeout);
	}
	proc_exit(0);
}
