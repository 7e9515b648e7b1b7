/*
 * Executing foreign scans: one statement each time, its rows as virtual tuples. PG regime.
 */
#include "fdw/scan.hpp"

#include "bridge/error.hpp"
#include "bridge/param.hpp"
#include "bridge/window.hpp"
#include "fdw/fdw.hpp"

extern "C" {
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

void drain_scan(Holder *holder);

TupleDesc
descriptor_of(const Scan *scan)
{
	return scan->node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
}

void
prepare_columns(Scan *scan)
{
	List *const retrieved = scan->plan.retrieved;
	scan->width = list_length(retrieved);
	auto const count = static_cast<Size>(scan->width);
	scan->attributes = static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * count));
	scan->converters = static_cast<bridge::Converter *>(palloc(sizeof(bridge::Converter) * count));
	for (int i = 0; i < scan->width; ++i) {
		auto const number = static_cast<AttrNumber>(list_nth_int(retrieved, i));
		Form_pg_attribute const attribute = TupleDescAttr(descriptor_of(scan), number - 1);
		scan->attributes[i] = number;
		scan->converters[i] = bridge::make_converter(attribute->atttypid, attribute->atttypmod);
	}
}

void
prepare_arguments(Scan *scan)
{
	List *const expressions = reinterpret_cast<ForeignScan *>(scan->node->ss.ps.plan)->fdw_exprs;
	if (expressions == NIL)
		return;
	auto const count = static_cast<Size>(list_length(expressions));
	scan->argument_states = ExecInitExprList(expressions, &scan->node->ss.ps);
	scan->argument_types = static_cast<Oid *>(palloc(sizeof(Oid) * count));
	scan->arguments = static_cast<remote::ParamView *>(palloc(sizeof(remote::ParamView) * count));
	scan->argument_memory = AllocSetContextCreate(scan->memory, "tenant_fdw arguments", ALLOCSET_SMALL_SIZES);
	for (int i = 0; i < list_length(expressions); ++i)
		scan->argument_types[i] = getBaseType(exprType(static_cast<Node *>(list_nth(expressions, i))));
}

/*
 * Begins a scan without contacting the server. EXPLAIN needs no identity, as the plan holds nothing of a connection's.
 */
void
begin_scan(ForeignScanState *node, int eflags)
{
	compat::forget_windows(reinterpret_cast<ForeignScan *>(node->ss.ps.plan));
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	MemoryContext const memory =
		AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "tenant_fdw scan", ALLOCSET_SMALL_SIZES);
	MemoryContext const outer = MemoryContextSwitchTo(memory);
	auto *const scan = static_cast<Scan *>(palloc0(sizeof(Scan)));
	scan->node = node;
	scan->memory = memory;
	scan->plan = decode_scan(reinterpret_cast<ForeignScan *>(node->ss.ps.plan)->fdw_private);
	scan->owner = CurrentResourceOwner;
	scan->level = GetCurrentTransactionNestLevel();
	scan->column = -1;
	scan->holder.drain = drain_scan;
	begin(scan->activity, scan->plan.server, scan->plan.type, scan->plan.sql);
	prepare_columns(scan);
	prepare_arguments(scan);
	node->fdw_state = scan;
	MemoryContextSwitchTo(outer);
}

remote::ParamList
evaluate_arguments(Scan *scan)
{
	if (scan->argument_states == NIL)
		return {};
	ExprContext *const context = scan->node->ss.ps.ps_ExprContext;
	MemoryContextReset(scan->argument_memory);
	MemoryContext const outer = MemoryContextSwitchTo(scan->argument_memory);
	int const count = list_length(scan->argument_states);
	for (int i = 0; i < count; ++i) {
		bool is_null;
		Datum const value =
			ExecEvalExpr(static_cast<ExprState *>(list_nth(scan->argument_states, i)), context, &is_null);
		scan->arguments[i] = is_null ? remote::ParamView() : bridge::datum_param(scan->argument_types[i], value);
	}
	MemoryContextSwitchTo(outer);
	return {scan->arguments, count};
}

/* Matches the columns at run time: the remote table need not answer what it did when it was imported. */
void
match_columns(Scan *scan)
{
	scan->matched = true;
	bridge::match(scan->converters, scan->statement->columns().data(), scan->width);
}

bool
next_batch(Scan *scan)
{
	if (!fetch(scan->activity, scan->statement, scan->width))
		return false;
	if (!scan->matched)
		match_columns(scan);
	++scan->batches;
	scan->next = 0;
	scan->rows = scan->statement->batch().rows();
	return true;
}

