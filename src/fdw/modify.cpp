/*
 * Executing UPDATE and DELETE of foreign tables row by row, and what INSERT has in common with them. PG regime.
 */
#include "fdw/modify.hpp"

#include "fdw/fdw.hpp"

extern "C" {
#include "access/table.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;

/* LAST_INSERT_ID() tells the value of an auto-increment key; nothing tells that of a computed one. */
void
prepare_numbered_select(Modification &modification)
{
	ListCell *cell;
	foreach (cell, modification.keys) {
		Column const &column = modification.table->columns[lfirst_int(cell) - 1];
		if (column.identity)
			modification.numbered_keys = lappend_int(modification.numbered_keys, lfirst_int(cell));
		else if (!list_member_int(modification.plan.targets, lfirst_int(cell)))
			ereport(
				ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			     errmsg("cannot return rows of foreign table \"%s\"", RelationGetRelationName(modification.relation)),
			     errdetail("Its server does not return changed rows, and computes column \"%s\" of their key.",
			               column.name)));
	}
	if (modification.numbered_keys != NIL)
		modification.select_numbered_sql =
			select_text(modification.writer, modification.plan.returned, modification.numbered_keys, false);
}

/* Where the dialect has no RETURNING for the operation, a SELECT by key finds the row. */
void
prepare_select(Modification &modification)
{
	Abilities const &abilities = modification.writer.renderer->abilities();
	CmdType const operation = modification.plan.operation;
	bool const returns = operation == CMD_INSERT   ? abilities.insert_returning
	                     : operation == CMD_UPDATE ? abilities.update_returning
	                                               : abilities.delete_returning;
	if (modification.plan.returned == NIL || returns)
		return;
	if (modification.keys == NIL)
		ereport(ERROR,
		        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		         errmsg("cannot return rows of foreign table \"%s\"", RelationGetRelationName(modification.relation)),
		         errdetail("Its server does not return changed rows, and without a key they cannot be found again.")));
	if (operation == CMD_INSERT)
		prepare_numbered_select(modification);
	modification.select_sql =
		select_text(modification.writer, modification.plan.returned, NIL, operation == CMD_DELETE);
}

Datum
key_value(const Modification &modification, TupleTableSlot *slot, AttrNumber attribute, int number)
{
	bool is_null;
	Datum const value = slot_getattr(slot, attribute, &is_null);
	if (is_null)
		ereport(ERROR,
		        (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
		         errmsg("key column \"%s\" of foreign table \"%s\" is null",
		                modification.table->columns[number - 1].name, RelationGetRelationName(modification.relation)),
		         errdetail("The row cannot be told from others.")));
	return value;
}

/* A row as the remote server has it, over what it was here. */
void
store_row(const Modification &modification, TupleTableSlot *slot, const remote::Cell *cells)
{
	TupleDesc const descriptor = slot->tts_tupleDescriptor;
	auto const width = static_cast<Size>(descriptor->natts);
	auto *const values = static_cast<Datum *>(palloc0(sizeof(Datum) * width));
	auto *const nulls = static_cast<bool *>(palloc(width));
	memset(nulls, true, width);
	if (!TTS_EMPTY(slot)) {
		slot_getallattrs(slot);
		memcpy(values, slot->tts_values, sizeof(Datum) * width);
		memcpy(nulls, slot->tts_isnull, width);
	}
	ListCell *cell;
	foreach (cell, modification.plan.returned) {
		int const index = lfirst_int(cell) - 1;
		values[index] = bridge::cell_datum(modification.reader.converters[index], cells[foreach_current_index(cell)],
		                                   &nulls[index]);
	}
	MemoryContext const outer = MemoryContextSwitchTo(slot->tts_mcxt);
	HeapTuple const tuple = heap_form_tuple(descriptor, values, nulls);
	MemoryContextSwitchTo(outer);
	ExecForceStoreHeapTuple(tuple, slot, true);
}

void
find_key_attributes(Modification &modification, List *target_list)
{
	modification.key_attributes = static_cast<AttrNumber *>(
		palloc(sizeof(AttrNumber) * static_cast<Size>(Max(list_length(modification.keys), 1))));
	ListCell *cell;
	foreach (cell, modification.keys) {
		auto const number = static_cast<AttrNumber>(lfirst_int(cell));
		Column const &column = modification.table->columns[number - 1];
		AttrNumber const attribute = ExecFindJunkAttributeInTlist(target_list, key_attribute_name(column, number));
		if (!AttributeNumberIsValid(attribute))
			elog(ERROR, "could not find key column \"%s\" in the plan", column.name);
		modification.key_attributes[foreach_current_index(cell)] = attribute;
	}
}

