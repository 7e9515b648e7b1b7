/*
 * Statements that are no queries, on their way through hooks: CREATE, DROP, EXPLAIN, COMMIT and the like. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

extern "C" {
#include "tcop/utility.h"
}

namespace tenancy::bridge {

/* One of them, and what PostgreSQL passes on with it. */
struct Utility {
	ProcessUtility_hook_type next;
	PlannedStmt *planned;
	const char *source;
	bool read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *receiver;
	QueryCompletion *completion;

	[[nodiscard]] Node *statement() const { return planned->utilityStmt; }
	void run() const { next(planned, source, read_only_tree, context, params, environment, receiver, completion); }
};

/* From now on the function has each of them first; it happens when the function calls run(). Once for each function. */
template <void (*function)(const Utility &)>
void
watch_utilities()
{
	static ProcessUtility_hook_type next;
	next = ProcessUtility_hook != nullptr ? ProcessUtility_hook : standard_ProcessUtility;
	ProcessUtility_hook = [](PlannedStmt *planned, const char *source, bool read_only_tree,
	                         ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
	                         DestReceiver *receiver, QueryCompletion *completion) {
		function({next, planned, source, read_only_tree, context, params, environment, receiver, completion});
	};
}

} // namespace tenancy::bridge
