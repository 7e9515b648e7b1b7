/*
 * Triggers that are told of all rows of a statement: AFTER … REFERENCING NEW TABLE, FOR EACH STATEMENT. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

extern "C" {
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
}

namespace tenancy::bridge {

/* Refuses (39P01) a call as anything else. */
const TriggerData &new_rows_of(FunctionCallInfo fcinfo);

/* The place of a column, from 1: an installation that was updated may have them in another order than a new one. */
int column_of(TupleDesc description, const char *table, const char *name);

/* Hand each row to fn, in a slot that has the next one after that. */
template <typename Fn>
void
for_each_new_row(const TriggerData &trigger, Fn fn)
{
	Tuplestorestate *const table = trigger.tg_newtable;
	/* A read pointer of our own, as other triggers read the same table. */
	tuplestore_select_read_pointer(table, tuplestore_alloc_read_pointer(table, EXEC_FLAG_REWIND));
	tuplestore_rescan(table);
	TupleTableSlot *const slot = MakeSingleTupleTableSlot(RelationGetDescr(trigger.tg_relation), &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(table, true, false, slot))
		fn(slot);
	ExecDropSingleTupleTableSlot(slot);
}

} // namespace tenancy::bridge
