/*
 * Foreign tables that follow remote ones: made, changed and dropped. PG regime.
 */
#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "bridge/spi.hpp"
#include "fdw/attach.hpp"
#include "fdw/option.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_collation.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

/* Foreign tables of the attachment; those over a query are somebody's own work. */
spi::Statement list_tables = {
	"SELECT c.oid, c.relname::text,"
	" coalesce((SELECT o.option_value FROM pg_options_to_table(f.ftoptions) AS o WHERE o.option_name = 'table_name'),"
	" c.relname),"
	" (SELECT o.option_value FROM pg_options_to_table(f.ftoptions) AS o WHERE o.option_name = 'schema_name')"
	" FROM pg_foreign_table AS f JOIN pg_class AS c ON c.oid = f.ftrelid"
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_foreign_server AS s ON s.oid = f.ftserver"
	" WHERE s.srvname = $1 AND n.nspname = $2"
	" AND NOT EXISTS (SELECT FROM pg_options_to_table(f.ftoptions) AS o WHERE o.option_name = 'query')"
	" ORDER BY c.relname",
	{NAMEOID, NAMEOID}};

/* The actions of ALTER FOREIGN TABLE that make a table keep no statistics; NULL when it keeps none. */
spi::Statement withhold_columns = {
	"SELECT string_agg(format('ALTER COLUMN %I SET STATISTICS 0', a.attname), ', ') FROM pg_attribute AS a"
	" WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'"
	" AND (a.attstattarget IS DISTINCT FROM 0"
	" OR EXISTS (SELECT FROM pg_statistic AS s WHERE s.starelid = $1 AND s.staattnum = a.attnum))",
	{OIDOID}};

struct LocalTable {
	Oid oid;
	char *name, *remote, *remote_schema;
	bool matched, counted; /* the latter: among the tables that the transaction locks */
};

/* What one run of synchronise() works with. */
struct Work {
	const Attachment *attachment;
	const ImportedSchema *schema;
	std::string *text; /* in which pure code answers */
	Changes *changes;
	bool alone; /* in its transaction, and makes no table but anew: it may lock as many as it has */
	int count;
	LocalTable *locals;
};

int
compare_remote(const void *left, const void *right)
{
	return strcmp(static_cast<const LocalTable *>(left)->remote, static_cast<const LocalTable *>(right)->remote);
}

void
load_locals(Work &work)
{
	Datum const values[] = {bridge::name_datum(work.attachment->server), bridge::name_datum(work.attachment->schema)};
	work.count = static_cast<int>(spi::run(list_tables, values));
	work.locals = static_cast<LocalTable *>(palloc0(sizeof(LocalTable) * static_cast<Size>(Max(work.count, 1))));
	for (int i = 0; i < work.count; ++i) {
		bool is_null;
		auto const row = static_cast<uint64>(i);
		work.locals[i].oid = DatumGetObjectId(spi::value(row, 1, &is_null));
		work.locals[i].name = spi::text(row, 2);
		work.locals[i].remote = spi::text(row, 3);
		work.locals[i].remote_schema = spi::text(row, 4);
	}
	qsort(work.locals, static_cast<size_t>(work.count), sizeof(LocalTable), compare_remote);
}

/* The foreign table that stands for a remote table, if there is one. */
LocalTable *
find_local(const Work &work, const char *remote)
{
	const char *const schema = work.schema->schema ? bridge::server_text(work.schema->schema->c_str()) : nullptr;
	LocalTable key{};
	key.remote = const_cast<char *>(remote);
	auto *const found = static_cast<LocalTable *>(
		bsearch(&key, work.locals, static_cast<size_t>(work.count), sizeof(LocalTable), compare_remote));
	return found != nullptr && !found->matched && same_text(found->remote_schema, schema) ? found : nullptr;
}

char *
qualified_name(const Work &work, const char *table)
{
	return quote_qualified_identifier(work.attachment->schema, table);
}

void
report(const Work &work, Change change, const char *table, const char *column = nullptr)
{
	if (work.changes != nullptr)
		work.changes->report(work.changes, change, table, column);
}

void
alter_table(const Work &work, LocalTable &local, const char *action)
{
	if (!local.counted)
		reserve_table_locks(1, work.alone);
	local.counted = true;
	execute(psprintf("ALTER FOREIGN TABLE %s %s", qualified_name(work, local.name), action));
}

/*
 * Statistics hold values of rows, and whoever may read the table may read them: not where several users share a role.
 */
void
withhold_statistics(const Work &work, const char *table, const char *column)
{
	if (work.attachment->shared)
		execute(psprintf("ALTER FOREIGN TABLE %s ALTER COLUMN %s SET STATISTICS 0", qualified_name(work, table),
		                 quote_identifier(column)));
}

/* Removes what statistics that somebody else made by CREATE STATISTICS keep of the table. */
void
forget_extended_statistics(Oid table)
{
	Relation const relation = table_open(table, AccessShareLock);
	ListCell *cell;
	foreach (cell, RelationGetStatExtList(relation))
		for (bool const inherited : {false, true})
			RemoveStatisticsDataById(lfirst_oid(cell), inherited);
	table_close(relation, AccessShareLock);
}

