/*
 * What triggers call: connections have changed. PG regime.
 */
#include "bridge/function.hpp"
#include "health/crew.hpp"
#include "history/history.hpp"

namespace tenancy::health {

namespace {

bool changed = false; /* by this transaction */

void
end_transaction(XactEvent event, void *)
{
	if (changed && event == XACT_EVENT_COMMIT)
		wake_crew(MyDatabaseId);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		changed = false;
}

} // namespace

/* tenancy.wake_health() → void: when this transaction commits, there is something to check. */
TENANCY_FUNCTION(wake_health)
{
	static bool registered = false;
	if (!registered) {
		RegisterXactCallback(end_transaction, nullptr);
		registered = true;
	}
	changed = true;
	history::ask_for_worker();
	PG_RETURN_VOID();
}

} // namespace tenancy::health
