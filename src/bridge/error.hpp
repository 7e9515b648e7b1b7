/*
 * Acting on a PostgreSQL error and passing it on; PG_TRY stays in bridge/. PG regime.
 */
#pragma once

#include <type_traits>

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/* Run body; when it raises, run handler with a copy of the error, then raise it again. Both are PG code. */
template <typename Body, typename Handler>
void
on_error(Body body, Handler handler)
{
	static_assert(std::is_trivially_destructible_v<Body> && std::is_trivially_destructible_v<Handler>);
	MemoryContext const context = CurrentMemoryContext;
	PG_TRY();
	{
		body();
	}
	PG_CATCH();
	{
		MemoryContext const error_context = MemoryContextSwitchTo(context);
		ErrorData *const data = CopyErrorData();
		handler(data);
		FreeErrorData(data);
		MemoryContextSwitchTo(error_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

} // namespace tenancy::bridge