void
store_batch(Scan *scan, MemoryContext row_memory)
{
	while (scan->next < scan->rows) {
		MemoryContext const outer = MemoryContextSwitchTo(row_memory);
		convert_row(scan, scan->store_slot);
		MemoryContextSwitchTo(outer);
		tuplestore_putvalues(scan->store, descriptor_of(scan), scan->store_slot->tts_values,
		                     scan->store_slot->tts_isnull);
		MemoryContextReset(row_memory);
	}
}

/*
 * Put all that is left into a tuplestore, and with it the rows of the first batch that were read already: a scan that
 * starts again then reads them from there. Files of the tuplestore are the query's, not those of a subtransaction
 * inside of it.
 */
void
put_aside(Scan *scan)
{
	ResourceOwner const owner = CurrentResourceOwner;
	CurrentResourceOwner = scan->owner;
	MemoryContext const outer = MemoryContextSwitchTo(scan->memory);
	MemoryContext const row_memory = AllocSetContextCreate(scan->memory, "tenant_fdw row", ALLOCSET_DEFAULT_SIZES);
	scan->store_is_whole = scan->batches <= 1;
	std::size_t const skipped = scan->store_is_whole ? scan->next : 0;
	if (scan->store_is_whole)
		scan->next = 0;
	scan->store = tuplestore_begin_heap(false, false, work_mem);
	if (scan->store_slot == nullptr)
		scan->store_slot = MakeSingleTupleTableSlot(descriptor_of(scan), &TTSOpsMinimalTuple);
	do
		store_batch(scan, row_memory);
	while (next_batch(scan));
	ExecClearTuple(scan->store_slot);
	MemoryContextDelete(row_memory);
	if (skipped > 0)
		(void) tuplestore_skiptuples(scan->store, static_cast<int64>(skipped), true);
	scan->progress = Progress::stored;
	MemoryContextSwitchTo(outer);
	CurrentResourceOwner = owner;
}

/* Ends a scan that failed: whoever catches its error may still have a cursor on it, with a part of the rows gone. */
void
break_scan(Scan *scan, const ErrorData *error)
{
	abandon(scan->activity, error);
	scan->progress = Progress::broken;
	scan->column = -1;
}

void
drain_scan(Holder *holder)
{
	auto *const scan = reinterpret_cast<Scan *>(holder);
	if (scan->progress == Progress::broken) {
		stop(scan->statement);
		return;
	}
	if (scan->column >= 0)
		converting()->drain(holder);
	bridge::on_error([=] { put_aside(scan); }, [=](const ErrorData *error) { break_scan(scan, error); });
}

/* The next row of the tuplestore, which lives until the one after it is asked for. */
TupleTableSlot *
stored_row(Scan *scan, TupleTableSlot *slot)
{
	ExecClearTuple(slot);
	/* A tuple that comes from disk is the slot's, which frees it when the next one comes. */
	MemoryContext const outer = MemoryContextSwitchTo(scan->memory);
	bool const found = tuplestore_gettupleslot(scan->store, true, false, scan->store_slot);
	MemoryContextSwitchTo(outer);
	if (!found)
		return slot;
	slot_getallattrs(scan->store_slot);
	auto const count = static_cast<Size>(slot->tts_tupleDescriptor->natts);
	memcpy(slot->tts_values, scan->store_slot->tts_values, count * sizeof(Datum));
	memcpy(slot->tts_isnull, scan->store_slot->tts_isnull, count * sizeof(bool));
	return ExecStoreVirtualTuple(slot);
}

[[noreturn]] void
refuse_broken()
{
	ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("rows of a foreign scan are lost"),
	                errdetail("Another statement needed the connection, and reading them to the end failed."),
	                errhint("Open the cursor again.")));
}

/* Gets more rows to read; false at the end. */
bool
advance(Scan *scan)
{
	if (scan->progress == Progress::done)
		return false;
	check_again(scan->activity);
	MemoryContext const outer = MemoryContextSwitchTo(scan->memory);
	if (scan->progress == Progress::idle || scan->progress == Progress::queued)
		start_scan(scan, false);
	scan->progress = scan->progress == Progress::stored ? Progress::stored : Progress::reading;
	if (scan->progress == Progress::reading && !next_batch(scan))
		scan->progress = Progress::done;
	MemoryContextSwitchTo(outer);
	return scan->progress != Progress::done;
}

/* Serves interrupts while rows are converted; history says of the run's end what interrupted it. */
void
serve_interrupts(Scan *scan)
{
	bridge::on_error([] { CHECK_FOR_INTERRUPTS(); }, [=](const ErrorData *error) { abandon(scan->activity, error); });
}

