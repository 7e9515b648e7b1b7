/*
 * tenant_fdw: what the rest of the extension and the files of this folder call. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "foreign/fdwapi.h"
}

namespace tenancy::fdw {

/* Transaction callbacks; see module.cpp. */
void initialize();

/* Each file fills in the callbacks that it implements. */
void set_planner_callbacks(FdwRoutine *routine);
void set_scan_callbacks(FdwRoutine *routine);
void set_async_callbacks(FdwRoutine *routine);
void set_modify_callbacks(FdwRoutine *routine);
void set_direct_callbacks(FdwRoutine *routine);
void set_explain_callbacks(FdwRoutine *routine);
void set_analyze_callbacks(FdwRoutine *routine);
void set_import_callbacks(FdwRoutine *routine);

} // namespace tenancy::fdw
