/*
 * How the history worker runs what touches the database: in steps, each a transaction of its own. PG regime.
 */
#pragma once

#include "bridge/spi.hpp"

namespace tenancy::history {

/* The context of what a step allocates, its error too. */
extern MemoryContext batch_context;

/* False, with the error, when the step failed. Whoever calls it resets batch_context. */
bool transact(void (*step)(void *), void *arg, ErrorData **error);
/* The same for a step that leaves nothing to look at: what failed is logged, batch_context is reset. */
bool run_step(void (*step)(void *), void *arg, const char *what);
void complain(const ErrorData *error, const char *what);

/* spi::run() within a step, seen as the worker's activity. */
uint64 execute(bridge::spi::Statement &statement, const Datum *values);

/* Is there still something to write to? */
bool extension_exists();

} // namespace tenancy::history
