/*
 * The handler of tenant_fdw. PG regime.
 */
#include "bridge/function.hpp"
#include "fdw/channel.hpp"
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

TENANCY_FUNCTION(tenant_fdw_handler)
{
	auto *const routine = makeNode(FdwRoutine);
	set_planner_callbacks(routine);
	set_scan_callbacks(routine);
	set_async_callbacks(routine);
	set_modify_callbacks(routine);
	set_direct_callbacks(routine);
	set_explain_callbacks(routine);
	set_analyze_callbacks(routine);
	set_import_callbacks(routine);
	PG_RETURN_POINTER(routine);
}

void
initialize()
{
	initialize_channels();
}

} // namespace tenancy::fdw
