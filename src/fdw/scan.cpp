/*
 * scan. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_scan_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
