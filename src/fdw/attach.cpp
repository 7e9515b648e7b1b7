/*
 * tenancy.attach, detach and refresh_attached. PG regime.
 *
 * A tenant needs no right to create schemas. Who asks and for what is judged with the caller's own rights first;
 * then the extension does it.
 */
#include "fdw/attach.hpp"

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "bridge/param.hpp"
#include "bridge/setting.hpp"
#include "bridge/spi.hpp"
#include "fdw/option.hpp"
#include "history/history.hpp"
#include "identity/identity.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/jsonb.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

spi::Statement find_attachment = {
	"SELECT a.connection_id, a.server_name::text, a.remote_schema, a.tables, a.options, a.user_id, c.name"
	" FROM tenancy.attachments AS a JOIN tenancy.database_connections AS c ON c.id = a.connection_id"
	" WHERE a.schema_name = $1 FOR UPDATE OF a",
	{NAMEOID}};

/* Of two calls at the same time the second waits here, and then finds the row of the first. */
spi::Statement put_attachment = {
	"INSERT INTO tenancy.attachments (schema_name, connection_id, server_name, user_id, remote_schema, tables, options)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (schema_name) DO UPDATE SET remote_schema = "
	"EXCLUDED.remote_schema,"
	" tables = EXCLUDED.tables, options = EXCLUDED.options, refreshed_at = now()"
	" WHERE attachments.connection_id = EXCLUDED.connection_id",
	{NAMEOID, UUIDOID, NAMEOID, UUIDOID, TEXTOID, TEXTARRAYOID, JSONBOID}};

spi::Statement touch_attachment = {"UPDATE tenancy.attachments SET refreshed_at = now() WHERE schema_name = $1",
                                   {NAMEOID}};
spi::Statement forget_attachment = {"DELETE FROM tenancy.attachments WHERE schema_name = $1", {NAMEOID}};

spi::Statement tables_of_server = {
	"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_foreign_table AS f JOIN pg_class AS c ON c.oid = f.ftrelid"
	" JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_foreign_server AS s ON s.oid = f.ftserver"
	" WHERE s.srvname = $1 AND n.nspname = $2 ORDER BY 1",
	{NAMEOID, NAMEOID}};

/* A row of tenancy.attachments with the name of its connection, in the caller's memory. */
struct Stored {
	core::Uuid connection, user;
	char *connection_name, *server, *remote_schema;
	ArrayType *tables;
	Jsonb *options;
};

bool
find_stored(const char *schema, Stored *stored)
{
	MemoryContext const context = CurrentMemoryContext;
	Datum const values[] = {bridge::name_datum(schema)};
	spi::Scope const scope = spi::open();
	bool const found = spi::run(find_attachment, values) == 1;
	if (found) {
		MemoryContext const spi_context = MemoryContextSwitchTo(context);
		bool is_null;
		stored->connection = bridge::uuid_value(spi::value(0, 1, &is_null));
		stored->server = spi::text(0, 2);
		stored->remote_schema = spi::text(0, 3);
		Datum const tables = spi::value(0, 4, &is_null);
		stored->tables = is_null ? nullptr : DatumGetArrayTypePCopy(tables);
		Datum const options = spi::value(0, 5, &is_null);
		stored->options = is_null ? nullptr : DatumGetJsonbPCopy(options);
		stored->user = bridge::uuid_value(spi::value(0, 6, &is_null));
		stored->connection_name = spi::text(0, 7);
		MemoryContextSwitchTo(spi_context);
	}
	spi::close(scope);
	return found;
}

/* The attachment of that schema, when it is the caller's and of the connection that selector names, deleted or not. */
Stored
require_stored(const connection::Selector &selector, const char *schema)
{
	Stored stored{};
	bool const admin = identity::is_admin();
	core::Uuid const user = admin ? core::Uuid{} : identity::require_user();
	if (find_stored(schema, &stored) && (admin || stored.user == user) &&
	    (selector.is_id ? selector.id == stored.connection : strcmp(selector.text, stored.connection_name) == 0))
		return stored;
	(void) history::require_connection(selector, history::Source::fdw);
	ereport(ERROR, (errcode(ERRCODE_INVALID_SCHEMA_NAME),
	                errmsg("schema \"%s\" is not attached to connection \"%s\"", schema, selector.text),
	                errhint("tenancy.attached() lists what is attached.")));
}

