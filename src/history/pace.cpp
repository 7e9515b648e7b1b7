/*
 * Which users' long texts have to wait, in the process that writes them: one user's take little of a processor and of
 * the disk while others have runs written too. PG regime.
 */
#include "history/worker.hpp"

namespace tenancy::history {

namespace {

constexpr Size bytes_per_ms = 1024;      /* 1 MB per second; see the figures in docs/performance.md, "Fairness" */
constexpr int64 longest_pause_ms = 5000; /* what waits for a text makes progress within patience_ms */
constexpr int most_users = 64;           /* beyond that, all of them together are slow enough */

struct Pause {
	core::Uuid user;
	TimestampTz until;
};
Pause pauses[most_users] = {};
int pause_count = 0;

/* A pause that would last longer than any was begun before the clock was set back. */
bool
lasts(const Pause &pause, TimestampTz now)
{
	return pause.until > now && pause.until <= TimestampTzPlusMilliseconds(now, longest_pause_ms);
}

} // namespace

/* The end of a run whose texts are written already costs nothing, and waits for nothing. */
TimestampTz
paused_until(const Record &record, TimestampTz now) noexcept
{
	for (int i = 0; i < pause_count && is_long(record); ++i)
		if (pauses[i].user == record.user && lasts(pauses[i], now))
			return pauses[i].until;
	return 0;
}

void
pause_after(const core::Uuid &user, Size size, TimestampTz now) noexcept
{
	if (size <= light_texts)
		return;
	int kept = 0;
	for (int i = 0; i < pause_count; ++i)
		if (lasts(pauses[i], now) && pauses[i].user != user)
			pauses[kept++] = pauses[i];
	pause_count = kept;
	if (pause_count == most_users)
		return;
	int64 const pause = Min(static_cast<int64>(size / bytes_per_ms), longest_pause_ms);
	pauses[pause_count++] = {user, TimestampTzPlusMilliseconds(now, pause)};
}

} // namespace tenancy::history
