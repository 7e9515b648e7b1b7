/*
 * Rows of the answer as tuples, and what an error on the way says of its column and to history. PG regime.
 */
#include "fdw/scan.hpp"

extern "C" {
#include "executor/executor.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

/* The name of a column of the scan, and of its table when it is a column of one. */
void
name_column(const Scan *scan, const char **table, const char **column)
{
	auto *const plan = reinterpret_cast<ForeignScan *>(scan->node->ss.ps.plan);
	AttrNumber number = scan->attributes[scan->column];
	Index relation = plan->scan.scanrelid;
	*table = *column = nullptr;
	if (relation == 0) {
		auto *const entry = static_cast<TargetEntry *>(list_nth(plan->fdw_scan_tlist, number - 1));
		if (!IsA(entry->expr, Var))
			return;
		relation = static_cast<Index>(reinterpret_cast<Var *>(entry->expr)->varno);
		number = reinterpret_cast<Var *>(entry->expr)->varattno;
	}
	Oid const oid = exec_rt_fetch(relation, scan->node->ss.ps.state)->relid;
	*table = get_rel_name(oid);
	*column = get_attname(oid, number, true);
}

/*
 * Adds to an error where it came from, and notes that it ends the run unless it is caught inside of the conversion, as
 * by a function in the check of a domain.
 */
void
on_conversion_error(void *state)
{
	auto *const scan = static_cast<Scan *>(state);
	if (scan->column < 0)
		return;
	const char *table, *column;
	name_column(scan, &table, &column);
	if (table != nullptr && column != nullptr)
		errcontext("column \"%s\" of foreign table \"%s\"", column, table);
	else
		errcontext("column %d of a foreign scan", scan->column + 1);
	MemoryContext const outer = MemoryContextSwitchTo(scan->memory);
	ErrorData *const error = CopyErrorData();
	if (error->elevel >= ERROR) {
		scan->error_passed = true;
		note(scan->activity, scan->row_level, error);
	}
	FreeErrorData(error);
	MemoryContextSwitchTo(outer);
}

} // namespace

void
convert_row(Scan *scan, TupleTableSlot *slot)
{
	remote::Cell const *const cells = scan->statement->batch().row(scan->next++);
	ErrorContextCallback callback;
	callback.previous = error_context_stack;
	callback.callback = on_conversion_error;
	callback.arg = scan;
	error_context_stack = &callback;
	scan->row_level = GetCurrentTransactionNestLevel();
	ExecClearTuple(slot);
	if (scan->width < slot->tts_tupleDescriptor->natts)
		memset(slot->tts_isnull, true, static_cast<Size>(slot->tts_tupleDescriptor->natts) * sizeof(bool));
	for (int i = 0; i < scan->width; ++i) {
		int const place = scan->attributes[i] - 1;
		scan->column = i;
		slot->tts_values[place] = bridge::cell_datum(scan->converters[i], cells[i], &slot->tts_isnull[place]);
	}
	scan->column = -1;
	error_context_stack = callback.previous;
	if (scan->error_passed) {
		scan->error_passed = false;
		forget(scan->activity);
	}
	(void) ExecStoreVirtualTuple(slot);
}

} // namespace tenancy::fdw
