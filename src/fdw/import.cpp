/*
 * import. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_import_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
