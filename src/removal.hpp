/*
 * What DROP EXTENSION leaves to do. PG regime.
 */
#pragma once

namespace tenancy {

/* Hook into DROP EXTENSION; see module.cpp. */
void watch_removal();

} // namespace tenancy
