/*
 * See worker.hpp. PG regime.
 */
#include "bridge/worker.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "utils/snapmgr.h"
}

namespace tenancy::bridge {

bool
run_in_transaction(void (*fn)(void *), void *arg, ErrorData **error)
{
	MemoryContext const context = CurrentMemoryContext;
	volatile bool done = false;
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		PushActiveSnapshot(GetTransactionSnapshot());
		fn(arg);
		PopActiveSnapshot();
		SPI_finish();
		CommitTransactionCommand();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return done;
}

void
serve_interrupts()
{
	MemoryContext const context = CurrentMemoryContext;
	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
}

} // namespace tenancy::bridge
