/*
 * What EXPLAIN ANALYZE may tell a tenant. PG regime.
 */
#pragma once

namespace tenancy::identity {

/* Set the hooks; once, while the server starts. */
void guard_explain();

} // namespace tenancy::identity
