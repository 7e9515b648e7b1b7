/*
 * How much one user may have attached. PG regime.
 */
#include "fdw/attach.hpp"

#include "bridge/datum.hpp"
#include "bridge/extension.hpp"
#include "bridge/spi.hpp"
#include "settings.hpp"

extern "C" {
#include "common/hashfn.h"
#include "storage/lmgr.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

/* What is attached to the schema already may be attached to it again. */
spi::Statement count_attachments = {
	"SELECT count(*) FROM tenancy.attachments WHERE user_id = $1"
	" AND NOT EXISTS (SELECT FROM tenancy.attachments AS a WHERE a.user_id = $1 AND a.schema_name = $2)",
	2,
	{UUIDOID, NAMEOID},
	nullptr};

spi::Statement count_tables = {
	"SELECT count(*) FROM tenancy.attachments AS a JOIN pg_foreign_server AS s ON s.srvname = a.server_name"
	" JOIN pg_foreign_table AS t ON t.ftserver = s.oid WHERE a.user_id = $1",
	1,
	{UUIDOID},
	nullptr};

/* A lock that no SQL can take; the one of connection::create_connection() has 0 in the place of 1. */
void
wait_for_others(const core::Uuid &user)
{
	LockDatabaseObject(bridge::extension(), hash_bytes(user.bytes.data(), sizeof user.bytes), 1, ExclusiveLock);
}

/* With what others have committed while this transaction waited, though its own snapshot may be older. */
int64
count_now(spi::Statement &statement, const Datum *values)
{
	(void) spi::run_latest(statement, values);
	bool is_null;
	return DatumGetInt64(spi::value(0, 1, &is_null));
}

} // namespace

void
check_attachments(const core::Uuid &user, const char *schema)
{
	int const most = settings::max_attachments_per_user;
	if (most == 0)
		return;
	wait_for_others(user);
	Datum const values[] = {bridge::uuid_datum(user), DirectFunctionCall1(namein, CStringGetDatum(schema))};
	if (count_now(count_attachments, values) >= most)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many schemas are attached"),
		                errdetail("A user has at most %d.", most), errhint("Remove one with tenancy.detach().")));
}

void
check_tables(const core::Uuid &user, int dropped, int made)
{
	int const most = settings::max_attached_tables_per_user;
	if (most == 0 || made == 0)
		return;
	wait_for_others(user);
	Datum const values[] = {bridge::uuid_datum(user)};
	int64 const all = count_now(count_tables, values) - dropped + made;
	if (all > most)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many tables are attached"),
		                errdetail("There would be " INT64_FORMAT ", and a user has at most %d.", all, most),
		                errhint("Name the tables that are wanted, or remove a schema with tenancy.detach().")));
}

} // namespace tenancy::fdw
