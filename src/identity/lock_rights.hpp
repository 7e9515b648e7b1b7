/*
 * Who may take strong locks, and so make others wait for a table, a schema or a database. PG regime.
 */
#pragma once

extern "C" {
#include "nodes/parsenodes.h"
}

namespace tenancy::identity {

/* Set the hook; once, while the server starts. */
void guard_locks();

/* Throw 42501 for what PostgreSQL would only warn of. */
void check_grant(const GrantStmt *statement);
void check_drop_owned(const DropOwnedStmt *statement);

} // namespace tenancy::identity
