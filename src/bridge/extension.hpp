/*
 * The extension's own entry in the catalog: whether it is (still) there, and a lock that keeps it. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

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

/* The other side: until the transaction ends nobody holds it. For who owns it, and is going to drop it. */
void claim_extension();

} // namespace tenancy::bridge
