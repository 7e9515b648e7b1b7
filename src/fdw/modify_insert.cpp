/*
 * INSERT and COPY into foreign tables: one row, or many with one statement. PG regime.
 */
#include "fdw/modify.hpp"

extern "C" {
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "foreign/fdwapi.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;

constexpr const char *reset_skipped = "SELECT CAST(@tenancy_skipped := 0 AS SIGNED)";
constexpr const char *count_skipped = "SELECT CAST(@tenancy_skipped AS SIGNED)";

bool
counts_skipped(const Modification &modification)
{
	return modification.plan.conflict == Conflict::skip && modification.plan.type == DatabaseType::mysql;
}

int64
skipped_rows(Modification &modification)
{
	Channel *const channel = channel_for(modification.activity, Need::write);
	Statement *const statement = modification.counter;
	start(channel, modification.activity, statement, nullptr, count_skipped, {}, remote::RunOptions());
	int64 rows = 0;
	while (fetch(modification.activity, statement, 1))
		rows = statement->batch().row(0)->integer;
	return rows;
}

/* The number of rows that are new, whatever the server counts. */
int64
run_insert(Modification &modification, const char *sql, int sent, TupleTableSlot *returned)
{
	bool const counts = counts_skipped(modification);
	if (counts) {
		int const params = modification.param_count;
		modification.param_count = 0;
		run_statement(modification, reset_skipped);
		modification.param_count = params;
	}
	int64 rows = returned != nullptr ? run_and_read(modification, sql, returned) : run_statement(modification, sql);
	/* MySQL counts a row that was there too, and twice when a trigger has changed it. */
	if (counts)
		rows = Max(sent - skipped_rows(modification), 0);
	/* MySQL counts a row that was replaced twice. */
	if (modification.plan.conflict == Conflict::replace && modification.plan.type == DatabaseType::mysql)
		rows = sent;
	modification.changed += rows;
	return rows;
}

const char *
values_text(Modification &modification, int rows)
{
	if (rows == 1)
		return modification.plan.sql;
	if (rows != modification.batch_rows) {
		MemoryContext const outer = MemoryContextSwitchTo(modification.lasting);
		if (modification.batch_sql != nullptr)
			pfree(modification.batch_sql);
		modification.batch_sql = insert_text(modification.writer, modification.plan, rows);
		modification.batch_rows = rows;
		MemoryContextSwitchTo(outer);
	}
	return modification.batch_sql;
}

std::size_t
bytes_of(const Modification &modification, int first)
{
	std::size_t bytes = 0;
	for (int i = first; i < modification.param_count; ++i)
		bytes += sizeof(int64) + modification.params[i].text.size();
	return bytes;
}

/* Sends INSERT … VALUES of as many rows as one statement takes; answers how many these are. */
int
send_values(Modification &modification, TupleTableSlot **slots, int count, int64 *inserted)
{
	int const width = Max(list_length(modification.plan.targets), 1);
	int const most = Max(modification.writer.renderer->abilities().most_parameters / width, 1);
	std::size_t bytes = 0;
	int rows = 0;
	with_portable_output(modification, [&] {
		while (rows < count && rows < most && bytes < most_statement_bytes) {
			int const first = modification.param_count;
			add_params(modification, slots[rows++], modification.plan.targets);
			bytes += bytes_of(modification, first);
		}
	});
	*inserted += run_insert(modification, values_text(modification, rows), rows, nullptr);
	return rows;
}

/* Sends INSERT … SELECT from arrays, one for each column. */
int
send_arrays(Modification &modification, TupleTableSlot **slots, int count, int64 *inserted)
{
	List *const targets = modification.plan.targets;
	auto const width = static_cast<Size>(list_length(targets));
	auto *const arrays = static_cast<StringInfo *>(palloc(sizeof(StringInfo) * width));
	auto *const has_null = static_cast<bool *>(palloc0(width));
	ListCell *cell;
	foreach (cell, targets)
		arrays[foreach_current_index(cell)] = begin_array(modification.encoders[lfirst_int(cell) - 1]);
	std::size_t bytes = 0;
	int rows = 0;
	for (; rows < count && bytes < most_statement_bytes; ++rows) {
		TupleTableSlot *const slot = slots[rows];
		slot_getallattrs(slot);
		foreach (cell, targets) {
			int const index = lfirst_int(cell) - 1;
			int const column = foreach_current_index(cell);
			int const before = arrays[column]->len;
			append_element(modification.encoders[index], arrays[column], slot->tts_values[index],
			               slot->tts_isnull[index]);
			has_null[column] = has_null[column] || slot->tts_isnull[index];
			bytes += static_cast<std::size_t>(arrays[column]->len - before);
		}
	}
	foreach (cell, targets) {
		int const column = foreach_current_index(cell);
		add_param(modification,
		          end_array(modification.encoders[lfirst_int(cell) - 1], arrays[column], rows, has_null[column]));
	}
	*inserted += run_insert(modification, modification.arrays_sql, rows, nullptr);
	return rows;
}

bool
was_numbered(const Modification &modification, TupleTableSlot *slot)
{
	ListCell *cell;
	foreach (cell, modification.numbered_keys)
		if (!list_member_int(modification.plan.targets, lfirst_int(cell)) || slot_attisnull(slot, lfirst_int(cell)))
			return true;
	return false;
}

/* INSERT does not return the row here: read it by the key that was sent, and by what the server has just given. */
void
read_inserted(Modification &modification, TupleTableSlot *slot)
{
	bool const numbered = was_numbered(modification, slot);
	List *const sent =
		numbered ? list_difference_int(modification.keys, modification.numbered_keys) : modification.keys;
	with_portable_output(modification, [&] { add_params(modification, slot, sent); });
	if (run_and_read(modification, numbered ? modification.select_numbered_sql : modification.select_sql, slot) != 1)
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
		                errmsg("could not find the row just inserted into foreign table \"%s\"",
		                       RelationGetRelationName(modification.relation)),
		                errhint("The remote server must have changed its key.")));
}

