/*
 * See leftovers.hpp. PG regime.
 */
#include "history/leftovers.hpp"

#include "history/step.hpp"
#include "history/worker.hpp"

namespace tenancy::history {

namespace {

constexpr int retry_ms = 1000;           /* between looks at runs that the trigger deferred */
constexpr int longest_retry_ms = 30'000; /* the same, while they cannot be written */

} // namespace

Leftovers::Leftovers(Slot *slot) : slot_(slot), pause_(retry_ms) {}

void
Leftovers::tend()
{
	if (take_deferred()) {
		waiting_ = true;
		pause_ = retry_ms;
	}
	if ((swept_ && !waiting_) || !TimestampDifferenceExceeds(looked_, GetCurrentTimestamp(), pause_))
		return;
	if (!hold_hauler()) {
		resume_hauler(); /* it has a run in hand; the next round finds it between two */
		return;
	}
	looked_ = GetCurrentTimestamp();
	swept_ = swept_ || run_step(mark_lost, slot_, "could not mark lost runs");
	Retried retried = {0, 1};
	(void) run_step(retry_deferred, &retried, "could not write deferred runs");
	resume_hauler();
	waiting_ = take_deferred() || retried.waiting > 0;
	if (retried.moved > 0 && retried.waiting > 0)
		pause_ = 0;
	else
		pause_ = retried.moved > 0 ? retry_ms : Min(Max(2 * pause_, retry_ms), longest_retry_ms);
}

long
Leftovers::pause(long timeout) const
{
	return swept_ && !waiting_ ? timeout : Min(timeout, Max(pause_, 1));
}

} // namespace tenancy::history
