/*
 * direct. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_direct_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
