/*
 * Parts of rows that are written again with each batch: heads of chains, sums of dashboards. PG regime.
 * While somebody's transaction is open, no version that it might see can be removed, and every look at the row goes through
 * all of them. So that no tenant slows the history of others down by a transaction that stays open, such a row begins anew
 * then: its key has a part.
 */
#include "history/history.hpp"

#include "bridge/function.hpp"

extern "C" {
#include "access/transam.h"
#include "storage/procarray.h"
}

namespace tenancy::history {

namespace {

constexpr int most_versions = 1000; /* of a part: some tenths of a millisecond to go through */

int64 current_part = 0;

/* Can none of the versions be removed that were written since that transaction? */
bool
are_all_kept(TransactionId since)
{
	return TransactionIdPrecedes(GetOldestNonRemovableTransactionId(nullptr), since);
}

} // namespace

int64
part() noexcept
{
	return current_part;
}

/* tenancy.history_part() → bigint, called once per batch. */
TENANCY_FUNCTION(history_part)
{
	static int versions = most_versions;
	static TransactionId begun = InvalidTransactionId;
	if (++versions > most_versions) {
		current_part = TransactionIdIsValid(begun) && are_all_kept(begun) ? GetCurrentTimestamp() : 0;
		begun = XidFromFullTransactionId(ReadNextFullTransactionId());
		versions = 0;
	}
	PG_RETURN_INT64(current_part);
}

} // namespace tenancy::history
