/*
 * DROP EXTENSION and ALTER EXTENSION UPDATE: keep workers out, and drop the schema that the first leaves. PG regime.
 */
#pragma once

namespace tenancy {

/* Hook into these commands, when the library is loaded. */
void watch_removal();

} // namespace tenancy
