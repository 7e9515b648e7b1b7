/*
 * The cached schema in the row of its connection. PG regime.
 */
#include "catalog/cache.hpp"

#include "bridge/datum.hpp"
#include "bridge/extension.hpp"
#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "bridge/spi.hpp"
#include "settings.hpp"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
}

namespace tenancy::catalog {

namespace {

namespace spi = bridge::spi;

spi::Statement read_statement = {"SELECT c.schema_json, c.schema_version,"
                                 " ($3 = 0 OR c.schema_detected_at > clock_timestamp() - make_interval(secs => $3))"
                                 " AND NOT EXISTS (SELECT FROM tenancy.schema_touches AS t"
                                 "   WHERE t.database_connection_id = c.id AND t.touched_at >= c.schema_detected_at),"
                                 " c.schema_detected_at"
                                 " FROM tenancy.database_connections AS c WHERE c.id = $1 AND c.version = $2",
                                 {UUIDOID, INT8OID, INT4OID}};

spi::Statement store_statement = {
	"WITH free AS MATERIALIZED (SELECT c.id FROM tenancy.database_connections AS c"
	" WHERE c.id = $1 AND c.version = $2 AND c.schema_version = $3"
	" AND (c.schema_detected_at > $5 AND c.schema_detected_at <= clock_timestamp()) IS NOT TRUE"
	" FOR NO KEY UPDATE SKIP LOCKED)"
	" UPDATE tenancy.database_connections AS c SET schema_version = $4, schema_detected_at = $5, schema_json = $6"
	" FROM free AS f WHERE c.id = f.id",
	{UUIDOID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, JSONBOID}};

} // namespace

Cached
read_cached(const connection::Config &config)
{
	MemoryContext const context = CurrentMemoryContext;
	Cached cached{};
	Datum const values[] = {bridge::uuid_datum(config.id), Int64GetDatum(config.version),
	                        Int32GetDatum(settings::schema_max_age)};
	spi::Scope const scope = spi::open();
	if (spi::run(read_statement, values) == 1) {
		bool is_null;
		Datum const document = spi::value(0, 1, &is_null);
		if (!is_null) {
			MemoryContext const spi_context = MemoryContextSwitchTo(context);
			cached.document = DatumGetJsonbPCopy(document);
			MemoryContextSwitchTo(spi_context);
		}
		cached.version = DatumGetInt64(spi::value(0, 2, &is_null));
		bool const fresh = DatumGetBool(spi::value(0, 3, &is_null));
		cached.fresh = cached.document != nullptr && !is_null && fresh;
		cached.detected_at = DatumGetTimestampTz(spi::value(0, 4, &is_null));
	}
	spi::close(scope);
	return cached;
}

bool
store(const connection::Config &config, int64 before, int64 version, TimestampTz detected_at, Jsonb *document)
{
	/* An older snapshot would meet the notes of the history worker in the row, and fail the transaction of the user. */
	if (XactReadOnly || RecoveryInProgress() || IsolationUsesXactSnapshot())
		return false;
	if (!bridge::try_turn(bridge::Turn::sealing, RowExclusiveLock))
		return false; /* a rotation of keys is going to change the row */
	Datum const values[] = {bridge::uuid_datum(config.id), Int64GetDatum(config.version),    Int64GetDatum(before),
	                        Int64GetDatum(version),        TimestampTzGetDatum(detected_at), JsonbPGetDatum(document)};
	spi::Scope const scope = spi::open();
	bool const stored = spi::run(store_statement, values) == 1;
	spi::close(scope);
	return stored;
}

const Schema *
parse(Jsonb *document)
{
	Schema *const schema = bridge::owned<Schema>(CurrentMemoryContext);
	char *const text = JsonbToCString(nullptr, &document->root, static_cast<int>(VARSIZE(document)));
	std::string_view const utf8 = bridge::utf8(text);
	bridge::enter([&] { *schema = parse_schema(utf8); });
	pfree(text);
	return schema;
}

} // namespace tenancy::catalog