/* An identity that is null, also after BEFORE triggers, is the server's to fill. */
bool
is_left_out(const Modification &modification, TupleTableSlot *slot, int number)
{
	return modification.table->columns[number - 1].identity && slot_attisnull(slot, number);
}

bool
leaves_out(const Modification &modification, TupleTableSlot *slot)
{
	ListCell *cell;
	foreach (cell, modification.plan.targets)
		if (is_left_out(modification, slot, lfirst_int(cell)))
			return true;
	return false;
}

/* The columns of a row that are sent. */
List *
targets_of(const Modification &modification, TupleTableSlot *slot)
{
	if (!leaves_out(modification, slot))
		return modification.plan.targets;
	List *targets = NIL;
	ListCell *cell;
	foreach (cell, modification.plan.targets)
		if (!is_left_out(modification, slot, lfirst_int(cell)))
			targets = lappend_int(targets, lfirst_int(cell));
	return targets;
}

const char *
row_text(Modification &modification, List *targets)
{
	if (targets == modification.plan.targets)
		return modification.plan.sql;
	if (modification.row_sql == nullptr || !equal(targets, modification.row_targets)) {
		ModifyPlan plan = modification.plan;
		plan.targets = targets;
		const char *const sql = insert_text(modification.writer, plan, 1);
		MemoryContext const outer = MemoryContextSwitchTo(modification.lasting);
		if (modification.row_sql != nullptr)
			pfree(modification.row_sql);
		list_free(modification.row_targets);
		modification.row_targets = list_copy(targets);
		modification.row_sql = pstrdup(sql);
		MemoryContextSwitchTo(outer);
	}
	return modification.row_sql;
}

/* False when the remote server, or ON CONFLICT DO NOTHING, let the row fall. */
bool
insert_row(Modification &modification, TupleTableSlot *slot)
{
	bool const selects = modification.select_sql != nullptr;
	bool const returns = modification.plan.returned != NIL && !selects;
	List *const targets = targets_of(modification, slot);
	with_portable_output(modification, [&] { add_params(modification, slot, targets); });
	if (run_insert(modification, row_text(modification, targets), 1, returns ? slot : nullptr) == 0)
		return false;
	if (selects)
		read_inserted(modification, slot);
	return true;
}

/*
 * Can the row go with others? Other engines fill an identity that is sent as NULL; for PostgreSQL such a row goes by
 * itself.
 */
