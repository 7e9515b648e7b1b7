/*
 * What features keep in the main segment of shared memory, which cannot grow: so reaching it cannot fail, not even
 * while a backend exits. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "storage/lwlock.h"
#include "utils/dsa.h"
#include "utils/hsearch.h"
}

namespace tenancy::bridge {

/* A feature's part of it: a struct, some locks that share its name, and room for an area behind the struct. */
struct Piece {
	const char *name;
	Size size;
	int locks;
	Size area_size = 0;
};

/* Ask for room for the piece, while the size of shared memory is being found out. */
void request_shared(const Piece &piece);
/*
 * The piece; when this process is the first one it is new, and all zeroes except for the area. AddinShmemInitLock must
 * be held.
 */
void *find_shared(const Piece &piece, bool *is_new);
LWLock *shared_lock(const Piece &piece, int number = 0);

/* Find the piece for this process; the first one sets it up before another one can see it. */
template <typename Struct, typename SetUp>
Struct *
start_shared(const Piece &piece, SetUp set_up)
{
	bool is_new;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	auto *const found = static_cast<Struct *>(find_shared(piece, &is_new));
	if (is_new)
		set_up(*found);
	LWLockRelease(AddinShmemInitLock);
	return found;
}

/* A DSA area in the size bytes at place. Once, by whoever has made the memory. */
void make_area(void *place, Size size, int tranche);
/* Map it into this process, until that ends. */
dsa_area *attach_area(void *place);

/* A hash table with room for so many entries, whose keys are plain bytes; to be called in each process. */
HTAB *shared_table(const char *name, long entries, Size key_size, Size entry_size);

} // namespace tenancy::bridge
