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
 * Keep the extension until the transaction ends, when there is one: who takes this lock before any of its tables waits
 * for a drop instead of blocking it, as DROP EXTENSION locks the tables in an order of its own. It is a lock that no other
 * statement takes: that of the extension's catalog entry is anybody's who says ALTER FUNCTION … DEPENDS ON EXTENSION.
 */
void hold_extension();

/* For a process that works by itself, after hold_extension(): 42704 when there is none, or none any more. Tables of our
 * names are then anybody's, and so would be what they do with our rights. */
void require_extension();

/* The other side: until the transaction ends nobody holds it. For who owns it, and is going to drop or update it. */
void claim_extension();

/*
 * Work that transactions must not do beside each other. A turn is a lock of the same kind, and not one of a table, as
 * anybody may lock a table against strong locks: PREPARE of a statement that its user may not even execute does.
 */
enum class Turn : uint16 {
	sums = 2, /* who changes sums of dashboards has it alone */
	pruning,  /* who deletes old history, or counts on none being deleted, has it alone */
	sealing   /* who changes connections shares it (RowExclusiveLock), who seals all of them anew has it alone */
};

/* Wait for it, and have it until the transaction ends. */
void take_turn(Turn turn, LOCKMODE mode);

/* The same, or false at once when others are in the way. */
bool try_turn(Turn turn, LOCKMODE mode);

} // namespace tenancy::bridge
