/*
 * See abort.hpp. PG regime.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "access/xact.h"
}

#include "bridge/abort.hpp"

namespace tenancy::bridge {

namespace {

constexpr long budget_ms = 2'000;

/*
 * An abort of a transaction of this backend, or of a subtransaction of it, and when it has to be over. Clean-up after
 * the end of a transaction sees the number of the next one, but the start of the old one.
 */
struct Abort {
	uint64 transaction;
	TimestampTz start;
	SubTransactionId subtransaction;
	core::Deadline end;
};

uint64 transactions_ended = 0;
Abort last{};

void
at_transaction_end(XactEvent event, void *)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT)
		++transactions_ended;
}

} // namespace

/*
 * Portals and their memory go before the callbacks of an abort are called, some memory of a subtransaction's after
 * them, but all in the state of an abort.
 */
core::Deadline
end_of_abort() noexcept
{
	if (IsTransactionState())
		return {};
	TimestampTz const start = GetCurrentTransactionStartTimestamp();
	SubTransactionId const subtransaction = GetCurrentSubTransactionId();
	if (last.transaction != transactions_ended || last.start != start || last.subtransaction != subtransaction)
		last = {transactions_ended, start, subtransaction, core::Deadline::after(budget_ms)};
	return last.end;
}

void
count_transactions()
{
	RegisterXactCallback(at_transaction_end, nullptr);
}

} // namespace tenancy::bridge
