/*
 * Counting what a user has, so that together no transactions get past a limit. PG regime.
 */
#include "identity/identity.hpp"

#include "bridge/extension.hpp"

extern "C" {
#include "common/hashfn.h"
#include "storage/lmgr.h"
}

namespace tenancy::identity {

/*
 * The lock is one that no SQL can take: an advisory one could be taken by anybody, and one of the row would hold up
 * logins. Users whose ids have one hash wait for each other.
 */
int64
count_alone(const core::Uuid &user, Quota quota, bridge::spi::Statement &statement, const Datum *values)
{
	bridge::require_primary();
	LockDatabaseObject(bridge::extension(), hash_bytes(user.bytes.data(), sizeof user.bytes),
	                   static_cast<uint16>(quota), ExclusiveLock);
	CommandCounterIncrement();
	(void) bridge::spi::read_latest(statement, values);
	bool is_null;
	return DatumGetInt64(bridge::spi::value(0, 1, &is_null));
}

} // namespace tenancy::identity
