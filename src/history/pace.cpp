/*
 * Which users' long texts have to wait, in the process that writes them: one user's take little of a processor and of
 * the disk while others have runs written too. PG regime.
 */
#include "history/worker.hpp"

namespace tenancy::history {

namespace {

constexpr Size bytes_per_ms = 4096;     /* 4 MB per second */
constexpr Size longest_pause_ms = 2000; /* what waits for a text makes progress within patience_ms */
constexpr int most_users = 64;          /* beyond that, all of them together are slow enough */

struct Pause {
	core::Uuid user;
	TimestampTz until;
};
Pause pauses[most_users] = {};
int pause_count = 0;

} // namespace

TimestampTz
paused_until(const core::Uuid &user) noexcept
{
	for (int i = 0; i < pause_count; ++i)
		if (pauses[i].user == user)
			return pauses[i].until;
	return 0;
}

void
pause_after(const core::Uuid &user, Size size) noexcept
{
	TimestampTz const now = GetCurrentTimestamp();
	int kept = 0;
	for (int i = 0; i < pause_count; ++i)
		if (pauses[i].until > now && pauses[i].user != user)
			pauses[kept++] = pauses[i];
	pause_count = kept;
	if (pause_count == most_users)
		return;
	auto const pause = static_cast<int64>(Min(size / bytes_per_ms, longest_pause_ms));
	pauses[pause_count++] = {user, TimestampTzPlusMilliseconds(now, pause)};
}

} // namespace tenancy::history
