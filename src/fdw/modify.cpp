/*
 * modify. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_modify_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
