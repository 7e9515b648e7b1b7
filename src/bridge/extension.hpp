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
 * Keep the extension until the transaction ends, when there is one. DROP EXTENSION locks it before it locks its tables,
 * in an order of its own; who takes this lock before any of the tables waits for the drop instead of blocking it.
 */
void hold_extension();

} // namespace tenancy::bridge