char *
schema_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("schema must not be null")));
	return pstrdup(NameStr(*PG_GETARG_NAME(1)));
}

[[noreturn]] void
refuse_schema(const char *schema)
{
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_SCHEMA), errmsg("schema \"%s\" already exists", schema),
	                errhint("Attach to a schema that does not exist yet.")));
}

struct Arguments {
	char *schema, *remote_schema;
	ArrayType *tables;
	Jsonb *options;
};

/* Limits the sizes of arguments, which tenancy.attachments keeps as they came. */
void
limit_sizes(const Arguments &arguments)
{
	constexpr Size most_tables = 4 << 20, most_name = 1024;
	bridge::limit_size(arguments.options, connection::most_option_bytes, "options");
	bridge::limit_size(arguments.tables, most_tables, "names of tables");
	if (strlen(arguments.remote_schema) > most_name)
		ereport(ERROR, (errcode(ERRCODE_NAME_TOO_LONG), errmsg("name of the remote schema is too long"),
		                errdetail("It may have %zu bytes.", most_name)));
}

/*
 * A name that somebody writes down in a transaction that they leave open is waited for, but not without end. The
 * caller's own limit stays when it is shorter. Until the SPI scope ends.
 */
void
bound_lock_waits()
{
	constexpr int longest = 10'000;
	if (LockTimeout == 0 || LockTimeout > longest)
		bridge::set_for_now("lock_timeout", psprintf("%d", longest));
}

/* Write down the attachment; its schema and server are there afterwards. */
void
put_down(const connection::Config &config, const Arguments &arguments, const Attachment &attachment,
         WantedOption *options, int count)
{
	const char *const id = bridge::uuid_text(config.id);
	Datum const values[] = {bridge::name_datum(attachment.schema),
	                        bridge::uuid_datum(config.id),
	                        bridge::name_datum(attachment.server),
	                        bridge::uuid_datum(config.user),
	                        CStringGetTextDatum(arguments.remote_schema),
	                        PointerGetDatum(arguments.tables),
	                        PointerGetDatum(arguments.options)};
	char const nulls[] = {
		' ', ' ', ' ', ' ', ' ', arguments.tables == nullptr ? 'n' : ' ', arguments.options == nullptr ? 'n' : ' '};
	Stored stored{};
	spi::Scope const scope = spi::open();
	check_attachments(config.user, attachment.schema);
	bound_lock_waits();
	bool const known = find_stored(attachment.schema, &stored) && stored.connection == config.id;
	bool const there = OidIsValid(get_namespace_oid(attachment.schema, true));
	if (there && !(known && is_own_schema(attachment.schema)))
		refuse_schema(attachment.schema);
	if (!there)
		require_free_name(attachment.schema);
	if (spi::run(put_attachment, values, nulls) == 0)
		refuse_schema(attachment.schema);
	if (!there)
		execute(psprintf("CREATE SCHEMA %s", quote_identifier(attachment.schema)));
	make_server(attachment.server, id, options, count);
	grant_schema(attachment);
	spi::close(scope);
}

/* Rows of refresh_attached(). */
struct Rows {
	Changes changes;
	ReturnSetInfo *result;
};

void
put_row(Changes *changes, Change change, const char *table, const char *column)
{
	constexpr const char *words[] = {"table added",  "table dropped",  "table changed",
	                                 "column added", "column dropped", "column changed"};
	ReturnSetInfo *const result = reinterpret_cast<Rows *>(changes)->result;
	NullableDatum const last = bridge::nullable_text(column);
	Datum values[] = {CStringGetTextDatum(words[static_cast<int>(change)]), CStringGetTextDatum(table), last.value};
	bool nulls[] = {false, false, last.isnull};
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

} // namespace

