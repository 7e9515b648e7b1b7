/*
 * What the main loop of a background worker needs: transactions and interrupts whose errors do not end it. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/*
 * Run fn(arg) in a transaction of its own, connected to SPI and with a snapshot. False when it raised: the transaction
 * is aborted and *error is a copy in the caller's memory context, which must outlive transactions.
 */
bool run_in_transaction(void (*fn)(void *), void *arg, ErrorData **error);

/* CHECK_FOR_INTERRUPTS outside a transaction; a cancel there has nothing to cancel and is dropped. */
void serve_interrupts();

} // namespace tenancy::bridge
