/*
 * Settings of PostgreSQL that our own code changes for a while. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/* Set it until the innermost NewGUCNestLevel() is undone, or the function's own SET clause. */
inline void
set_for_now(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Set it until the transaction ends. */
inline void
set_locally(const char *name, const char *value, GucContext context = PGC_SUSET)
{
	(void) set_config_option(name, value, context, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

} // namespace tenancy::bridge
