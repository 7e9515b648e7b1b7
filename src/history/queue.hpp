/*
 * The queue between backends and history workers: run records in a fixed piece of shared memory. PG regime.
 * One LWLock guards lists and slots; a record's texts never change once it is linked, so that a worker reads them
 * without the lock. Only the worker, or an owner that it has released, frees a record.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "utils/dsa.h"
}

#include "core/uuid.hpp"
#include "history/history.hpp"

namespace tenancy::history {

constexpr int max_databases = 64;

/* What a run's statement ended with when there was no room for the whole message. */
constexpr Size brief_size = 160;

/* What the worker tells a waiting owner. dropped: the extension is gone, nothing will be written. */
enum class Progress : uint32 { reported, started, over, dropped };

/* A run, followed by its texts: connection name, question, sql; each NUL-terminated, absent ones take no room. */
struct Record {
	dsa_pointer next, previous; /* in one of its slot's lists */
	Size size;                  /* of this allocation */
	int slot;
	pg_atomic_uint32 progress; /* a Progress; from over on, its waiting owner frees the record */
	/* Guarded by the lock. */
	bool awaited; /* the owner sleeps until the worker wrote it */
	bool written; /* its start is committed */
	bool finished;
	/* The start. */
	core::Uuid id, user, connection;
	Source source;
	TimestampTz started;
	Latch *owner;
	int pid;
	uint64 transaction; /* full id of the owner's transaction, 0 when it had none */
	int connection_name_length, question_length, sql_length; /* -1: NULL */
	char role[NAMEDATALEN];
	char application[NAMEDATALEN];
	char client[48];
	/* The end. */
	TimestampTz ended;
	Status status;
	bool truncated, cached;
	int64 rows, bytes;
	char sqlstate[6];
	char result_hash[65];
	dsa_pointer message; /* NUL-terminated; without room for it, brief */
	Size message_size;
	char brief[brief_size];

	char *texts() { return reinterpret_cast<char *>(this + 1); }
};

struct Records {
	dsa_pointer first, last;
	int count;
};

/* One database and its worker. */
struct Slot {
	Oid database; /* InvalidOid: free */
	pid_t pid;    /* of the worker; 0: none */
	bool ready;   /* it is connected and takes records */
	Latch *latch;
	TimestampTz launched; /* when a worker was last asked for */
	int failures;         /* launches in a row that did not get to work */
	bool alarmed;         /* the worker will look at the queue within linger_ms without being woken */
	bool absent;          /* the last worker did not find the extension */
	pid_t closer;         /* a session that wants the database for itself, or 0; see is_closed() */
	uint64 commits;
	Records pending; /* unwritten starts and ends: awaited ones, of which a batch has room for all, then oldest first */
	Records running; /* starts that are written; quiet until they end */
	ConditionVariable changed; /* pid did */
};

struct Queue {
	LWLock *lock;
	Size capacity;
	pg_atomic_uint64 bytes; /* in records and messages */
	Slot slots[max_databases];
};

/* How long an unawaited record may stay unwritten: short runs then need one step, not two. */
constexpr int linger_ms = 20;

extern Queue *queue; /* NULL when the library was not preloaded */

/* Map the record area into this process; raises only for lack of memory. */
void attach();

inline constexpr dsa_pointer no_record = InvalidDsaPointer;
void *address_of(dsa_pointer pointer) noexcept;

inline Record *
record_at(dsa_pointer pointer) noexcept
{
	return static_cast<Record *>(address_of(pointer));
}

/* Room for size bytes, or no_record. The last eighth is kept for what ends runs. Never raises. */
dsa_pointer allocate(Size size, bool ending) noexcept;
void release(dsa_pointer pointer, Size size) noexcept;
/* A record with its message. */
void discard(dsa_pointer pointer) noexcept;

/* With the lock held. */
void append(Records &list, dsa_pointer pointer) noexcept;
void prepend(Records &list, dsa_pointer pointer) noexcept;
/* To be written: an awaited record before all others, so that no session waits behind a backlog that nobody waits for.
 */
void enqueue(Slot &slot, dsa_pointer pointer) noexcept;
void remove(Records &list, dsa_pointer pointer) noexcept;
int find_slot(Oid database) noexcept;  /* -1: none */
int claim_slot(Oid database) noexcept; /* the same, or a free one; -1: all are taken */
void wake(Slot &slot, bool now) noexcept;

/* The text of an ended run's error, or NULL. */
const char *message_of(Record *record) noexcept;

} // namespace tenancy::history
