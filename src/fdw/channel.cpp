/*
 * See channel.hpp. PG regime.
 */
#include "fdw/channel.hpp"

namespace tenancy::fdw {

void
initialize_channels()
{}

} // namespace tenancy::fdw
