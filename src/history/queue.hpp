/*
 * The queue between backends and history workers: run records in a fixed piece of shared memory. PG regime.
 * One LWLock guards lists and slots; a record's texts never change once it is linked, so that a worker reads them
 * without the lock. Only the worker that writes a record, or an owner that it has released, frees it, and its texts
 * when it stays; no record is in the hands of both workers: see Hauler. What a user has in the queue is counted, so
 * that no tenant's runs keep out those of others.
 */
#pragma once

#include <cstddef>

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
constexpr int most_closers = 8;

/* The size of a message for which there is no room of its own. */
constexpr Size brief_size = 160;

/* Texts of a run up to this size follow its record. */
constexpr Size inline_texts = 1024;

/* A run with more text than this is heavy: its own worker writes it, so that nobody's light runs wait behind it. */
constexpr Size light_texts = 32 * 1024;

/* A user may have one part in so many of the queue. */
constexpr Size user_parts = 4;

/*
 * All texts that are heavy by themselves together may have one part in so many: whoever writes them, they leave room
 * for light runs. It has room for what a user may have.
 */
constexpr Size heavy_parts = 2;
static_assert(heavy_parts <= user_parts);

/* The line in which a record stands. */
enum class Line : uint8 {
	awaited, /* light ones that a session waits for, in the order of arrival */
	pending, /* other unwritten starts and ends of light runs, oldest first */
	heavy,   /* those of heavy runs */
	running  /* starts that are written; quiet until they end */
};
constexpr int line_count = 4;
inline constexpr Line unwritten_lines[] = {Line::awaited, Line::pending, Line::heavy};

/* What the worker tells a waiting owner. dropped: the extension is gone, nothing will be written. */
enum class Progress : uint32 { reported, started, over, dropped };

/*
 * A run, followed by its texts: connection name, question, sql; each NUL-terminated, absent ones take no room.
 * Long texts have room of their own, only until the start is committed: then running_queries has them, and a run that
 * lasts, as an open cursor does, keeps little of the queue.
 */
struct Record {
	dsa_pointer next, previous; /* in its line */
	Size size;                  /* of this allocation */
	int slot;
	pg_atomic_uint32 progress; /* a Progress; from over on, its waiting owner frees the record */
	/* Guarded by the lock. */
	Line line;
	bool heavy;   /* for good, as the row of its start is */
	bool awaited; /* the owner sleeps until the worker wrote it */
	bool written; /* its start is committed */
	bool finished;
	TimestampTz put_off; /* it, or one before it, could not be written: left alone until then; 0: not put off */
	/* The start. */
	core::Uuid id, user, connection;
	Source source;
	TimestampTz started;
	Latch *owner;
	int pid;
	uint64 transaction; /* full id of the owner's transaction, 0 when it had none */
	int connection_name_length, question_length, sql_length; /* -1: NULL, or no longer here */
	dsa_pointer long_texts;                                  /* or none */
	Size long_texts_size;
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
};

/* The records of a line. Who goes over them, with the lock held, removes none meanwhile. */
struct Records {
	struct Iterator {
		using value_type = dsa_pointer;
		using difference_type = std::ptrdiff_t;
		dsa_pointer pointer;

		dsa_pointer operator*() const noexcept { return pointer; }
		Iterator &operator++() noexcept;
		Iterator operator++(int) noexcept;
		bool operator==(const Iterator &) const noexcept = default;
	};

	dsa_pointer first, last;
	int count;

	Iterator begin() const noexcept { return {first}; }
	Iterator end() const noexcept { return {InvalidDsaPointer}; }
};

/*
 * The second worker of a database, which writes heavy runs. It writes those of one user at a time, and the first one
 * leaves that user alone meanwhile: two transactions must not extend one hash chain.
 */
struct Hauler {
	pid_t pid; /* 0: none */
	Latch *latch;
	TimestampTz launched; /* when it was asked for; 0: it was not, or has ended well since */
	bool busy;            /* it writes runs of: */
	core::Uuid user;
	bool nobody; /* and of nobody */
	bool held;   /* the first worker wants to be alone */
};

/* What the rows that each batch writes again have in their keys; see part.cpp. */
struct Parts {
	int64 current; /* 0, or the transaction with which this part began */
	int64 looked;  /* the transaction at the last look at how many old versions are kept; 0: none yet */
	int versions;  /* batches since */
};

/* One database and its worker. */
struct Slot {
	Oid database; /* InvalidOid: free */
	pid_t pid;    /* of the worker; 0: none */
	bool ready;   /* it is connected and takes records */
	Latch *latch;
	TimestampTz launched;          /* when a worker was last asked for */
	TimestampTz started;           /* when the worker enlisted */
	int failures;                  /* launches in a row that did not get to work */
	bool alarmed;                  /* the worker will look at the queue within linger_ms without being woken */
	bool absent;                   /* the last worker did not find the extension */
	pid_t closers[most_closers];   /* sessions that want the database for themselves, or 0; see is_closed() */
	bool served;                   /* until they came there was a worker, which is to come back */
	uint64 commits, heavy_commits; /* the second are among the first */
	pg_atomic_uint64 committed;    /* where the last of them ends in the log of PostgreSQL; it may not be on disk */
	TimestampTz troubled;          /* since when nothing can be written; 0: it can */
	char trouble[brief_size];      /* why */
	pid_t trouble_of;              /* says which of the two workers */
	Records lines[line_count];
	bool writing;              /* the worker has a batch in hand */
	uint64 batches;            /* that it has taken */
	pg_atomic_uint32 deferred; /* the trigger left runs for later */
	Parts parts;
	Hauler hauler;
	TimestampTz others;        /* when others than the hauler's last user had light runs to write */
	ConditionVariable changed; /* pid did, or the hauler's */

