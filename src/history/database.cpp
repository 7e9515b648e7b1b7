/*
 * Commands that need a database without other sessions: its history worker steps aside for them. PG regime.
 * The next worker comes when the command's transaction has ended.
 */
#include <algorithm>

#include "history/worker.hpp"

#include "bridge/error.hpp"
#include "bridge/utility.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "utils/acl.h"
#include "utils/syscache.h"
}

namespace tenancy::history {

namespace {

const char *
option_of(const List *options, const char *wanted)
{
	ListCell *cell;
	foreach (cell, options) {
		auto *const option = static_cast<DefElem *>(lfirst(cell));
		if (strcmp(option->defname, wanted) == 0 && option->arg != nullptr)
			return defGetString(option);
	}
	return nullptr;
}

/* The database that statement wants for itself, or NULL. */
const char *
wanted_database(Node *statement)
{
	switch (nodeTag(statement)) {
	case T_DropdbStmt: return reinterpret_cast<DropdbStmt *>(statement)->dbname;
	case T_CreatedbStmt: {
		const char *const copied = option_of(reinterpret_cast<CreatedbStmt *>(statement)->options, "template");
		return copied != nullptr ? copied : "template1";
	}
	case T_AlterDatabaseStmt: {
		auto *const alter = reinterpret_cast<AlterDatabaseStmt *>(statement);
		return option_of(alter->options, "tablespace") != nullptr ? alter->dbname : nullptr;
	}
	case T_RenameStmt: {
		auto *const rename = reinterpret_cast<RenameStmt *>(statement);
		return rename->renameType == OBJECT_DATABASE ? rename->subname : nullptr;
	}
	default: return nullptr;
	}
}

/* May the current user disturb the worker of the database? Only its owner can use the database up, or may copy it. */
bool
may_disturb(Oid database)
{
	HeapTuple const tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	if (!HeapTupleIsValid(tuple))
		return false;
	Oid const owner = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return has_privs_of_role(GetUserId(), owner);
}

/* A closer that ends without an error has no other way to say so. */
void
forget_closer(int, Datum)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (Slot &slot : queue->slots)
		std::ranges::replace(slot.closers, MyProcPid, 0);
	LWLockRelease(queue->lock);
}

bool closes = false; /* this transaction has closed a database */

/*
 * The worker starts again only now: before, the transaction may have held a lock on the database for which it would
 * wait.
 */
void
end_transaction(XactEvent event, void *)
{
	if (!closes || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT))
		return;
	closes = false;
	launch_again();
}

/* Ask the worker of a database to leave until reopen_database(closed), and wait until it has; NULL when it has none. */
void
close_database(Oid database, Slot **closed)
{
	static bool registered = false;
	if (!registered) {
		before_shmem_exit(forget_closer, 0);
		RegisterXactCallback(end_transaction, nullptr);
	}
	registered = closes = true;
	Slot *slot = nullptr;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (int const i = find_slot(database); i >= 0) {
		*closed = slot = &queue->slots[i]; /* before the wait, which may raise */
		slot->served = slot->served || slot->pid != 0;
		/* A command that finds no place has the database for itself only for as long as the others. */
		if (pid_t *const place = std::ranges::find(slot->closers, 0); place != std::end(slot->closers))
			*place = MyProcPid;
		wake(*slot, Line::pending, true);
		wake(*slot, Line::heavy, true);
	}
	LWLockRelease(queue->lock);
	if (slot == nullptr)
		return;
	dismiss_companion(database);
	TimestampTz const begun = GetCurrentTimestamp();
	ConditionVariablePrepareToSleep(&slot->changed);
	while ((slot->pid != 0 || slot->hauler.pid != 0) &&
	       !TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), patience_ms))
		ConditionVariableTimedSleep(&slot->changed, 100, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

void
reopen_database(Slot *slot)
{
	if (slot == nullptr)
		return;
	closes = true; /* also after a command that commits in its middle */
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	std::ranges::replace(slot->closers, MyProcPid, 0);
	LWLockRelease(queue->lock);
}

/*
 * Forgets what sessions that were ended WITH (FORCE) left in the queue: no worker will write it, and it would keep its
 * place in the queue for good.
 */
void
forget_database(Slot *slot, Oid database)
{
	if (slot == nullptr)
		return;
	attach();
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	slot->served = slot->served && slot->database != database;
	for (Records &line : slot->lines)
		while (slot->database == database && DsaPointerIsValid(line.first)) {
			dsa_pointer const record = line.first;
			remove(*slot, record);
			discard(record);
		}
	LWLockRelease(queue->lock);
}

void
run_utility(const bridge::Utility &utility)
{
	const char *const name = wanted_database(utility.statement());
	Oid const database = name == nullptr || !IsTransactionState() ? InvalidOid : get_database_oid(name, true);
	if (!OidIsValid(database) || database == MyDatabaseId || !may_disturb(database))
		return utility.run();
	Slot *slot = nullptr;
	Slot **const closed = &slot;
	bridge::on_error(
		[=, &utility] {
			close_database(database, closed);
			utility.run();
		},
		[=](ErrorData *) { reopen_database(*closed); });
	if (IsA(utility.statement(), DropdbStmt))
		forget_database(slot, database);
	reopen_database(slot);
}

} // namespace

void
watch_databases()
{
	bridge::watch_utilities<run_utility>();
}

bool
is_database_closed(Oid database)
{
	LWLockAcquire(queue->lock, LW_SHARED);
	int const i = find_slot(database);
	bool const closed = i >= 0 && is_closed(queue->slots[i]);
	LWLockRelease(queue->lock);
	return closed;
}

} // namespace tenancy::history
