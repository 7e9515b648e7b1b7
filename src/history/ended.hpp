/*
 * Runs that have ended, as triggers of running_queries are told of them. PG regime: all lives in the memory context of
 * who calls.
 */
#pragma once

#include "history/digest.hpp"

#include "bridge/trigger.hpp"
#include "core/uuid.hpp"

namespace tenancy::history {

struct Ended {
	core::Uuid id;
	core::Uuid user, connection; /* as the run names them; nil: none */
	NullableDatum transaction;   /* xid8, of the run */
	/*
	 * The run's row of query_history. Its user and connection are null until it is known that they are there; its place
	 * in the chain is null.
	 */
	Entry entry;
	bool connected; /* its connection was reached, and gave what was asked for */
};

struct EndedRuns {
	Ended *first;
	int count;

	Ended *begin() const { return first; }
	Ended *end() const { return first + count; }
};

/* The new rows of running_queries, without what is still running. */
EndedRuns read_ended(const TriggerData &trigger);

} // namespace tenancy::history
