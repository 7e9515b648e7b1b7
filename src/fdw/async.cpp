/*
 * async. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_async_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
