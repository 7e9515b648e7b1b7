/*
 * See extension.hpp. PG regime.
 */
#include "bridge/extension.hpp"

extern "C" {
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
}

namespace tenancy::bridge {

namespace {

/* The part of the extension that is locked: a column's number in locks of PostgreSQL's own. */
constexpr uint16 holding = 1;

/* Its tables go with it, and each of them is an invalidation. */
bool known = false;

void
forget(Datum, Oid)
{
	known = false;
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
	if (!known)
		known = OidIsValid(extension());
	return known;
}

void
hold_extension()
{
	if (!OidIsValid(MyDatabaseId))
		return; /* who only lists databases is in none */
	if (Oid const found = extension(); OidIsValid(found))
		LockDatabaseObject(ExtensionRelationId, found, holding, AccessShareLock);
}

void
claim_extension()
{
	if (Oid const found = extension(); OidIsValid(found) && compat::owns(ExtensionRelationId, found))
		LockDatabaseObject(ExtensionRelationId, found, holding, AccessExclusiveLock);
}

} // namespace tenancy::bridge