	Records &line(Line which) { return lines[static_cast<Size>(which)]; }
	const Records &line(Line which) const { return lines[static_cast<Size>(which)]; }
	int running() const { return line(Line::running).count; }
	int unwritten() const
	{
		int count = 0;
		for (Line const which : unwritten_lines)
			count += line(which).count;
		return count;
	}
};

struct Queue {
	LWLock *lock;
	LWLock *share_lock; /* of the bytes and of the users' shares; taken after lock, if both are */
	Size capacity;
	pg_atomic_uint64 bytes; /* in records, texts and messages; changed with share_lock held */
	Size heavy_bytes;       /* of these, in texts and messages that are heavy by themselves */
	Slot slots[max_databases];
};

/* How long an unawaited record may stay unwritten: short runs then need one step, not two. */
constexpr int linger_ms = 20;

extern Queue *queue; /* there wherever the library is: it is loaded when the server starts, or not at all */

/* Map the record area into this process; raises only for lack of memory. */
void attach();

inline constexpr dsa_pointer no_record = InvalidDsaPointer;
void *address_of(dsa_pointer pointer) noexcept;

/* Is the record to be left alone for now? */
inline bool
is_put_off(const Record &record, TimestampTz now) noexcept
{
	return record.put_off > now;
}

/*
 * When it became due to write the record's start, or the end of a run that is written as running. With the lock held.
 */
inline TimestampTz
in_line_since(const Record &record) noexcept
{
	return record.written ? record.ended : record.started;
}

inline Record *
record_at(dsa_pointer pointer) noexcept
{
	return static_cast<Record *>(address_of(pointer));
}

inline Records::Iterator &
Records::Iterator::operator++() noexcept
{
	pointer = record_at(pointer)->next;
	return *this;
}

inline Records::Iterator
Records::Iterator::operator++(int) noexcept
{
	Iterator const before = *this;
	++*this;
	return before;
}

/*
 * The answer to a wish for room. The worker empties a queue that is full, or full of heavy texts; a share that is used
 * up is its user's own doing.
 */
enum class Room { found, share_used_up, heavy_part_full, full };

/*
 * The room that a user may have in the queue. The last eighth, of the queue and of each share, is kept for what ends
 * runs.
 */
Size share_of_user(bool ending) noexcept;
/* Room for size bytes of that user; nobody is a user too. None of these raises. */
Room allocate(const core::Uuid &user, Size size, bool ending, dsa_pointer *pointer) noexcept;
void release(const core::Uuid &user, dsa_pointer pointer, Size size) noexcept;

/* A place for runs of a user who has a record; false when most are taken. Nobody, who is many, has no limit. */
bool take_place(const core::Uuid &user, int most) noexcept;
/* The place is free again; a record of the user is still there. */
void give_back_place(const core::Uuid &user) noexcept;

/* A record with room for its texts, zero but for its user and sizes. */
Room allocate_record(const core::Uuid &user, Size texts_size, dsa_pointer *pointer) noexcept;
char *texts_of(Record *record) noexcept;
inline Size
size_of_texts(const Record &record) noexcept
{
	return record.size - sizeof(Record) + record.long_texts_size + record.message_size;
}
inline bool
is_long(const Record &record) noexcept
{
	return record.long_texts_size + record.message_size > light_texts;
}
/* Their room is given back, if it is room of their own. */
void forget_texts(Record *record) noexcept;
/* A record with its texts and its message. */
void discard(dsa_pointer pointer) noexcept;

/* Puts a record at the end of a line; with the lock held. */
void append(Slot &slot, Line line, dsa_pointer pointer) noexcept;
/* Puts a record that is to be written at the end of the line where it belongs. */
void enqueue(Slot &slot, dsa_pointer pointer) noexcept;
void remove(Slot &slot, dsa_pointer pointer) noexcept;
int find_slot(Oid database) noexcept;  /* -1: none */
int claim_slot(Oid database) noexcept; /* the same, or a free one; -1: all are taken */
/* Was it at most so long ago? 0 was never; what is yet to come was noted before the clock was set back. */
bool is_recent(TimestampTz moment, TimestampTz now, int milliseconds) noexcept;
/* Does a command want the database for itself? Its slot then stays, although nobody works for it. */
bool is_closed(const Slot &slot) noexcept;
/*
 * Wakes the process that writes that line; with now false, the first worker only if it will not look by itself within
 * linger_ms.
 */
void wake(Slot &slot, Line line, bool now) noexcept;

/* Have what the workers committed on disk: they leave that to who needs it. */
void flush_commits(Slot &slot);

/* The text of an ended run's error, or NULL. */
const char *message_of(Record *record) noexcept;

} // namespace tenancy::history
