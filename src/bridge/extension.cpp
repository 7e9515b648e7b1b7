/*
 * See extension.hpp. PG regime.
 */
#include "bridge/extension.hpp"

extern "C" {
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
}

namespace tenancy::bridge {

Oid
extension()
{
	return get_extension_oid("pg_tenancy", true);
}

void
hold_extension()
{
	if (Oid const found = extension(); OidIsValid(found))
		LockDatabaseObject(ExtensionRelationId, found, 0, AccessShareLock);
}

} // namespace tenancy::bridge