/* The same for a table that is there already: nothing that was learned from it before is left. */
void
withhold_statistics(const Work &work, LocalTable &local)
{
	Datum const values[] = {ObjectIdGetDatum(local.oid)};
	(void) spi::read_latest(withhold_columns, values);
	const char *const action = spi::text(0, 1);
	forget_extended_statistics(local.oid);
	if (action == nullptr)
		return;
	alter_table(work, local, action); /* which waits for an ANALYZE that has begun */
	RemoveStatistics(local.oid, 0);
}

void
create_table(const Work &work, const ImportedTable &table)
{
	std::string_view const schema = bridge::utf8(work.attachment->schema);
	std::string_view const server = bridge::utf8(work.attachment->server);
	bridge::enter(
		[&] { *work.text = work.schema->create_statement(table, schema, server, work.attachment->request->options); });
	execute(bridge::server_text(work.text->c_str()));
	const char *const name = bridge::server_text(table.local_name.c_str());
	grant_table(*work.attachment, name);
	for (size_t i = 0; work.attachment->shared && i < table.columns.size(); ++i)
		withhold_statistics(work, name, bridge::server_text(table.columns[i].local_name.c_str()));
	report(work, Change::table_added, name);
}

void
drop_table(const Work &work, const LocalTable &local)
{
	execute(psprintf("DROP FOREIGN TABLE %s", qualified_name(work, local.name)));
	report(work, Change::table_dropped, local.name);
}

void
add_column(const Work &work, LocalTable &local, const ImportedColumn &column)
{
	bridge::enter([&] {
		*work.text = "ADD COLUMN " + ImportedSchema::column_definition(column, work.attachment->request->options);
	});
	alter_table(work, local, bridge::server_text(work.text->c_str()));
	const char *const name = bridge::server_text(column.local_name.c_str());
	withhold_statistics(work, local.name, name);
	report(work, Change::column_added, local.name, name);
}

bool
change_options(const Work &work, LocalTable &local, AttrNumber number, const ImportedColumn &column, const char *name)
{
	WantedOption const wanted[] = {
		{"column_name", bridge::server_text(column.name.c_str())},
		{"native_type", bridge::server_text(column.native_type.c_str())},
		{"collation", column.collation ? bridge::server_text(column.collation->c_str()) : nullptr},
		{"key", column.key ? "true" : nullptr},
		{"indexed", column.indexed ? "true" : nullptr},
		{"generated", column.generated ? "true" : nullptr},
		{"identity", column.identity ? "true" : nullptr},
	};
	StringInfoData action;
	initStringInfo(&action);
	appendStringInfo(&action, "ALTER COLUMN %s OPTIONS (", quote_identifier(name));
	if (!print_options(&action, GetForeignColumnOptions(local.oid, number), wanted, lengthof(wanted)))
		return false;
	appendStringInfoChar(&action, ')');
	alter_table(work, local, action.data);
	return true;
}

bool
change_type(const Work &work, LocalTable &local, const Column &present, const ImportedColumn &column, const char *name)
{
	const ImportOptions &options = work.attachment->request->options;
	Oid const collation =
		ImportedSchema::has_byte_collation(column, options) ? C_COLLATION_OID : get_typcollation(column.type_oid);
	if (present.type == column.type_oid && present.typmod == column.typmod && present.collation == collation)
		return false;
	bridge::enter([&] { *work.text = ImportedSchema::type_definition(column, options); });
	alter_table(work, local,
	            psprintf("ALTER COLUMN %s TYPE %s", quote_identifier(name), bridge::server_text(work.text->c_str())));
	return true;
}

void
change_column(const Work &work, LocalTable &local, AttrNumber number, const Column &present,
              const ImportedColumn &column)
{
	const char *const name = get_attname(local.oid, number, false);
	bool changed = change_type(work, local, present, column, name);
	if (present.not_null != column.not_null) {
		alter_table(work, local,
		            psprintf("ALTER COLUMN %s %s NOT NULL", quote_identifier(name), column.not_null ? "SET" : "DROP"));
		changed = true;
	}
	if (change_options(work, local, number, column, name) || changed)
		report(work, Change::column_changed, local.name, name);
}

/* The number of the table's column with that remote name; -1: none. */
int
find_column(const Table &local, const char *remote)
{
	for (int i = 0; i < local.width; ++i)
		if (!local.columns[i].dropped && strcmp(local.columns[i].name, remote) == 0)
			return i;
	return -1;
}

/*
 * Tables of an older import do not have the encoding, which is no change of the remote schema. What cannot be written
 * to has two options that say so; one alone, or another value, is somebody's own choice.
 */
