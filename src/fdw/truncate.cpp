/*
 * TRUNCATE of foreign tables. PG regime.
 */
#include "fdw/fdw.hpp"
#include "fdw/modify.hpp"

extern "C" {
#include "foreign/fdwapi.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;

void
check_truncatable(Relation relation, const Table &table)
{
	if (!table.options.truncatable)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("foreign table \"%s\" does not allow truncates", RelationGetRelationName(relation))));
}

void
check_possible(DropBehavior behavior, bool restart)
{
	if (behavior == DROP_CASCADE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("TRUNCATE … CASCADE is for foreign tables of PostgreSQL servers only")));
	if (restart)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("TRUNCATE … RESTART IDENTITY is for foreign tables of PostgreSQL servers only"),
		                errdetail("Other servers cannot undo it when the transaction rolls back.")));
}

void
run_alone(Activity &activity, const char *sql)
{
	report(activity, sql);
	activity.rows += run(channel_for(activity, Need::write), activity, sql, {});
}

void
truncate_at_once(Activity &activity, const Writer *writers, int count, DropBehavior behavior, bool restart)
{
	StringInfo const sql = makeStringInfo();
	appendStringInfoString(sql, "TRUNCATE ");
	for (int i = 0; i < count; ++i) {
		appendStringInfoString(sql, i > 0 ? ", " : "");
		writers[i].renderer->out = sql;
		writers[i].renderer->relation(*writers[i].table);
	}
	appendStringInfoString(sql, restart ? " RESTART IDENTITY" : " CONTINUE IDENTITY");
	appendStringInfoString(sql, behavior == DROP_CASCADE ? " CASCADE" : " RESTRICT");
	run_alone(activity, sql->data);
}

/* MySQL's TRUNCATE commits the transaction that it is in, and could not be rolled back; SQLite has none. */
void
delete_all(Activity &activity, const Writer *writers, int count)
{
	for (int i = 0; i < count; ++i) {
		StringInfo const sql = makeStringInfo();
		appendStringInfoString(sql, "DELETE FROM ");
		writers[i].renderer->out = sql;
		writers[i].renderer->relation(*writers[i].table);
		run_alone(activity, sql->data);
		end(activity); /* each is a run of its own in history */
	}
}

/* Truncates tables that are all of one server. */
void
truncate_tables(List *relations, DropBehavior behavior, bool restart)
{
	auto *const writers = static_cast<Writer *>(palloc0(sizeof(Writer) * static_cast<Size>(list_length(relations))));
	auto *const activity = static_cast<Activity *>(palloc0(sizeof(Activity)));
	int count = 0;
	DatabaseType type = DatabaseType::postgresql;
	Oid server = InvalidOid;
	ListCell *cell;
	foreach (cell, relations) {
		auto *const relation = static_cast<Relation>(lfirst(cell));
		Table const &table = *load_table(RelationGetRelid(relation));
		check_truncatable(relation, table);
		type = dialect_of(table);
		server = table.server;
		writers[count++] = make_writer(table, type);
	}
	if (type != DatabaseType::postgresql)
		check_possible(behavior, restart);
	begin(*activity, server, type);
	if (type == DatabaseType::postgresql)
		truncate_at_once(*activity, writers, count, behavior, restart);
	else
		delete_all(*activity, writers, count);
	end(*activity);
}

} // namespace

void
set_truncate_callback(FdwRoutine *routine)
{
	routine->ExecForeignTruncate = truncate_tables;
}

} // namespace tenancy::fdw
