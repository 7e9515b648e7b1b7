/*
 * Rows of COPY, kept until there are enough for one INSERT. PG regime.
 */
#include "fdw/modify.hpp"

extern "C" {
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "executor/tuptable.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

TupleTableSlot **
buffer_slots(Modification &modification)
{
	if (modification.buffer == nullptr) {
		MemoryContext const outer = MemoryContextSwitchTo(modification.lasting);
		auto const count = static_cast<Size>(modification.table->options.batch_size);
		modification.buffer = static_cast<TupleTableSlot **>(palloc0(sizeof(TupleTableSlot *) * count));
		modification.buffer_descriptor = CreateTupleDescCopy(RelationGetDescr(modification.relation));
		MemoryContextSwitchTo(outer);
	}
	return modification.buffer;
}

/* May a default of the table look at the table? Then each row must be there before the next. */
bool
has_volatile_default(Relation relation)
{
	TupleDesc const descriptor = RelationGetDescr(relation);
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute const attribute = TupleDescAttr(descriptor, i);
		if (!attribute->attisdropped && attribute->atthasdef &&
		    contain_volatile_functions_not_nextval(build_column_default(relation, i + 1)))
			return true;
	}
	return false;
}

} // namespace

bool
may_buffer(const ModifyTableState *state, const ResultRelInfo *target, const ModifyPlan &plan)
{
	ResultRelInfo const *const root = target->ri_RootResultRelInfo != nullptr ? target->ri_RootResultRelInfo : target;
	return state->ps.plan == nullptr && !compat::copy_collects_foreign_rows && plan.targets != NIL &&
	       plan.returned == NIL && target->ri_TrigDesc == nullptr && root->ri_TrigDesc == nullptr &&
	       !has_volatile_default(root->ri_RelationDesc);
}

bool
has_condition_of_copy()
{
	for (const ErrorContextCallback *context = error_context_stack; context != nullptr; context = context->previous)
		if (context->callback == CopyFromErrorCallback)
			return static_cast<CopyFromState>(context->arg)->whereClause != nullptr;
	return true;
}

void
buffer_row(Modification &modification, TupleTableSlot *slot)
{
	TupleTableSlot **const slots = buffer_slots(modification);
	if (slots[modification.buffered] == nullptr) {
		MemoryContext const outer = MemoryContextSwitchTo(modification.lasting);
		slots[modification.buffered] = MakeSingleTupleTableSlot(modification.buffer_descriptor, &TTSOpsMinimalTuple);
		MemoryContextSwitchTo(outer);
	}
	TupleTableSlot *const copy = ExecCopySlot(slots[modification.buffered++], slot);
	modification.buffered_bytes += reinterpret_cast<MinimalTupleTableSlot *>(copy)->mintuple->t_len;
	if (modification.buffered == modification.table->options.batch_size ||
	    modification.buffered_bytes >= 4 * most_statement_bytes)
		flush_rows(modification);
}

void
flush_rows(Modification &modification)
{
	(void) in_call_memory(modification,
	                      [&] { return insert_rows(modification, modification.buffer, modification.buffered); });
	for (int i = 0; i < modification.buffered; ++i)
		ExecClearTuple(modification.buffer[i]);
	modification.buffered = 0;
	modification.buffered_bytes = 0;
}

} // namespace tenancy::fdw
