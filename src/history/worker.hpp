/*
 * Between history's parts: what backends ask of the worker, and what the worker's loop asks of its writer. PG regime.
 */
#pragma once

#include "history/queue.hpp"

namespace tenancy::history {

/* The most items of a batch. */
constexpr int max_batch = 1000;

/* Other users are taken to be there for so long after they had runs written. */
constexpr int sharing_ms = 1000;

/* How long a backend waits for a worker that makes no progress. */
constexpr int patience_ms = 10'000;

enum class Readiness { ready, displaced /* another database has taken the slot */, no_worker, no_extension, no_place };

/* Have a worker for this database; waits for its start, at most patience_ms, serving interrupts. Never displaced. */
Readiness require_worker(int *slot);
/* Ask for a worker of this database when none runs and none was asked for lately. False when no process can be had. */
bool launch_if_down(int slot);
/* Ask for workers of the databases that have had one until they were closed, and are open again. */
void launch_again();
/* Have a worker leave while a command needs its database for itself. */
void watch_databases();
/* See Companion. */
void tend_companion(Oid database);
void dismiss_companion(Oid database);
bool companion_makes_room();
/* Register the process that starts the workers of tenancy.databases. */
void register_launcher();

/* What is left out of a run because it cannot be stored. */
enum class Stripped : unsigned char { nothing, message, texts };

/* A record in a batch; an end that arrives while its start is being written waits for the next batch. */
struct Item {
	dsa_pointer pointer;
	bool finished;
	Stripped stripped;
};

struct Batch {
	Item *items;
	int count;
	bool known_only; /* leave out runs whose user does not exist, or not yet: they would extend nobody's chain */
};

/* The slot of this process, which is a worker. */
extern Slot *mine;

/* Connect to the database, as name. */
void prepare_worker(Oid database, const char *name);

/* The runs to write next. A batch that is not empty is in hand until end_batch(). */
Batch gather(Item *items, bool all);
void end_batch();
/* The time in ms until the first worker will have something to write; with the lock held. */
long time_until_due(long most);
/*
 * The same for the hauler, which has to look again after a moment at what may be another worker's yet. Takes the lock.
 */
long time_until_heavy(long most);
/*
 * That heavy run, or with NULL the first one, if it can be written; without a pointer when there is none. With the lock
 * held.
 */
Item find_heavy(const dsa_pointer *run, TimestampTz now);

/* The time until which a heavy run waits because its user has had long texts written; see pace.cpp. */
TimestampTz paused_until(const Record &record, TimestampTz now) noexcept;
/* Notes that the user has had so many bytes of texts written while there were others who have runs written. */
void pause_after(const core::Uuid &user, Size size, TimestampTz now) noexcept;

/* Have commits timed; how long they take of late. */
void watch_commits();
long usual_commit_us() noexcept;

/* Does this worker end, or has it to let a command have its database? */
bool is_asked_to_leave() noexcept;
/* Has whatever could not be written tried once more. */
void forget_put_off();

/*
 * Write a batch and let go of its records; one row that cannot be stored must not hold up the others, and is put off.
 * How many were written or put off; -1: none, try again later.
 */
int write_all(Batch batch);
/* Does the error belong to a row: the value of a column, a constraint, a limit of size? */
bool is_about_data(const ErrorData *error);
/*
 * The same, or one that one run alone may have caused: a long text is copied several times, so there may be memory for
 * all other runs. Memory is no reason to leave texts out.
 */
bool may_be_of_one_run(const ErrorData *error);
/* The batch is committed, or will never be: let go of its records, then wake their owners. */
void settle(const Item *items, int count, Progress verdict);

/* Start a hauler when there are heavy runs and none is there. */
void tend_hauler();
/* Have it rest, so that this worker may write for all users; false while it is still at work. */
bool hold_hauler();
void resume_hauler();

/* A step of the worker, to be run in its own transaction. Texts and arrays live in CurrentMemoryContext. */
void write_batch(void *batch);

/* Finished runs are left for later: the worker, if this is its process, tries again. */
void defer() noexcept;
/* Were finished runs left for later since the last call? */
bool take_deferred() noexcept;

/*
 * The part of the rows that this batch writes again, see part.cpp: a new one when old versions of the rows of such a
 * table cannot be removed. Once per batch; 0 in a process that is no worker.
 */
int64 take_part(Oid table);
/* Is that a part that no transaction of this cluster can have begun yet? */
bool is_of_another_cluster(int64 part) noexcept;

} // namespace tenancy::history
