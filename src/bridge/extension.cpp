/*
 * See extension.hpp. PG regime.
 */
#include "bridge/extension.hpp"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
}

namespace tenancy::bridge {

namespace {

/*
 * The extension's OID, until a table changes: an extension goes with its tables, and each of them is an invalidation.
 */
Oid known = InvalidOid;

void
forget(Datum, Oid)
{
	known = InvalidOid;
}

} // namespace

Oid
extension()
{
	return get_extension_oid("pg_tenancy", true);
}

bool
has_extension()
{
	static bool watched = false;
	if (!watched) {
		CacheRegisterRelcacheCallback(forget, 0);
		watched = true;
	}
	/* A removal that has committed is known from here on: another schema of our name must not pass for ours. */
	AcceptInvalidationMessages();
	if (!OidIsValid(known))
		known = extension();
	return OidIsValid(known);
}

void
require_primary()
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("cannot change this on a standby server"),
		                errhint("Only the primary server can.")));
}

/* The part of the extension that a turn locks is a column's number in locks of PostgreSQL's own. */
void
take_turn(Turn turn, LOCKMODE mode)
{
	if (!has_extension())
		return;
	if (mode > RowExclusiveLock)
		require_primary();
	LockDatabaseObject(ExtensionRelationId, known, static_cast<uint16>(turn), mode);
}

bool
try_turn(Turn turn, LOCKMODE mode)
{
	if (!has_extension())
		return false;
	LOCKTAG tag;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, known, static_cast<uint16>(turn));
	return LockAcquire(&tag, mode, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
hold_extension()
{
	take_turn(Turn::removal, AccessShareLock);
	if (!has_extension())
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"pg_tenancy\" is gone")));
}

void
claim_extension()
{
	if (has_extension() && compat::owns(ExtensionRelationId, known))
		take_turn(Turn::removal, AccessExclusiveLock);
}

} // namespace tenancy::bridge
