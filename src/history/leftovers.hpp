/*
 * What is left from before: runs of sessions that died, and those that the trigger deferred. PG regime.
 */
#pragma once

#include "history/queue.hpp"

namespace tenancy::history {

class Leftovers {
public:
	Leftovers();

	/* See to them when it is time; each call may write one portion. */
	void tend();
	/* How long to sleep at most. */
	long pause(long timeout) const;

private:
	void plan(bool moved);

	bool swept_ = false;
	bool waiting_ = true;
	bool holding_ = false; /* the hauler, which ends what it has in hand */
	long pause_;
	long rest_ = 0;   /* at least, after the last look */
	core::Uuid next_; /* of a list that is too long for one look: where to go on */
	TimestampTz looked_ = 0;
};

} // namespace tenancy::history
