/*
 * The texts of INSERT, UPDATE, DELETE and of the SELECT that reads a changed row back. PG regime.
 */
#include "fdw/encoder.hpp"
#include "fdw/writer.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;

const Column &
column_at(const Table &table, int number)
{
	return table.columns[number - 1];
}

/* A new text in the writer's renderer. */
StringInfo
begin_text(const Writer &writer)
{
	writer.renderer->out = makeStringInfo();
	writer.renderer->params = NIL;
	return writer.renderer->out;
}

void
print_names(const Writer &writer, List *columns)
{
	ListCell *cell;
	foreach (cell, columns) {
		if (cell != list_head(columns))
			appendStringInfoString(writer.renderer->out, ", ");
		writer.renderer->identifier(column_at(*writer.table, lfirst_int(cell)).name);
	}
}

void
print_returning(const Writer &writer, List *columns)
{
	if (columns == NIL)
		return;
	appendStringInfoString(writer.renderer->out, " RETURNING ");
	print_outputs(writer, columns);
}

/*
 * Prints the key with placeholders from number on, except for columns that the server has numbered; answers the next
 * number.
 */
int
print_key_condition(const Writer &writer, int number, List *numbered = NIL)
{
	List *const keys = key_columns(*writer.table);
	ListCell *cell;
	appendStringInfoString(writer.renderer->out, " WHERE ");
	foreach (cell, keys) {
		Column const &column = column_at(*writer.table, lfirst_int(cell));
		if (cell != list_head(keys))
			appendStringInfoString(writer.renderer->out, " AND ");
		writer.renderer->identifier(column.name);
		appendStringInfoString(writer.renderer->out, " = ");
		if (list_member_int(numbered, lfirst_int(cell)))
			appendStringInfoString(writer.renderer->out, "LAST_INSERT_ID()");
		else
			writer.renderer->value_placeholder(column, number++);
	}
	return number;
}

void
print_insert_head(const Writer &writer, const ModifyPlan &plan)
{
	appendStringInfoString(writer.renderer->out, "INSERT INTO ");
	writer.renderer->relation(*writer.table);
	if (plan.targets == NIL)
		return;
	appendStringInfoString(writer.renderer->out, " (");
	print_names(writer, plan.targets);
	appendStringInfoString(writer.renderer->out, ")");
}

/*
 * SQLite knows no conflict clause behind DEFAULT VALUES; no value for the column that it numbers is as good. True where
 * that has been printed.
 */
bool
print_numbered(const Writer &writer, const ModifyPlan &plan)
{
	if (plan.type != DatabaseType::sqlite || plan.conflict == Conflict::fail)
		return false;
	ListCell *cell;
	foreach (cell, live_columns(*writer.table)) {
		Column const &column = column_at(*writer.table, lfirst_int(cell));
		if (!column.identity)
			continue;
		appendStringInfoString(writer.renderer->out, " (");
		writer.renderer->identifier(column.name);
		appendStringInfoString(writer.renderer->out, ") VALUES (NULL)");
		return true;
	}
	return false;
}

/*
 * A column that may be set to itself. If the table has only computed columns it is one of those, which the server
 * refuses.
 */
int
assignable_column(const Table &table)
{
	ListCell *cell;
	foreach (cell, list_concat_copy(key_columns(table), live_columns(table)))
		if (!column_at(table, lfirst_int(cell)).generated)
			return lfirst_int(cell);
	if (live_columns(table) == NIL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("ON CONFLICT DO NOTHING needs a column of the foreign table on this server")));
	return linitial_int(live_columns(table));
}

/*
 * MySQL's IGNORE would hide every error, so a row that is there stays as it is, and a variable counts such rows: the
 * server counts them as changed.
 */
void
print_skip(const Writer &writer, const ModifyPlan &plan)
{
	Renderer *const renderer = writer.renderer;
	if (plan.type != DatabaseType::mysql) {
		appendStringInfoString(renderer->out, " ON CONFLICT DO NOTHING");
		return;
	}
	const char *const name = column_at(*writer.table, assignable_column(*writer.table)).name;
	appendStringInfoString(renderer->out, " ON DUPLICATE KEY UPDATE ");
	renderer->identifier(name);
	appendStringInfoString(renderer->out, " = IF((@tenancy_skipped := @tenancy_skipped + 1) > 0, ");
	renderer->identifier(name);
	appendStringInfoString(renderer->out, ", ");
	renderer->identifier(name);
	appendStringInfoString(renderer->out, ")");
}

