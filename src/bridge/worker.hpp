/*
 * What the main loop of a background worker needs: transactions and interrupts whose errors do not end it. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "postmaster/bgworker.h"
}

namespace tenancy::bridge {

/*
 * Reload on SIGHUP, and end on SIGTERM as soon as the loop sees ShutdownRequestPending. What is being done then is
 * cancelled, as otherwise a commit would wait for a standby that does not come for as long as it does not.
 */
void handle_signals();

/* Fill in a worker of this library that connects to databases. restart is in seconds, or BGW_NEVER_RESTART. */
void describe_worker(BackgroundWorker &worker, const char *name, const char *function, int restart);

/*
 * Keep the process's share of the processors, but in slices of that length: whoever wakes up for something short need
 * not wait for the end of one (Linux 6.12). Where the kernel knows no such slices, nothing changes.
 */
void let_others_go_first(uint32 slice_ms);

/* Nothing of the database's or a role's settings may change what a worker writes, or stop it. */
void pin_settings();

/*
 * Run fn(arg) in a transaction of its own, connected to SPI and with a snapshot, and in a database with the extension
 * held: see hold_extension(). False when it raised: the transaction is aborted and *error is a copy in the caller's
 * memory context, which must outlive transactions.
 */
bool run_in_transaction(void (*fn)(void *), void *arg, ErrorData **error);

/* The same without a transaction, for what must hold no lock. */
bool run_alone(void (*fn)(void *), void *arg, ErrorData **error);

/* Has this database (still) got the extension? When that cannot be found out, yes. */
bool extension_exists(const char *who);

/* Log an error that a worker outlives, the same one once a minute at most; what is a literal. */
void complain(const char *who, const char *what, const ErrorData *error);

/* Log outside of transactions: a message serves interrupts, and there is nothing that a cancel could cancel. */
template <typename Message>
void
say(Message message)
{
	HOLD_INTERRUPTS();
	message();
	RESUME_INTERRUPTS();
}

/*
 * CHECK_FOR_INTERRUPTS and reloads of settings, outside a transaction; a cancel there has nothing to cancel and is
 * dropped.
 */
void serve_interrupts();

/* Sleep until the latch is set, serving interrupts and reloads; false when the time (in ms) is over. */
bool rest(long timeout);

} // namespace tenancy::bridge