bool
is_whole_row(const Modification &modification, TupleTableSlot *slot)
{
	return modification.plan.type != DatabaseType::postgresql || !leaves_out(modification, slot);
}

TupleTableSlot *
exec_insert(EState *, ResultRelInfo *target, TupleTableSlot *slot, TupleTableSlot *)
{
	Modification &modification = *modification_of(target);
	if (modification.buffers && !has_condition_of_copy()) {
		buffer_row(modification, slot);
		return slot;
	}
	return in_call_memory(modification, [&] { return insert_row(modification, slot); }) ? slot : nullptr;
}

TupleTableSlot **
exec_batch_insert(EState *, ResultRelInfo *target, TupleTableSlot **slots, TupleTableSlot **, int *count)
{
	Modification &modification = *modification_of(target);
	int64 const inserted = in_call_memory(modification, [&] { return insert_rows(modification, slots, *count); });
	/* The remote server may count what a rule inserts; minor releases of before 2026 take it for a number of slots. */
	*count = static_cast<int>(Max(Min(inserted, *count), 0));
	return *count > 0 ? slots : nullptr;
}

/* The batch size is one where each row must come back, or be seen before the next one is. */
int
batch_size(ResultRelInfo *target)
{
	Modification const *const modification = modification_of(target);
	TriggerDesc const *const triggers = target->ri_TrigDesc;
	if (target->ri_projectReturning != nullptr || target->ri_WithCheckOptions != NIL ||
	    (triggers != nullptr && (triggers->trig_insert_before_row || triggers->trig_insert_after_row)))
		return 1;
	if (modification == nullptr) /* EXPLAIN */
		return load_table(RelationGetRelid(target->ri_RelationDesc))->options.batch_size;
	return list_length(modification->plan.targets) == 0 ? 1 : modification->table->options.batch_size;
}

void
begin_insert(ModifyTableState *state, ResultRelInfo *target)
{
	auto *const plan = reinterpret_cast<ModifyTable *>(state->ps.plan);
	/* The rows that it moves there would be updated again. */
	if (plan != nullptr && plan->operation == CMD_UPDATE &&
	    (target->ri_usesFdwDirectModify || target->ri_FdwState != nullptr))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("cannot move rows into foreign table \"%s\", which the same statement updates",
		                       RelationGetRelationName(target->ri_RelationDesc))));
	MemoryContext const memory = state->ps.state->es_query_cxt;
	MemoryContext const outer = MemoryContextSwitchTo(memory);
	Table const &table = *load_table(RelationGetRelid(target->ri_RelationDesc));
	ModifyPlan const modify = plan_routed_insert(state, target, table);
	Modification *const modification = begin_modification(target->ri_RelationDesc, modify, memory);
	modification->buffers = may_buffer(state, target, modify);
	MemoryContextSwitchTo(outer);
	target->ri_FdwState = modification;
}

void
end_insert(EState *, ResultRelInfo *target)
{
	if (target->ri_FdwState != nullptr)
		flush_rows(*modification_of(target));
	end_modification(target);
}

} // namespace

int64
insert_rows(Modification &modification, TupleTableSlot **slots, int count)
{
	int64 inserted = 0;
	for (int sent = 0; sent < count;) {
		int whole = 0;
		while (sent + whole < count && is_whole_row(modification, slots[sent + whole]))
			++whole;
		if (whole == 0) {
			inserted += insert_row(modification, slots[sent++]) ? 1 : 0;
			continue;
		}
		int const left = count_distinct(modification, slots + sent, whole);
		bool const by_arrays = modification.arrays_sql != nullptr && left > 1;
		sent += by_arrays ? send_arrays(modification, slots + sent, left, &inserted)
		                  : send_values(modification, slots + sent, left, &inserted);
	}
	return inserted;
}

void
set_insert_callbacks(FdwRoutine *routine)
{
	routine->ExecForeignInsert = exec_insert;
	routine->ExecForeignBatchInsert = exec_batch_insert;
	routine->GetForeignModifyBatchSize = batch_size;
	routine->BeginForeignInsert = begin_insert;
	routine->EndForeignInsert = end_insert;
}

} // namespace tenancy::fdw
