/*
 * Parts of rows that are written again with each batch: heads of chains, sums of dashboards. PG regime. While
 * somebody's transaction is open, no version that it might see can be removed, and every look at the row goes through
 * all of them. So that no tenant slows the history of others down by a transaction that stays open, such a row begins
 * anew then: its key has a part, which is the full transaction id of its beginning.
 */
#include "history/worker.hpp"

#include "bridge/function.hpp"

extern "C" {
#include "access/table.h"
#include "access/transam.h"
#include "storage/procarray.h"
#include "utils/rel.h"
}

namespace tenancy::history {

namespace {

constexpr int most_versions = 1000; /* of a row; some tenths of a millisecond to go through */

int64 current_part = 0; /* as this process's batch has it */

int64
next_transaction()
{
	return static_cast<int64>(U64FromFullTransactionId(ReadNextFullTransactionId()));
}

/*
 * The oldest transaction that counts: versions that transactions before it have replaced in the table can be removed.
 */
int64
horizon_of(Oid table)
{
	Relation const relation = table_open(table, AccessShareLock);
	TransactionId const horizon = GetOldestNonRemovableTransactionId(relation);
	table_close(relation, AccessShareLock);
	int64 const next = next_transaction();
	return next - static_cast<int64>(static_cast<TransactionId>(next) - horizon);
}

/* Begins a part when none of the versions that were written since the last time can be removed. */
void
begin_part(Oid table)
{
	int64 const horizon = horizon_of(table), next = next_transaction();
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	Parts &parts = mine->parts;
	parts = {parts.looked != 0 && horizon < parts.looked ? next : 0, next, 0};
	LWLockRelease(queue->lock);
}

} // namespace

int64
part() noexcept
{
	return current_part;
}

int64
take_part(Oid table)
{
	if (mine == nullptr)
		return 0;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	bool const due = mine->parts.looked == 0 || ++mine->parts.versions > most_versions;
	LWLockRelease(queue->lock);
	if (due)
		begin_part(table);
	current_part = mine->parts.current;
	return current_part;
}

bool
is_of_another_cluster(int64 part) noexcept
{
	return part != 0 && part > next_transaction();
}

/* tenancy.history_horizon(relation) → bigint. */
TENANCY_FUNCTION(history_horizon)
{
	PG_RETURN_INT64(horizon_of(PG_GETARG_OID(0)));
}

} // namespace tenancy::history