TupleTableSlot *
iterate_scan(ForeignScanState *node)
{
	Scan *const scan = scan_of(node);
	TupleTableSlot *const slot = node->ss.ss_ScanTupleSlot;
	check(scan->activity);
	if (scan->progress == Progress::stored)
		return stored_row(scan, slot);
	if (scan->progress == Progress::broken)
		refuse_broken();
	if (scan->next >= scan->rows && !advance(scan))
		return ExecClearTuple(slot);
	if (scan->progress == Progress::stored)
		return stored_row(scan, slot);
	convert_row(scan, slot);
	if (InterruptPending)
		serve_interrupts(scan);
	return slot;
}

void
forget_rows(Scan *scan)
{
	if (scan->statement != nullptr)
		stop(scan->statement);
	if (scan->store != nullptr)
		tuplestore_end(scan->store);
	scan->store = nullptr;
	scan->store_is_whole = false;
	scan->progress = Progress::idle;
	scan->batches = 0;
	scan->next = scan->rows = 0;
}

/* The rows that were read are read again from here as long as none of them is gone. */
void
rescan(ForeignScanState *node)
{
	Scan *const scan = scan_of(node);
	if (scan->progress == Progress::idle || scan->progress == Progress::queued || scan->progress == Progress::broken)
		return;
	bool const same_arguments = scan->argument_states == NIL || node->ss.ps.chgParam == nullptr;
	if (same_arguments && scan->store != nullptr && scan->store_is_whole)
		tuplestore_rescan(scan->store);
	else if (same_arguments && scan->store == nullptr && scan->batches <= 1) {
		scan->next = 0;
		if (scan->progress == Progress::done && scan->batches == 1)
			scan->progress = Progress::reading;
	} else
		forget_rows(scan);
}

void
end_scan(ForeignScanState *node)
{
	Scan *const scan = scan_of(node);
	if (scan == nullptr)
		return;
	forget_rows(scan);
	if (scan->store_slot != nullptr)
		ExecDropSingleTupleTableSlot(scan->store_slot);
	scan->store_slot = nullptr;
	end(scan->activity);
}

/*
 * Everything that was pushed holds for a row that was locked: remote rows do not change under us. Joins and aggregates
 * are never of rows that are checked again; in a sub-select, minor releases of before November 2025 ask here for their
 * next row.
 */
bool
recheck_scan(ForeignScanState *node, TupleTableSlot *)
{
	return reinterpret_cast<ForeignScan *>(node->ss.ps.plan)->scan.scanrelid != 0 || !TupIsNull(iterate_scan(node));
}

} // namespace

Scan *
reader_of(const Activity &activity)
{
	Holder *const holder = holder_of(activity);
	return holder != nullptr && holder->drain == drain_scan ? reinterpret_cast<Scan *>(holder) : nullptr;
}

void
start_scan(Scan *scan, bool deferred)
{
	if (!scan->need_known) {
		scan->need = scan->plan.writes ? Need::write : need_of_scan(scan->node, scan->activity);
		scan->need_known = true;
	} else if (scan->need == Need::statement)
		scan->need = Need::snapshot; /* it starts again */
	report(scan->activity, scan->plan.sql);
	/* Evaluating arguments may use this connection and lose its session: do it before channel_for(). */
	remote::ParamList const arguments = evaluate_arguments(scan);
	scan->channel = channel_for(scan->activity, scan->need);
	if (scan->statement == nullptr)
		scan->statement = make_statement(scan->memory);
	remote::RunOptions options;
	options.fetch_rows = scan->plan.fetch_rows;
	options.native = true;
	options.repeatable = !scan->plan.writes;
	options.deferred = deferred;
	scan->matched = false;
	scan->progress = deferred ? Progress::waiting : Progress::reading;
	start(scan->channel, scan->activity, scan->statement, &scan->holder, scan->plan.sql, arguments, options);
	/* A savepoint that the query does not know would take the statement with it when it is rolled back. */
	if (GetCurrentTransactionNestLevel() > scan->level)
		drain_scan(&scan->holder);
}

void
set_scan_callbacks(FdwRoutine *routine)
{
	routine->BeginForeignScan = begin_scan;
	routine->IterateForeignScan = iterate_scan;
	routine->ReScanForeignScan = rescan;
	routine->EndForeignScan = end_scan;
	routine->RecheckForeignScan = recheck_scan;
}

} // namespace tenancy::fdw
