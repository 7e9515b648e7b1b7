/*
 * The shared memory of the cache: made by the postmaster, mapped by each process on first use; its size never changes.
 * One LWLock guards all of it but the bytes of a block, which do not change once it is linked. PG regime, private to
 * query.
 */
#pragma once

#include "query/cache.hpp"

extern "C" {
#include "lib/ilist.h"
#include "storage/condition_variable.h"
#include "utils/dsa.h"
#include "utils/hsearch.h"
}

namespace tenancy::query::cache {

/* As much of a statement as the view shows. */
constexpr int shown_sql = 256;

/* An answer in the area, followed by its texts. Whoever points to it has a pin; the last to go frees it. */
struct Block {
	Size size;
	int pins;
	int64 row_count;
	bool truncated;
	char hash[64];
	Size columns_size, rows_size;
};

/* A database that answers are from. It exists as long as an entry or a flight is of it. */
struct Place {
	Digest digest;     /* first: the key of the table */
	uint64 generation; /* writes that began or ended */
	int uses;
};

struct Entry {
	Digest key; /* first: the key of the table */
	Digest place;
	uint64 generation; /* of the place, before the statement ran */
	Oid database;
	core::Uuid user, connection;
	int64 version;
	dsa_pointer block;
	Size size;
	int64 row_count;
	bool truncated;
	TimestampTz begun, used, expires;
	int64 hits;
	dlist_node by_use, by_user; /* least recently used first */
	char sql[shown_sql];
};

/* What a user has in the cache; there is one for whoever has anything. */
struct Share {
	core::Uuid user; /* first: the key of the table */
	Size bytes;
	dlist_head entries;
};

enum class Phase : uint8 { free, running, landed, failed, oversized };

/* A statement that a session, its leader, runs while others may wait for its answer. */
struct Flight {
	Phase phase;
	Digest key, place;
	uint64 generation;
	TimestampTz begun;
	int64 ttl; /* the longest of the leader's and of those who wait */
	int waiters;
	dsa_pointer block; /* landed, while somebody waits */
	ConditionVariable over;
};

struct Store {
	LWLock *lock;
	Size capacity, bytes; /* of blocks */
	dlist_head by_use;
	int flights_top; /* flights from here on have never been used */
	int flight_count;
	Flight flights[FLEXIBLE_ARRAY_MEMBER];
};

extern Store *store; /* NULL: no cache */
extern HTAB *entries, *places, *shares;

/* Map the area into this process. */
void attach();
Block *block_at(dsa_pointer pointer) noexcept;
/* The largest block that is kept. */
Size largest_block() noexcept;
/*
 * Room for a block of that user, made by letting go of what was not used for longest: of the user's own beyond their
 * share, then of anybody's; or none. Without the lock.
 */
dsa_pointer obtain(const core::Uuid &user, Size size) noexcept;

/* All of these with the lock held. */
void unpin(dsa_pointer pointer) noexcept;
Place *use_place(const Digest &digest) noexcept; /* NULL: the table is full */
void leave_place(const Digest &digest) noexcept;
bool is_stale(const Entry &entry) noexcept;
/* Remember the block, with a pin of its own; false when the user may not keep that much. */
bool keep(const Wish &wish, const Flight &flight, dsa_pointer block) noexcept;
void drop(Entry *entry) noexcept;
void use_now(Entry *entry, TimestampTz now) noexcept;

inline Entry *
entry_of_use(dlist_node *node) noexcept
{
	return reinterpret_cast<Entry *>(reinterpret_cast<char *>(node) - offsetof(Entry, by_use));
}

} // namespace tenancy::query::cache
