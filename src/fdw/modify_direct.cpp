/*
 * UPDATE and DELETE that the remote server does by itself, with one statement for all rows. PG regime.
 *
 * Only when every condition is exact there and every new value is either the same there or computed here once.
 */
#include "fdw/modify_direct.hpp"

#include "bridge/param.hpp"
#include "fdw/fdw.hpp"
#include "fdw/modify.hpp"

extern "C" {
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
}

namespace tenancy::fdw {

namespace {

/* A modification while it runs. */
struct Direct {
	DirectPlan plan;
	Activity activity;
	Table *table;
	List *argument_states; /* ExprState * */
	List *arguments;       /* Expr * */
	Statement *statement;
	bridge::Converter *converters;
	MemoryContext memory; /* of a batch */
	Tuplestorestate *rows;
	TupleTableSlot *slot; /* of a row in rows */
	bool done;
};

Direct *
direct_of(ForeignScanState *node)
{
	return static_cast<Direct *>(node->fdw_state);
}

void
begin_direct(ForeignScanState *node, int flags)
{
	if ((flags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	auto *const scan = reinterpret_cast<ForeignScan *>(node->ss.ps.plan);
	EState const *const estate = node->ss.ps.state;
	auto *const direct = static_cast<Direct *>(palloc0(sizeof(Direct)));
	direct->plan = decode_direct(scan->fdw_private);
	direct->table = load_table(RelationGetRelid(node->resultRelInfo->ri_RelationDesc));
	begin(direct->activity, direct->table->server, direct->plan.type, direct->plan.sql);
	direct->arguments = scan->fdw_exprs;
	direct->argument_states = ExecInitExprList(scan->fdw_exprs, &node->ss.ps);
	direct->memory = AllocSetContextCreate(estate->es_query_cxt, "tenant_fdw rows", ALLOCSET_DEFAULT_SIZES);
	direct->statement = make_statement(estate->es_query_cxt);
	if (direct->plan.returned != NIL) {
		direct->converters = bridge::make_converters(RelationGetDescr(node->resultRelInfo->ri_RelationDesc));
		direct->slot = ExecInitExtraTupleSlot(node->ss.ps.state, node->ss.ss_ScanTupleSlot->tts_tupleDescriptor,
		                                      &TTSOpsMinimalTuple);
	}
	node->fdw_state = direct;
}

/* A new value as its column takes it, any other as every parameter. */
remote::ParamView
argument(const Direct &direct, int index, const NullableDatum &value)
{
	int const number = list_nth_int(direct.plan.columns, index);
	if (number > 0) {
		auto *const encoder = static_cast<Encoder *>(palloc(sizeof(Encoder)));
		*encoder = make_encoder(direct.table->columns[number - 1], direct.plan.type);
		return encode_stored(*encoder, value.value, value.isnull);
	}
	Oid const type = exprType(static_cast<Node *>(list_nth(direct.arguments, index)));
	if (!value.isnull)
		return bridge::datum_param(type, value.value);
	remote::ParamView null;
	null.type_oid = type < FirstUnpinnedObjectId && type != TEXTOID ? type : 0;
	return null;
}

/* The user's settings apply while the user's expressions are computed, ours only while the values are written out. */
remote::ParamView *
evaluate_arguments(const Direct &direct, ExprContext *econtext)
{
	auto const count = static_cast<Size>(Max(list_length(direct.arguments), 1));
	auto *const values = static_cast<NullableDatum *>(palloc(sizeof(NullableDatum) * count));
	auto *const params = static_cast<remote::ParamView *>(palloc0(sizeof(remote::ParamView) * count));
	ListCell *cell;
	foreach (cell, direct.argument_states) {
		NullableDatum &value = values[foreach_current_index(cell)];
		value.value = ExecEvalExpr(static_cast<ExprState *>(lfirst(cell)), econtext, &value.isnull);
	}
	int const level = bridge::begin_portable_settings();
	for (int i = 0; i < list_length(direct.arguments); ++i)
		params[i] = argument(direct, i, values[i]);
	bridge::end_portable_settings(level);
	return params;
}

void
keep_batch(Direct &direct)
{
	remote::Batch const &batch = direct.statement->batch();
	TupleDesc const descriptor = direct.slot->tts_tupleDescriptor;
	auto const width = static_cast<Size>(descriptor->natts);
	MemoryContextReset(direct.memory);
	MemoryContext const outer = MemoryContextSwitchTo(direct.memory);
	auto *const values = static_cast<Datum *>(palloc0(sizeof(Datum) * width));
	auto *const nulls = static_cast<bool *>(palloc(width));
	memset(nulls, true, width);
	match_returned(direct.plan.returned, direct.converters, *direct.statement);
	for (std::size_t row = 0; row < batch.rows(); ++row) {
		remote::Cell const *const cells = batch.row(row);
		ListCell *cell;
		foreach (cell, direct.plan.returned) {
			int const index = lfirst_int(cell) - 1;
			values[index] =
				bridge::cell_datum(direct.converters[index], cells[foreach_current_index(cell)], &nulls[index]);
		}
		tuplestore_putvalues(direct.rows, descriptor, values, nulls);
	}
	MemoryContextSwitchTo(outer);
}

/*
 * Runs the statement as a whole; the rows that it returns are put aside, so that the session is free for whatever reads
 * them.
 */
int64
run_direct(ForeignScanState *node)
{
	Direct &direct = *direct_of(node);
	ExprContext *const econtext = node->ss.ps.ps_ExprContext;
	MemoryContextReset(direct.memory);
	MemoryContext const outer = MemoryContextSwitchTo(direct.memory);
	/* Evaluating arguments may read from this connection and lose its session: do it before channel_for(). */
	remote::ParamList const params = {evaluate_arguments(direct, econtext), list_length(direct.arguments)};
	report(direct.activity, direct.plan.sql);
	Channel *const channel = channel_for(direct.activity, Need::write);
	remote::RunOptions options;
	options.native = direct.plan.returned != NIL;
	start(channel, direct.activity, direct.statement, converting(), direct.plan.sql, params, options);
	MemoryContextSwitchTo(outer);
	if (direct.plan.returned != NIL) {
		MemoryContext const before = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
		direct.rows = tuplestore_begin_heap(false, false, work_mem);
		MemoryContextSwitchTo(before);
	}
	int64 returned = 0;
	int const width = direct.rows != nullptr ? list_length(direct.plan.returned) : Statement::any_width;
	while (fetch(direct.activity, direct.statement, width)) {
		returned += static_cast<int64>(direct.statement->batch().rows());
		if (direct.rows != nullptr)
			keep_batch(direct);
	}
	return direct.rows != nullptr ? returned : direct.statement->affected();
}

TupleTableSlot *
iterate_direct(ForeignScanState *node)
{
	Direct &direct = *direct_of(node);
	EState *const estate = node->ss.ps.state;
	if (!direct.done) {
		int64 const changed = run_direct(node);
		direct.done = true;
		direct.activity.rows = changed;
		if (direct.plan.counts)
			estate->es_processed += static_cast<uint64>(changed);
		if (node->ss.ps.instrument != nullptr && direct.rows == nullptr)
			node->ss.ps.instrument->tuplecount += static_cast<double>(changed);
	}
	if (direct.rows == nullptr)
		return ExecClearTuple(node->ss.ss_ScanTupleSlot);
	TupleTableSlot *const slot = direct.slot;
	/* The memory of the moment is of the tuple before. */
	MemoryContext const outer = MemoryContextSwitchTo(estate->es_query_cxt);
	bool const found = tuplestore_gettupleslot(direct.rows, true, false, slot);
	MemoryContextSwitchTo(outer);
	if (!found)
		return slot;
	if (node->resultRelInfo->ri_projectReturning != nullptr)
		node->resultRelInfo->ri_projectReturning->pi_exprContext->ecxt_scantuple = slot;
	return slot;
}

void
end_direct(ForeignScanState *node)
{
	Direct *const direct = direct_of(node);
	if (direct == nullptr)
		return;
	if (direct->rows != nullptr)
		tuplestore_end(direct->rows);
	direct->rows = nullptr;
	end(direct->activity);
}

} // namespace

void
set_direct_callbacks(FdwRoutine *routine)
{
	routine->PlanDirectModify = plan_direct;
	routine->BeginDirectModify = begin_direct;
	routine->IterateDirectModify = iterate_direct;
	routine->EndDirectModify = end_direct;
}

} // namespace tenancy::fdw
