/*
 * The extension's own entry in the catalog: whether it is (still) there, and a lock that keeps it. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

extern "C" {
#include "storage/lockdefs.h"
}

namespace tenancy::bridge {

/* InvalidOid when this database has no pg_tenancy. A schema or table of our names is then anybody's. */
Oid extension();

/* The same question, for each transaction: it costs next to nothing while no table changes. */
bool has_extension();

/*
 * Work that transactions must not do beside each other. A turn is a lock that no other statement takes. One of a table
 * would be anybody's: PREPARE of a statement that its user may not even execute locks. So would be one of the
 * extension's catalog entry, with ALTER FUNCTION … DEPENDS ON EXTENSION.
 */
enum class Turn : uint16 {
	removal = 1, /* who needs the extension shares it (AccessShareLock), who drops or updates it has it alone */
	sums,        /* who changes sums of dashboards has it alone */
	pruning,     /* who deletes old history, or counts on none being deleted, has it alone */
	sealing      /* changes of connections, or of is_active, share it (RowExclusiveLock), a rotation has it alone */
};

/* Raises 25006 on a standby, which gives no lock that others would have to wait for. */
void require_primary();

/* Wait for it, and have it until the transaction ends. */
void take_turn(Turn turn, LOCKMODE mode);

/* The same, or false at once when others are in the way. */
bool try_turn(Turn turn, LOCKMODE mode);

/*
 * Keep the extension until the transaction ends; raises 42704 when it is not there (any more). Background processes
 * call this: their rights must not be used on somebody else's tables that have our names. They call it before they lock
 * any table: DROP EXTENSION locks the tables in an order of its own, so they have to wait for it rather than block it.
 */
void hold_extension();

/* The other side: until the transaction ends nobody holds it. For who owns it, and is going to drop or update it. */
void claim_extension();

} // namespace tenancy::bridge
