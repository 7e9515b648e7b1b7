/*
 * Taking over an error that a guarded call raised. PG regime.
 */
#include "bridge/guard.hpp"

namespace tenancy::bridge {

ErrorData *
take_error(MemoryContext context)
{
	MemoryContextSwitchTo(context);
	ErrorData *const data = CopyErrorData();
	FlushErrorState();
	return data;
}

} // namespace tenancy::bridge
