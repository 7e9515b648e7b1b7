/*
 * Reporting runs to the history worker. PG regime.
 * start() before the remote server is contacted, finish() when it is over. Between them no lock is held.
 */
#pragma once

#include "bridge/enter.hpp"
#include "bridge/pg.hpp"
#include "core/uuid.hpp"

namespace tenancy::history {

/* Settings, hooks and shared memory; see module.cpp. */
void initialize();
void request_shared_memory();
void start_shared_memory();

enum class Source : uint8 { sql, ask, fdw, sample, catalog };
enum class Status : uint8 { running, success, error, timeout, cancelled, denied, lost };
const char *name_of(Status status);

/* What is known when a run starts. Strings are copied; NULL means SQL NULL. */
struct Start {
	core::Uuid user;       /* nil: nobody */
	core::Uuid connection; /* nil: unknown, as after a denied attempt */
	const char *connection_name;
	Source source;
	const char *question; /* natural language, else NULL */
	const char *sql;
};

/* What is known when it ended. */
struct Finish {
	Status status;
	int64 rows;
	int64 bytes;
	bool truncated;
	bool cached;
	const char *sqlstate;    /* of an error, else NULL */
	const char *message;     /* of an error, else NULL */
	const char *result_hash; /* hex SHA-256 of the result, or NULL */
};

/* What history says of a failure of the remote side, and of an error of our own; texts are borrowed. */
Finish outcome_of(const bridge::Failure &failure);
Finish outcome_of(const ErrorData *error);

/* A run that this backend has reported. */
struct Run {
	core::Uuid id;
	TimestampTz started;
	uint64 handle; /* private to history */
};

/*
 * Report a start; with durability "started" wait until it is committed. Raises 55000 when the worker is down and
 * tenancy.history_required is on; with it off, the run is not recorded and finish() does nothing. Raises 53400 when the
 * user has a quarter of the queue.
 * A run that the (sub)transaction's end or the backend's end finds unfinished is finished as error or cancelled then.
 */
Run start(const Start &start);

/*
 * Report the end; with durability "finished" or "started", wait until it is committed (serving interrupts; a cancel
 * while waiting does not lose the row). Call it outside pure code. Returns the run time in milliseconds.
 */
int64 finish(Run &run, const Finish &finish);

/* The same from an error handler: never waits, never raises. */
void finish_quietly(Run &run, const Finish &finish) noexcept;

} // namespace tenancy::history
