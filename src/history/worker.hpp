/*
 * Between history's parts: what backends ask of the worker, and what the worker's loop asks of its writer. PG regime.
 */
#pragma once

#include "history/queue.hpp"

namespace tenancy::history {

/* Of a batch. Each byte is copied and hashed on its way, and what a session waits for waits for the batch before it. */
constexpr int max_batch = 1000;
constexpr Size max_batch_size = 1024 * 1024;

/* How long a backend waits for a worker that makes no progress. */
constexpr int patience_ms = 10'000;

enum class Readiness { ready, no_worker, no_extension, no_place };

/* Have a worker for this database; waits for its start, at most patience_ms, serving interrupts. */
Readiness require_worker(int *slot);
/* Ask for a worker when none runs and none was asked for lately. False when no process can be had. */
bool launch_if_down(int slot);
/* Have a worker leave while a command needs its database for itself. */
void watch_databases();
/* Does such a command run? */
bool is_closed(const Slot &slot) noexcept;
/* See Companion. */
void tend_companion(Oid database);
void dismiss_companion(Oid database);
bool companion_makes_room();
/* Register the process that starts the workers of tenancy.databases. */
void register_launcher();

/* A record in a batch; an end that arrives while its start is being written waits for the next batch. */
struct Item {
	dsa_pointer pointer;
	bool finished;
	bool stripped; /* its texts cannot be stored */
};

struct Batch {
	Item *items;
	int count;
};

/* What came of runs that the trigger had left for later. */
struct Retried {
	int64 moved, waiting;
};

/* The steps of the worker, each to be run in its own transaction. Texts and arrays live in CurrentMemoryContext. */
void write_batch(void *batch);
void mark_lost(void *slot);
void retry_deferred(void *retried);
void look_for_extension(void *found);

/* Did the trigger leave finished runs for later since the last call? */
bool take_deferred() noexcept;

} // namespace tenancy::history