TENANCY_FUNCTION(attach)
{
	connection::Config const config =
		history::require_connection(connection::selector_argument(fcinfo, 0), history::Source::fdw);
	Arguments arguments{};
	arguments.schema = schema_argument(fcinfo);
	check_schema_name(arguments.schema);
	arguments.remote_schema = bridge::text_argument(fcinfo, 2);
	arguments.tables = PG_ARGISNULL(3) ? nullptr : PG_GETARG_ARRAYTYPE_P(3);
	arguments.options = PG_ARGISNULL(4) ? nullptr : PG_GETARG_JSONB_P(4);
	if (arguments.remote_schema == nullptr)
		arguments.remote_schema = default_remote_schema(config);
	limit_sizes(arguments);

	Attachment attachment{};
	attachment.schema = arguments.schema;
	attachment.server = server_name(config.id, arguments.schema);
	attachment.request = request_for(arguments.remote_schema, arguments.tables);
	int count;
	WantedOption *const options = split_options(arguments.options, Age::fresh, &attachment.request->options, &count);
	choose_grantees(&attachment, config.user, true);
	put_down(config, arguments, attachment, options, count);
	PG_RETURN_INT32(synchronise(attachment, config, true, nullptr));
}

TENANCY_FUNCTION(refresh_attached)
{
	connection::Selector const selector = connection::selector_argument(fcinfo, 0);
	char *const schema = schema_argument(fcinfo);
	Stored const stored = require_stored(selector, schema);
	/* Look the connection up by its id: a deleted one may have left its name to another. */
	connection::Config const config =
		history::require_connection({selector.text, true, stored.connection}, history::Source::fdw);
	InitMaterializedSRF(fcinfo, 0);
	Rows rows{};
	rows.changes.report = put_row;
	rows.result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);

	Attachment attachment{};
	attachment.schema = schema;
	attachment.server = stored.server;
	attachment.request = request_for(stored.remote_schema, stored.tables);
	spi::Scope const judged = spi::open();
	require_own_server(stored.server);
	if (OidIsValid(get_namespace_oid(schema, true)) && !is_own_schema(schema))
		refuse_schema(schema);
	spi::close(judged);
	int count;
	(void) split_options(stored.options, Age::kept, &attachment.request->options, &count);
	choose_grantees(&attachment, config.user, false);
	(void) synchronise(attachment, config, false, &rows.changes);

	Datum const values[] = {bridge::name_datum(schema)};
	spi::Scope const scope = spi::open();
	(void) spi::run(touch_attachment, values);
	spi::close(scope);
	return static_cast<Datum>(0);
}

/*
 * Raises an error, and drops nothing, when something else is in the schema or uses its tables. A schema or server that
 * somebody else made in the place of ours stays, too.
 */
TENANCY_FUNCTION(detach)
{
	connection::Selector const selector = connection::selector_argument(fcinfo, 0);
	char *const schema = schema_argument(fcinfo);
	Stored const stored = require_stored(selector, schema);
	Datum const values[] = {bridge::name_datum(stored.server), bridge::name_datum(schema)};
	StringInfoData tables;
	initStringInfo(&tables);

	spi::Scope const scope = spi::open();
	uint64 const rows = spi::run(tables_of_server, values);
	reserve_table_locks(static_cast<int64>(rows), has_reserved_none());
	for (uint64 i = 0; i < rows; ++i)
		appendStringInfo(&tables, "%s%s", i > 0 ? ", " : "", spi::text(i, 1));
	if (rows > 0)
		execute(psprintf("DROP FOREIGN TABLE %s", tables.data));
	if (is_own_server(stored.server))
		execute(psprintf("DROP SERVER %s", quote_identifier(stored.server)));
	if (is_own_schema(schema))
		execute(psprintf("DROP SCHEMA %s", quote_identifier(schema)));
	(void) spi::run(forget_attachment, &values[1]);
	spi::close(scope);
	PG_RETURN_VOID();
}

} // namespace tenancy::fdw
