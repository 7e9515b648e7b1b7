/*
 * What is left from before: runs of sessions that died, and those that the trigger deferred. PG regime.
 */
#pragma once

#include "history/queue.hpp"

namespace tenancy::history {

class Leftovers {
public:
	explicit Leftovers(Slot *slot);

	/* See to them when it is time; each call may write one portion. */
	void tend();
	/* How long to sleep at most. */
	long pause(long timeout) const;

private:
	Slot *slot_;
	bool swept_ = false;
	bool waiting_ = true;
	int pause_;
	TimestampTz looked_ = 0;
};

} // namespace tenancy::history
