/*
 * What both kinds of worker beside history share: their start, and their transactions. PG regime.
 */
#pragma once

#include "health/crew.hpp"

namespace tenancy::health {

/* Enter the crew and the database, or end the process. */
Post begin(Datum argument, const char *name);

/* Run step in a transaction; false, with a line in the log, when it raised. What it allocates goes at the end. */
bool transact(void (*step)(void *), void *arg, const char *what);

/* Is there still something to work for? */
bool extension_exists();

/* A log line for an error that the worker goes on after. */
void complain(const ErrorData *error, const char *what);

} // namespace tenancy::health
