/*
 * Reporting runs to the history worker. PG regime.
 * start() before the remote server is contacted, finish() when it is over. Between them no lock is held.
 */
#pragma once

#include "bridge/enter.hpp"
#include "bridge/pg.hpp"
#include "core/uuid.hpp"

namespace tenancy::connection {
struct Config;
struct Selector;
}

namespace tenancy::history {

/* Settings, hooks and shared memory; see module.cpp. */
void initialize();
void request_shared_memory();
void start_shared_memory();

/*
 * The processes that work in a database beside its history worker: they run where that worker runs, and give way to it.
 * None of these functions raises.
 */
struct Companion {
	void (*tend)(Oid database);    /* called by the history worker, every second or so: start what should run */
	void (*dismiss)(Oid database); /* a command wants the database for itself: end the processes, and wait for that */
	bool (*make_room)();           /* history gets no process: give back some; false when there is none to give */
};
void accompany(const Companion &companion);
/* Does a command want the database for itself? Nobody may work in it then. */
bool is_database_closed(Oid database);
/* Have the history worker of this database started, with its companion, without waiting for it. */
void ask_for_worker();

/* The state of history in this database, for its overseers. */
struct Condition {
	int pid; /* of the worker; 0: none */
	bool ready;
	TimestampTz since;  /* when it started */
	TimestampTz oldest; /* start of the oldest run that is not written; 0: none */
	int pending, running;
	TimestampTz troubled; /* since when nothing can be written; 0: it can */
	const char *trouble;  /* why; NULL: no trouble */
	Size bytes, capacity; /* of all databases */
};
Condition condition();

/* The last column in the keys of rows that each batch of history writes again; see part.cpp. */
int64 part() noexcept;

enum class Source : uint8 { sql, ask, fdw, sample, catalog };
enum class Status : uint8 { running, success, error, timeout, cancelled, denied, lost, refused };
const char *name_of(Status status);

/* What is known when a run starts. Strings are copied; NULL means SQL NULL. */
struct Start {
	core::Uuid user;       /* nil: nobody */
	core::Uuid connection; /* nil: unknown, as after a denied attempt */
	const char *connection_name;
	Source source;
	const char *question; /* natural language, else NULL */
	const char *sql;
	TimestampTz started; /* when it was before this report; 0: now */
};

/* The start of a run on a connection, and of one on what the current user called so; the rest is zero. */
Start start_on(const connection::Config &config, Source source, const char *sql);
Start start_on(const connection::Selector &selector, Source source, const char *sql);

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
/* The same of an attempt on a connection that does not exist or belongs to somebody else. */
Finish denial_of(const connection::Selector &selector);

/* A run that this backend has reported. */
struct Run {
	core::Uuid id;
	TimestampTz started;
	uint64 handle; /* private to history */
};

/*
 * Report a start; with durability "started" wait until it is committed. Raises 55000 when the worker is down and
 * tenancy.history_required is on; with it off, the run is not recorded and finish() does nothing. Raises 53400 when the
 * user has a quarter of the queue, or as many places as tenancy.max_running_queries_per_user.
 * A run that the (sub)transaction's end or the backend's end finds unfinished is finished as error or cancelled then.
 */
Run start(const Start &start);

/*
 * Raises what start() would raise now because of the user's own runs, for one that is not of a foreign table: for who
 * pays for something before the run is known. Nothing is reported, and other sessions of the user may take the room
 * meanwhile.
 */
void require_room(const Start &start);

/*
 * Report the end; with durability "finished" or "started", wait until it is committed (serving interrupts; a cancel
 * while waiting does not lose the row). Call it outside pure code. Returns the run time in milliseconds.
 */
int64 finish(Run &run, const Finish &finish);

/* The end of a read that was attempted: done with so many rows, or failed. Does not wait when a cancel is to be raised.
 */
void finish_read(Run &run, bool done, const bridge::Failure &failure, int64 rows);

/* finish() from an error handler: never waits, never raises. */
void finish_quietly(Run &run, const Finish &finish) noexcept;

/*
 * Notes what the run ends with if the (sub)transaction of that nesting level, or one around it, is rolled back. For
 * error context callbacks, which cannot tell whether somebody will catch the error. The next note takes its place.
 * Never raises.
 */
void note(const Run &run, int level, const Finish &finish) noexcept;
/* The error was caught, and the run goes on. */
void forget_note(const Run &run) noexcept;

/* Is this database in tenancy.databases, as the server reads it: "yes", "no", or "invalid" when it is no list. */
const char *listing_of_database();

/* The current user's connection; an attempt on somebody else's is reported and refused. sql may be NULL. */
connection::Config require_connection(const connection::Selector &selector, Source source, const char *sql = nullptr);

} // namespace tenancy::history