void
begin_modify(ModifyTableState *state, ResultRelInfo *target, List *fdw_private, int, int flags)
{
	if ((flags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	ModifyPlan const plan = decode_modify(fdw_private, state->operation);
	Modification *const modification = begin_modification(target->ri_RelationDesc, plan, state->ps.state->es_query_cxt);
	if (plan.operation != CMD_INSERT) {
		find_key_attributes(*modification, outerPlanState(state)->plan->targetlist);
		begin_later(*modification, state);
		begin_keys(*modification, outerPlanState(state)->plan);
	}
	target->ri_FdwState = modification;
}

/* The key of the row: as it was, or as it is after the change. */
void
add_key(Modification &modification, TupleTableSlot *plan_slot, TupleTableSlot *changed = nullptr)
{
	int const first = modification.param_count;
	with_portable_output(modification, [&] {
		ListCell *cell;
		foreach (cell, modification.keys) {
			int const number = lfirst_int(cell);
			bool const is_new = changed != nullptr && list_member_int(modification.plan.targets, number);
			AttrNumber const attribute =
				is_new ? static_cast<AttrNumber>(number) : modification.key_attributes[foreach_current_index(cell)];
			Datum const value = key_value(modification, is_new ? changed : plan_slot, attribute, number);
			add_param(modification, encode(modification.encoders[number - 1], value, false));
		}
	});
	note_key(modification, first);
}

/*
 * Has the statement changed this row before? A row that a join yields again stays as it is, as in tables of
 * PostgreSQL's own.
 */
bool
comes_again(Modification &modification, TupleTableSlot *plan_slot)
{
	if (!modification.changes_once)
		return false;
	add_key(modification, plan_slot);
	modification.param_count = 0;
	return is_changed(modification);
}

/* Send one change; how many remote rows it met. What RETURNING wants of it comes into slot. */
int64
change_row(Modification &modification, TupleTableSlot *slot)
{
	bool const returns = modification.plan.returned != NIL && modification.select_sql == nullptr;
	int64 const rows = returns ? run_and_read(modification, modification.plan.sql, slot)
	                           : run_statement(modification, modification.plan.sql);
	refuse_several(modification, rows);
	check_found(modification, rows);
	modification.changed += rows;
	return rows;
}

bool
update_row(Modification &modification, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	if (comes_again(modification, plan_slot))
		return false;
	with_portable_output(modification, [&] { add_params(modification, slot, modification.plan.targets); });
	add_key(modification, plan_slot);
	if (modification.later != nullptr) {
		put_off(modification);
		return true;
	}
	bool const found = change_row(modification, slot) > 0;
	if (found && modification.select_sql != nullptr) {
		add_key(modification, plan_slot, slot);
		run_and_read(modification, modification.select_sql, slot);
	}
	return found;
}

bool
delete_row(Modification &modification, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	ExecClearTuple(slot);
	if (modification.later != nullptr && comes_again(modification, plan_slot))
		return false;
	if (modification.select_sql != nullptr) {
		add_key(modification, plan_slot);
		run_and_read(modification, modification.select_sql, slot);
	}
	add_key(modification, plan_slot);
	if (modification.later != nullptr) {
		put_off(modification);
		return true;
	}
	return change_row(modification, slot) > 0;
}

/* Change one row, in memory that is free again with the next one. */
template <bool (*change)(Modification &, TupleTableSlot *, TupleTableSlot *)>
TupleTableSlot *
exec_change(EState *, ResultRelInfo *target, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	Modification &modification = *modification_of(target);
	return in_call_memory(modification, [&] { return change(modification, slot, plan_slot); }) ? slot : nullptr;
}

void
end_modify(EState *, ResultRelInfo *target)
{
	if (target->ri_FdwState != nullptr)
		run_put_off(*modification_of(target));
	end_modification(target);
}

} // namespace

void
refuse_several(const Modification &modification, int64 rows)
{
	if (rows > 1)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
		                errmsg("key of foreign table \"%s\" matches " INT64_FORMAT " remote rows",
		                       RelationGetRelationName(modification.relation), rows),
		                errhint("The option \"key\" must be set on the columns of a unique key.")));
}

