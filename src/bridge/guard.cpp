/*
 * Taking over an error that a guarded call raised. PG regime.
 */
#include "bridge/guard.hpp"

namespace tenancy::bridge {

ErrorData *
take_error(MemoryContext context)
{
	ErrorData *volatile data = nullptr;
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		data = CopyErrorData();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
	}
	PG_END_TRY();
	FlushErrorState();
	return data;
}

} // namespace tenancy::bridge
