/*
 * How an SQL-callable C function is declared: exported although everything else is hidden. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

/* SQL function f of schema tenancy is the C symbol tenancy_f. */
#define TENANCY_FUNCTION(name)                                                                                         \
	extern "C" {                                                                                                       \
	PGDLLEXPORT Datum tenancy_##name(PG_FUNCTION_ARGS);                                                                \
	PG_FUNCTION_INFO_V1(tenancy_##name);                                                                               \
	}                                                                                                                  \
	Datum tenancy_##name([[maybe_unused]] PG_FUNCTION_ARGS)
