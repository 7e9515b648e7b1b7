/*
 * planner. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_planner_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
