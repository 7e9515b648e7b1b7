/*
 * How much one user may have attached. PG regime.
 */
#include "fdw/attach.hpp"

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"
#include "identity/identity.hpp"
#include "settings.hpp"

extern "C" {
#include "access/twophase.h"
#include "storage/lock.h"
#include "storage/proc.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

/* What is attached to the schema already may be attached to it again. */
spi::Statement count_attachments = {
	"SELECT count(*) FROM tenancy.attachments WHERE user_id = $1"
	" AND NOT EXISTS (SELECT FROM tenancy.attachments AS a WHERE a.user_id = $1 AND a.schema_name = $2)",
	{UUIDOID, NAMEOID}};

spi::Statement count_tables = {
	"SELECT count(*) FROM tenancy.attachments AS a JOIN pg_foreign_server AS s ON s.srvname = a.server_name"
	" JOIN pg_foreign_table AS t ON t.ftserver = s.oid WHERE a.user_id = $1",
	{UUIDOID}};

int64
count(const core::Uuid &user, spi::Statement &statement, const Datum *values)
{
	return identity::count_alone(user, identity::Quota::attachments, statement, values);
}

/* The tables of one transaction may take a quarter of the server's room for locks. */
constexpr int part_of_locks = 4;

int64
most_locked()
{
	return static_cast<int64>(max_locks_per_xact) * (MaxBackends + max_prepared_xacts) / part_of_locks;
}

/* How many tables this transaction has been let lock. */
int64 &
reserved_here()
{
	static LocalTransactionId transaction = InvalidLocalTransactionId;
	static int64 reserved = 0;
	if (transaction != compat::local_xid(MyProc))
		reserved = 0;
	transaction = compat::local_xid(MyProc);
	return reserved;
}

} // namespace

bool
has_reserved_none()
{
	return reserved_here() == 0;
}

void
reserve_table_locks(int64 count, bool alone)
{
	int64 &reserved = reserved_here();
	if (!alone && reserved + count > most_locked())
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many tables for one transaction"),
		                errdetail("It would lock " INT64_FORMAT " tables, and may lock " INT64_FORMAT ".",
		                          reserved + count, most_locked()),
		                errhint("Name the tables that are wanted, use several transactions, or have "
		                        "\"max_locks_per_transaction\" raised.")));
	reserved += count;
}

void
check_attachments(const core::Uuid &user, const char *schema)
{
	int const most = settings::max_attachments_per_user;
	if (most == 0)
		return;
	Datum const values[] = {bridge::uuid_datum(user), bridge::name_datum(schema)};
	if (count(user, count_attachments, values) >= most)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many schemas are attached"),
		                errdetail("A user has at most %d.", most), errhint("Remove one with tenancy.detach().")));
}

void
check_tables(const core::Uuid &user, int dropped, int made)
{
	int const most = settings::max_attached_tables_per_user;
	if (most == 0 || made == 0)
		return;
	Datum const values[] = {bridge::uuid_datum(user)};
	int64 const all = count(user, count_tables, values) - dropped + made;
	if (all > most)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many tables are attached"),
		                errdetail("There would be " INT64_FORMAT ", and a user has at most %d.", all, most),
		                errhint("Name the tables that are wanted, or remove a schema with tenancy.detach().")));
}

} // namespace tenancy::fdw