void
change_table_options(const Work &work, LocalTable &local, const ImportedTable &remote)
{
	List *const present = GetForeignTable(local.oid)->options;
	const char *updatable = option_value(present, "updatable"), *truncatable = option_value(present, "truncatable");
	bool const frozen = same_text(updatable, "false") && same_text(truncatable, "false");
	bool const changed = remote.read_only ? updatable == nullptr && truncatable == nullptr : frozen;
	if (changed)
		updatable = truncatable = remote.read_only ? "false" : nullptr;
	const std::string &encoding = work.schema->encoding;
	WantedOption const wanted[] = {{"encoding", encoding.empty() ? nullptr : bridge::server_text(encoding.c_str())},
	                               {"updatable", updatable},
	                               {"truncatable", truncatable}};
	StringInfoData action;
	initStringInfo(&action);
	appendStringInfoString(&action, "OPTIONS (");
	if (!print_options(&action, present, wanted, lengthof(wanted)))
		return;
	appendStringInfoChar(&action, ')');
	alter_table(work, local, action.data);
	if (changed)
		report(work, Change::table_changed, local.name);
}

/* False when it was made anew. */
bool
change_table(const Work &work, LocalTable &local, const ImportedTable &remote)
{
	Relation const relation = table_open(local.oid, AccessShareLock);
	const Table *const table = load_table(local.oid);
	table_close(relation, NoLock); /* an open relation could not be altered */
	auto *const kept = static_cast<bool *>(palloc0(sizeof(bool) * static_cast<Size>(Max(table->width, 1))));
	auto *const places = static_cast<int *>(palloc(sizeof(int) * Max(remote.columns.size(), 1)));
	int added = 0;
	for (size_t i = 0; i < remote.columns.size(); ++i) {
		places[i] = find_column(*table, bridge::server_text(remote.columns[i].name.c_str()));
		if (places[i] >= 0)
			kept[places[i]] = true;
		else
			++added;
	}
	if (table->width + added > MaxHeapAttributeNumber) { /* dropped columns keep their numbers */
		reserve_table_locks(2, work.alone);
		drop_table(work, local);
		create_table(work, remote);
		return false;
	}
	change_table_options(work, local, remote);
	for (int i = 0; i < table->width; ++i)
		if (!table->columns[i].dropped && !kept[i]) {
			const char *const name = get_attname(local.oid, static_cast<AttrNumber>(i + 1), false);
			alter_table(work, local, psprintf("DROP COLUMN %s", quote_identifier(name)));
			report(work, Change::column_dropped, local.name, name);
		}
	for (size_t i = 0; i < remote.columns.size(); ++i)
		if (places[i] < 0)
			add_column(work, local, remote.columns[i]);
		else
			change_column(work, local, static_cast<AttrNumber>(places[i] + 1), table->columns[places[i]],
			              remote.columns[i]);
	UnlockRelationOid(local.oid, AccessShareLock); /* an ALTER has a lock of its own */
	return true;
}

/* Each name of the request is the name of a table. */
void
check_complete(const ImportRequest &request, const ImportedSchema &schema)
{
	if (request.which != ImportRequest::Which::listed)
		return;
	const std::string *missing = nullptr;
	bridge::enter([&] { missing = missing_name(request, schema); });
	if (missing != nullptr)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
		                errmsg("table \"%s\" does not exist in schema \"%s\" of the client database",
		                       bridge::server_text(missing->c_str()), bridge::server_text(request.schema.c_str()))));
}

} // namespace

void
execute(const char *statement)
{
	int const rc = SPI_execute(statement, false, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement, SPI_result_code_string(rc));
}

int32
synchronise(const Attachment &attachment, const connection::Config &config, bool first, Changes *changes)
{
	Work work{};
	work.attachment = &attachment;
	work.changes = changes;
	work.schema = read_remote(config, attachment.request);
	work.text = bridge::owned<std::string>(CurrentMemoryContext);
	const ImportedSchema &schema = *work.schema;
	if (first)
		check_complete(*attachment.request, schema);

	spi::Scope const scope = spi::open();
	load_locals(work);
	auto **const matches = static_cast<LocalTable **>(palloc(sizeof(LocalTable *) * Max(schema.tables.size(), 1)));
	int kept = 0;
	for (size_t i = 0; i < schema.tables.size(); ++i) {
		matches[i] = find_local(work, bridge::server_text(schema.tables[i].name.c_str()));
		if (matches[i] != nullptr) {
			matches[i]->matched = true;
			++kept;
		}
	}
	int const made = static_cast<int>(schema.tables.size()) - kept;
	work.alone = made == 0 && has_reserved_none();
	reserve_table_locks(work.count - kept + made, work.alone);
	check_tables(config.user, work.count - kept, made);
	for (int i = 0; i < work.count; ++i)
		if (!work.locals[i].matched)
			drop_table(work, work.locals[i]);
	for (size_t i = 0; i < schema.tables.size(); ++i) {
		CHECK_FOR_INTERRUPTS();
		if (matches[i] == nullptr) {
			create_table(work, schema.tables[i]);
			continue;
		}
		if (!change_table(work, *matches[i], schema.tables[i]) || !first)
			continue;
		grant_table(attachment, matches[i]->name);
		if (attachment.shared)
			withhold_statistics(work, *matches[i]);
	}
	spi::close(scope);
	return static_cast<int32>(schema.tables.size());
}

} // namespace tenancy::fdw
