/*
 * explain. PG regime.
 */
#include "fdw/fdw.hpp"

namespace tenancy::fdw {

void
set_explain_callbacks(FdwRoutine *)
{}

} // namespace tenancy::fdw
