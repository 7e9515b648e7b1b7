/*
 * Running statements on client databases for SQL functions. PG regime.
 */
#pragma once

namespace tenancy::query {

/* Hooks; see module.cpp. */
void initialize();

/* Register the scan that cursors of open_query run on. */
void initialize_cursors();

} // namespace tenancy::query
