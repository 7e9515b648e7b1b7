/*
 * Health of connections, and the chores that can wait, in worker processes beside history's. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::health {

/* Shared memory and the place beside history; see module.cpp. */
void initialize();
void request_shared_memory();
void start_shared_memory();

} // namespace tenancy::health