Modification *
begin_modification(Relation relation, const ModifyPlan &plan, MemoryContext memory)
{
	MemoryContext const lasting = AllocSetContextCreate(memory, "tenant_fdw modification", ALLOCSET_DEFAULT_SIZES);
	MemoryContext const outer = MemoryContextSwitchTo(lasting);
	auto *const modification = static_cast<Modification *>(palloc0(sizeof(Modification)));
	modification->lasting = lasting;
	modification->memory = AllocSetContextCreate(lasting, "tenant_fdw rows", ALLOCSET_DEFAULT_SIZES);
	modification->relation = relation;
	modification->table = load_table(RelationGetRelid(relation));
	modification->plan = plan;
	modification->keys = key_columns(*modification->table);
	begin(modification->activity, modification->table->server, plan.type, plan.sql);
	modification->writer = make_writer(*modification->table, plan.type);
	prepare_select(*modification);
	modification->encoders =
		static_cast<Encoder *>(palloc0(sizeof(Encoder) * static_cast<Size>(Max(modification->table->width, 1))));
	ListCell *cell;
	foreach (cell, live_columns(*modification->table)) {
		int const index = lfirst_int(cell) - 1;
		modification->encoders[index] = make_encoder(modification->table->columns[index], plan.type);
		modification->needs_portable_output =
			modification->needs_portable_output || needs_portable_output(modification->encoders[index]);
	}
	if (plan.operation == CMD_INSERT)
		modification->arrays_sql = insert_arrays_text(modification->writer, plan);
	if (plan.conflict == Conflict::skip)
		modification->counter = make_statement(lasting);
	if (plan.returned != NIL) {
		modification->reader.statement = make_statement(lasting);
		modification->reader.converters = bridge::make_converters(RelationGetDescr(relation));
	}
	MemoryContextSwitchTo(outer);
	return modification;
}

void
end_modification(ResultRelInfo *target)
{
	Modification *const modification = modification_of(target);
	if (modification == nullptr)
		return;
	target->ri_FdwState = nullptr;
	modification->activity.rows = modification->changed;
	end(modification->activity);
	MemoryContextDelete(modification->lasting);
}

void
add_param(Modification &modification, const remote::ParamView &param)
{
	if (modification.param_count == modification.param_room) {
		modification.param_room = Max(64, 2 * modification.param_room);
		Size const size = sizeof(remote::ParamView) * static_cast<Size>(modification.param_room);
		modification.params = static_cast<remote::ParamView *>(modification.params == nullptr
		                                                           ? MemoryContextAlloc(modification.lasting, size)
		                                                           : repalloc_huge(modification.params, size));
	}
	modification.params[modification.param_count++] = param;
}

void
add_params(Modification &modification, TupleTableSlot *slot, List *columns)
{
	slot_getallattrs(slot);
	ListCell *cell;
	foreach (cell, columns) {
		int const index = lfirst_int(cell) - 1;
		add_param(modification,
		          encode_stored(modification.encoders[index], slot->tts_values[index], slot->tts_isnull[index]));
	}
}

int64
run_statement(Modification &modification, const char *sql)
{
	check(modification.activity);
	report(modification.activity, modification.plan.sql);
	Channel *const channel = channel_for(modification.activity, Need::write);
	remote::ParamList const params = {modification.params, modification.param_count};
	modification.param_count = 0;
	return run(channel, modification.activity, sql, params);
}

void
match_returned(List *returned, bridge::Converter *converters, const Statement &statement)
{
	ListCell *cell;
	foreach (cell, returned)
		bridge::match(converters[lfirst_int(cell) - 1],
		              statement.columns()[static_cast<size_t>(foreach_current_index(cell))]);
}

int64
run_and_read(Modification &modification, const char *sql, TupleTableSlot *slot)
{
	check(modification.activity);
	report(modification.activity, modification.plan.sql);
	Channel *const channel = channel_for(modification.activity, Need::write);
	Statement *const statement = modification.reader.statement;
	remote::ParamList const params = {modification.params, modification.param_count};
	modification.param_count = 0;
	remote::RunOptions options;
	options.native = true;
	start(channel, modification.activity, statement, converting(), sql, params, options);
	int64 rows = 0;
	while (fetch(modification.activity, statement, list_length(modification.plan.returned))) {
		remote::Batch const &batch = statement->batch();
		if (rows == 0) {
			match_returned(modification.plan.returned, modification.reader.converters, *statement);
			store_row(modification, slot, batch.row(0));
		}
		rows += static_cast<int64>(batch.rows());
	}
	return rows;
}

void
set_modify_callbacks(FdwRoutine *routine)
{
	set_modify_plan_callbacks(routine);
	set_insert_callbacks(routine);
	set_truncate_callback(routine);
	routine->BeginForeignModify = begin_modify;
	routine->ExecForeignUpdate = exec_change<update_row>;
	routine->ExecForeignDelete = exec_change<delete_row>;
	routine->EndForeignModify = end_modify;
}

} // namespace tenancy::fdw