/*
 * MySQL does not tell which unique key a row has in common with another: another key's row is an error, not replaced.
 */
void
print_same_key(const Writer &writer, List *keys)
{
	Renderer *const renderer = writer.renderer;
	const char *const name = column_at(*writer.table, linitial_int(keys)).name;
	renderer->identifier(name);
	appendStringInfoString(renderer->out, " = IF(IF(");
	ListCell *cell;
	foreach (cell, keys) {
		const char *const key = column_at(*writer.table, lfirst_int(cell)).name;
		appendStringInfoString(renderer->out, cell == list_head(keys) ? "" : " AND ");
		renderer->identifier(key);
		appendStringInfoString(renderer->out, " <=> VALUES(");
		renderer->identifier(key);
		appendStringInfoString(renderer->out, ")");
	}
	appendStringInfoString(renderer->out, ", 1, (SELECT 1 UNION ALL SELECT 2)), ");
	renderer->identifier(name);
	appendStringInfoString(renderer->out, ", ");
	renderer->identifier(name);
	appendStringInfoString(renderer->out, ")");
}

/* The row becomes what the INSERT would have made. */
void
print_replace(const Writer &writer, const ModifyPlan &plan)
{
	Renderer *const renderer = writer.renderer;
	List *const keys = key_columns(*writer.table);
	List *const others = list_difference_int(plan.targets, keys);
	bool const is_mysql = plan.type == DatabaseType::mysql;
	if (is_mysql) {
		appendStringInfoString(renderer->out, " ON DUPLICATE KEY UPDATE ");
		print_same_key(writer, keys);
	} else {
		appendStringInfoString(renderer->out, " ON CONFLICT (");
		print_names(writer, keys);
		appendStringInfoString(renderer->out, ") DO UPDATE SET ");
	}
	ListCell *cell;
	List *const changed = others != NIL || is_mysql ? others : keys;
	foreach (cell, changed) {
		const char *const name = column_at(*writer.table, lfirst_int(cell)).name;
		if (cell != list_head(changed) || is_mysql)
			appendStringInfoString(renderer->out, ", ");
		renderer->identifier(name);
		appendStringInfoString(renderer->out, is_mysql ? " = VALUES(" : " = EXCLUDED.");
		renderer->identifier(name);
		appendStringInfoString(renderer->out, is_mysql ? ")" : "");
	}
}

void
print_conflict_clause(const Writer &writer, const ModifyPlan &plan)
{
	switch (plan.conflict) {
	case Conflict::skip: print_skip(writer, plan); break;
	case Conflict::replace: print_replace(writer, plan); break;
	case Conflict::fail: break;
	}
}

} // namespace

Writer
make_writer(const Table &table, DatabaseType type)
{
	Renderer *const renderer = make_renderer(type);
	auto *const source = static_cast<Source *>(palloc(sizeof(Source)));
	*source = {1, &table};
	renderer->sources = source;
	renderer->source_count = 1;
	renderer->relids = bms_make_singleton(1);
	return {renderer, &table};
}

void
print_outputs(const Writer &writer, List *columns)
{
	ListCell *cell;
	foreach (cell, columns) {
		Column const &column = column_at(*writer.table, lfirst_int(cell));
		Var *const var =
			makeVar(static_cast<int>(writer.renderer->sources[0].varno), static_cast<AttrNumber>(lfirst_int(cell)),
		            column.type, column.typmod, column.collation, 0);
		if (cell != list_head(columns))
			appendStringInfoString(writer.renderer->out, ", ");
		if (!writer.renderer->output(reinterpret_cast<Node *>(var)))
			elog(ERROR, "could not print column \"%s\"", column.name);
	}
}

