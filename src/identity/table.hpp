/*
 * Who may make others wait for a table. PG regime.
 */
#pragma once

namespace tenancy::identity {

/* Set the hook; once, while the server starts. */
void guard_tables();

} // namespace tenancy::identity
