/*
 * Starting workers: on demand of a backend, and with the server for the databases of tenancy.databases. PG regime.
 */
#include "history/worker.hpp"

#include "bridge/worker.hpp"
#include "settings.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "utils/varlena.h"

PGDLLEXPORT void tenancy_history_launcher(Datum unused);
}

namespace tenancy::history {

namespace {

constexpr int restart_s = 1;
constexpr int relaunch_ms = 3000; /* more than the postmaster takes to restart a worker */

bool
launch(Oid database)
{
	BackgroundWorker worker;
	bridge::describe_worker(worker, "pg_tenancy history worker", "tenancy_history_worker", restart_s);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	return RegisterDynamicBackgroundWorker(&worker, nullptr);
}

/* Is a worker of this database wanting, and was none asked for lately? Then the caller asks. With the lock held. */
bool
take_launch(Slot &slot)
{
	TimestampTz const now = GetCurrentTimestamp();
	if (slot.database != MyDatabaseId || slot.pid != 0 || is_closed(slot) || is_recent(slot.launched, now, relaunch_ms))
		return false;
	slot.launched = now;
	slot.absent = false;
	return true;
}

/*
 * The database of that name. By heap scan: right after the server's start the indexes cannot be opened without a
 * database.
 */
Oid
database_named(const char *name)
{
	Oid found = InvalidOid;
	Relation const relation = table_open(DatabaseRelationId, AccessShareLock);
	TableScanDesc const scan = table_beginscan_catalog(relation, 0, nullptr);
	for (HeapTuple tuple; HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection));) {
		auto *const database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
		if (strcmp(NameStr(database->datname), name) == 0)
			found = database->oid;
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

/* False when tenancy.databases is no list. */
bool
split_databases(List **names)
{
	return SplitIdentifierString(pstrdup(settings::databases), ',', names);
}

/* A launch for each name in tenancy.databases. */
void
launch_listed(void *)
{
	List *names;
	if (!split_databases(&names)) {
		ereport(LOG, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		              errmsg("invalid list syntax in parameter \"%s\"", "tenancy.databases")));
		return;
	}
	ListCell *cell;
	foreach (cell, names) {
		const char *const name = static_cast<const char *>(lfirst(cell));
		Oid const database = database_named(name);
		if (!OidIsValid(database))
			ereport(LOG, (errcode(ERRCODE_UNDEFINED_DATABASE),
			              errmsg("database \"%s\" of \"tenancy.databases\" does not exist", name)));
		else if (!launch(database))
			ereport(LOG, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			              errmsg("could not start the history worker of database \"%s\"", name),
			              errhint("You may need to increase \"max_worker_processes\".")));
	}
}

/* Waits until the worker of that slot is ready, or until patience_ms after begun. */
Readiness
await_worker(int i, TimestampTz begun)
{
	Slot &slot = queue->slots[i];
	Readiness result = Readiness::no_worker;
	ConditionVariablePrepareToSleep(&slot.changed);
	while (!TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), patience_ms)) {
		if (slot.database != MyDatabaseId) {
			result = Readiness::displaced;
			break;
		}
		if (slot.ready) {
			result = Readiness::ready;
			break;
		}
		if (slot.absent && slot.launched > begun) {
			result = Readiness::no_extension;
			break;
		}
		if (!launch_if_down(i))
			break;
		ConditionVariableTimedSleep(&slot.changed, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return result;
}

} // namespace

bool
launch_if_down(int i)
{
	Slot &slot = queue->slots[i];
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	bool const wanted = take_launch(slot);
	LWLockRelease(queue->lock);
	if (!wanted || launch(MyDatabaseId))
		return true;
	if (!companion_makes_room())
		return false;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	slot.launched = 0; /* try again as soon as the companion has gone */
	LWLockRelease(queue->lock);
	return true;
}

void
launch_again()
{
	for (Slot &slot : queue->slots) {
		LWLockAcquire(queue->lock, LW_EXCLUSIVE);
		Oid const database = slot.database;
		bool const open_again = slot.served && !is_closed(slot);
		bool const wanted = open_again && OidIsValid(database) && slot.pid == 0;
		if (open_again)
			slot.served = false;
		if (wanted)
			slot.launched = GetCurrentTimestamp();
		LWLockRelease(queue->lock);
		if (!wanted || launch(database))
			continue;
		LWLockAcquire(queue->lock, LW_EXCLUSIVE);
		slot.launched = 0; /* the next query asks again */
		LWLockRelease(queue->lock);
	}
}

void
ask_for_worker()
{
	if (RecoveryInProgress())
		return;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	int const i = claim_slot(MyDatabaseId);
	LWLockRelease(queue->lock);
	if (i >= 0)
		(void) launch_if_down(i);
}

Readiness
require_worker(int *slot_number)
{
	static int last = -1;
	if (last >= 0 && queue->slots[last].database == MyDatabaseId && queue->slots[last].ready) {
		*slot_number = last;
		return Readiness::ready;
	}
	TimestampTz const begun = GetCurrentTimestamp();
	for (;;) {
		LWLockAcquire(queue->lock, LW_EXCLUSIVE);
		int const i = claim_slot(MyDatabaseId);
		LWLockRelease(queue->lock);
		if (i < 0)
			return Readiness::no_place;
		Readiness const result = await_worker(i, begun);
		if (result == Readiness::displaced)
			continue;
		if (result == Readiness::ready)
			*slot_number = last = i;
		return result;
	}
}

const char *
listing_of_database()
{
	List *names;
	if (!split_databases(&names))
		return "invalid";
	const char *const own = get_database_name(MyDatabaseId);
	ListCell *cell;
	foreach (cell, names)
		if (own != nullptr && strcmp(static_cast<const char *>(lfirst(cell)), own) == 0)
			return "yes";
	return "no";
}

void
register_launcher()
{
	/* pg_upgrade starts the server for itself alone. */
	if (IsBinaryUpgrade || settings::databases == nullptr || settings::databases[0] == 0)
		return;
	BackgroundWorker worker;
	bridge::describe_worker(worker, "pg_tenancy history launcher", "tenancy_history_launcher", restart_s);
	RegisterBackgroundWorker(&worker);
}

} // namespace tenancy::history

void
tenancy_history_launcher(Datum)
{
	using namespace tenancy;
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
	ErrorData *error = nullptr;
	if (!bridge::run_in_transaction(history::launch_listed, nullptr, &error))
		ereport(LOG, (errmsg("pg_tenancy history: could not start workers: %s", error->message)));
	proc_exit(0);
}