char *
insert_text(const Writer &writer, const ModifyPlan &plan, int rows)
{
	StringInfo const out = begin_text(writer);
	print_insert_head(writer, plan);
	if (plan.targets != NIL)
		appendStringInfoString(out, " VALUES ");
	else if (!print_numbered(writer, plan))
		appendStringInfoString(out, plan.type == DatabaseType::mysql ? " () VALUES ()" : " DEFAULT VALUES");
	int number = 1;
	for (int row = 0; row < rows && plan.targets != NIL; ++row) {
		appendStringInfoString(out, row == 0 ? "(" : ", (");
		ListCell *cell;
		foreach (cell, plan.targets) {
			if (cell != list_head(plan.targets))
				appendStringInfoString(out, ", ");
			/* SQLite looks numbered placeholders up by their names, one by one. */
			if (plan.type == DatabaseType::sqlite)
				appendStringInfoChar(out, '?');
			else
				writer.renderer->value_placeholder(column_at(*writer.table, lfirst_int(cell)), number++);
		}
		appendStringInfoChar(out, ')');
	}
	print_conflict_clause(writer, plan);
	if (writer.renderer->abilities().insert_returning)
		print_returning(writer, plan.returned);
	return out->data;
}

char *
insert_arrays_text(const Writer &writer, const ModifyPlan &plan)
{
	if (plan.type != DatabaseType::postgresql || plan.targets == NIL || plan.returned != NIL)
		return nullptr;
	ListCell *cell;
	foreach (cell, plan.targets)
		if (!has_array_form(column_at(*writer.table, lfirst_int(cell))))
			return nullptr;
	StringInfo const out = begin_text(writer);
	print_insert_head(writer, plan);
	/* unnest() of several arrays is grammar, which takes no schema. */
	appendStringInfo(out, " SELECT * FROM %sunnest(", list_length(plan.targets) == 1 ? "pg_catalog." : "");
	foreach (cell, plan.targets) {
		int const index = foreach_current_index(cell);
		/* The flag makes a type without a modifier bpchar: a bare "character" would be character(1). */
		Oid const type = get_array_type(getBaseType(column_at(*writer.table, lfirst_int(cell)).type));
		appendStringInfo(out, "%s$%d::%s", index > 0 ? ", " : "", index + 1,
		                 format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN));
	}
	appendStringInfoChar(out, ')');
	print_conflict_clause(writer, plan);
	return out->data;
}

char *
update_text(const Writer &writer, const ModifyPlan &plan)
{
	StringInfo const out = begin_text(writer);
	appendStringInfoString(out, "UPDATE ");
	writer.renderer->relation(*writer.table);
	appendStringInfoString(out, " SET ");
	int number = 1;
	ListCell *cell;
	foreach (cell, plan.targets) {
		Column const &column = column_at(*writer.table, lfirst_int(cell));
		if (cell != list_head(plan.targets))
			appendStringInfoString(out, ", ");
		writer.renderer->identifier(column.name);
		appendStringInfoString(out, " = ");
		writer.renderer->value_placeholder(column, number++);
	}
	/*
	 * Nothing changes except what the remote server computes: assign a key column to itself. Without a key the executor
	 * refuses what is planned here.
	 */
	if (plan.targets == NIL && key_columns(*writer.table) != NIL) {
		const char *const name = column_at(*writer.table, linitial_int(key_columns(*writer.table))).name;
		writer.renderer->identifier(name);
		appendStringInfoString(out, " = ");
		writer.renderer->identifier(name);
	}
	print_key_condition(writer, number);
	if (writer.renderer->abilities().update_returning)
		print_returning(writer, plan.returned);
	return out->data;
}

char *
delete_text(const Writer &writer, const ModifyPlan &plan)
{
	StringInfo const out = begin_text(writer);
	appendStringInfoString(out, "DELETE FROM ");
	writer.renderer->relation(*writer.table);
	print_key_condition(writer, 1);
	if (writer.renderer->abilities().delete_returning)
		print_returning(writer, plan.returned);
	return out->data;
}

char *
select_text(const Writer &writer, List *columns, List *numbered, bool lock)
{
	StringInfo const out = begin_text(writer);
	appendStringInfoString(out, "SELECT ");
	print_outputs(writer, columns);
	appendStringInfoString(out, " FROM ");
	writer.renderer->relation(*writer.table);
	print_key_condition(writer, 1, numbered);
	if (lock && writer.renderer->abilities().for_update)
		appendStringInfoString(out, " FOR UPDATE");
	return out->data;
}

} // namespace tenancy::fdw
