/*
 * UPDATE and DELETE row by row in a statement that has more to read on the same connection. PG regime.
 *
 * A statement of PostgreSQL's own sees nothing of what it changes itself. A remote transaction shows each change to the
 * next remote statement, so that a sub-select which is asked once for each row would count rows that have just been
 * changed. Such changes are kept, on disk beyond work_mem, and sent when the executor ends: after all AFTER triggers,
 * so that there must be none.
 */
#include "fdw/modify.hpp"
#include "fdw/scan.hpp"

extern "C" {
#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type_d.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

/* Has the table, or one that inherits from it, AFTER triggers? */
bool
has_triggers_after(Oid table)
{
	bool found = false;
	ListCell *cell;
	foreach (cell, find_all_inheritors(table, AccessShareLock, nullptr)) {
		Relation const relation = table_open(lfirst_oid(cell), NoLock);
		if (TriggerDesc const *const triggers = relation->trigdesc)
			found = found || triggers->trig_insert_after_row || triggers->trig_update_after_row ||
			        triggers->trig_delete_after_row || triggers->trig_insert_after_statement ||
			        triggers->trig_update_after_statement || triggers->trig_delete_after_statement;
		table_close(relation, NoLock);
	}
	return found;
}

/* Has any table that the statement changes such triggers? */
bool
has_triggers_after(const PlannedStmt *planned)
{
	ListCell *cell;
	foreach (cell, planned->rtable)
		if (auto const *const entry = static_cast<RangeTblEntry *>(lfirst(cell));
		    entry->rtekind == RTE_RELATION && entry->rellockmode == RowExclusiveLock &&
		    has_triggers_after(entry->relid))
			return true;
	return false;
}

/* One parameter, before the bytes of its text. Without padding: keys are compared by these bytes. */
struct Head {
	int64 integer;
	double real;
	Size size;
	uint32 type_oid;
	uint32 kind;
};
static_assert(sizeof(Head) == 32);

/* A tuple of one bytea, for which the store wants a description. */
TupleDesc
row_description()
{
	TupleDesc const description = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(description, 1, "change", BYTEAOID, -1, 0);
	return description;
}

/* The parameters of a change again; their texts are borrowed from it. */
void
load_params(Modification &modification, const char *bytes, const char *end)
{
	while (bytes < end) {
		Head head;
		memcpy(&head, bytes, sizeof(head));
		bytes += sizeof(head);
		add_param(modification, {static_cast<remote::Param::Kind>(head.kind), head.integer, head.real,
		                         std::string_view(bytes, head.size), head.type_oid});
		bytes += head.size;
	}
}

} // namespace

void
append_params(StringInfo bytes, const Modification &modification, int first)
{
	for (int i = first; i < modification.param_count; ++i) {
		remote::ParamView const &param = modification.params[i];
		Head const head = {param.integer, param.real, param.text.size(), param.type_oid,
		                   static_cast<uint32>(param.kind)};
		appendBinaryStringInfoNT(bytes, reinterpret_cast<const char *>(&head), sizeof(head));
		appendBinaryStringInfoNT(bytes, param.text.data(), static_cast<int>(head.size));
	}
}

void
begin_later(Modification &modification, const ModifyTableState *state)
{
	auto const *const plan = castNode(ModifyTable, state->ps.plan);
	if (modification.plan.returned != NIL || plan->returningLists != NIL || plan->withCheckOptionLists != NIL ||
	    has_triggers_after(state->ps.state->es_plannedstmt) ||
	    reads_once(state->ps.state->es_plannedstmt, modification.table->server, modification.activity))
		return;
	MemoryContext const outer = MemoryContextSwitchTo(modification.lasting);
	modification.later = tuplestore_begin_heap(false, false, work_mem);
	MemoryContextSwitchTo(outer);
}

void
put_off(Modification &modification)
{
	StringInfoData bytes;
	initStringInfo(&bytes);
	appendStringInfoSpaces(&bytes, VARHDRSZ);
	append_params(&bytes, modification, 0);
	SET_VARSIZE(bytes.data, bytes.len);
	Datum value = PointerGetDatum(bytes.data);
	bool is_null = false;
	tuplestore_putvalues(modification.later, row_description(), &value, &is_null);
	modification.param_count = 0;
	check_found(modification, 1);
}

void
run_put_off(Modification &modification)
{
	if (modification.later == nullptr)
		return;
	MemoryContext const outer = MemoryContextSwitchTo(modification.lasting);
	TupleTableSlot *const slot = MakeSingleTupleTableSlot(row_description(), &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(modification.later, true, false, slot)) {
		int64 const rows = in_call_memory(modification, [&] {
			bool is_null;
			bytea *const change = DatumGetByteaPP(slot_getattr(slot, 1, &is_null));
			load_params(modification, VARDATA_ANY(change), VARDATA_ANY(change) + VARSIZE_ANY_EXHDR(change));
			return run_statement(modification, modification.plan.sql);
		});
		refuse_several(modification, rows);
		if (rows == 0)
			refuse_missing(modification);
		modification.changed += rows;
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(modification.later);
	modification.later = nullptr;
	MemoryContextSwitchTo(outer);
}

} // namespace tenancy::fdw
