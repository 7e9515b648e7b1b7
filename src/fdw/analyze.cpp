/*
 * analyze. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_analyze_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
