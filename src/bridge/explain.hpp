/*
 * What EXPLAIN needs, from where each version of PostgreSQL has it. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
}
