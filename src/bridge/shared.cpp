/*
 * See shared.hpp. PG regime.
 */
#include "bridge/shared.hpp"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
}

namespace tenancy::bridge {

void
request_shared(const Piece &piece)
{
	RequestAddinShmemSpace(add_size(MAXALIGN(piece.size), piece.area_size));
	if (piece.locks > 0)
		RequestNamedLWLockTranche(piece.name, piece.locks);
}

void *
find_shared(const Piece &piece, bool *is_new)
{
	bool found;
	void *const place = ShmemInitStruct(piece.name, add_size(MAXALIGN(piece.size), piece.area_size), &found);
	if (!found)
		memset(place, 0, piece.size);
	*is_new = !found;
	return place;
}

LWLock *
shared_lock(const Piece &piece, int number)
{
	return &GetNamedLWLockTranche(piece.name)[number].lock;
}

void
make_area(void *place, Size size, int tranche)
{
	dsa_area *const area = dsa_create_in_place(place, size, tranche, nullptr);
	dsa_pin(area);
	dsa_set_size_limit(area, size);
	dsa_detach(area);
}

dsa_area *
attach_area(void *place)
{
	MemoryContext const context = MemoryContextSwitchTo(TopMemoryContext);
	dsa_area *const area = dsa_attach_in_place(place, nullptr);
	dsa_pin_mapping(area);
	MemoryContextSwitchTo(context);
	on_shmem_exit(dsa_on_shmem_exit_release_in_place, PointerGetDatum(place));
	return area;
}

HTAB *
shared_table(const char *name, long entries, Size key_size, Size entry_size)
{
	HASHCTL control{};
	control.keysize = key_size;
	control.entrysize = entry_size;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	HTAB *const table = ShmemInitHash(name, entries, entries, &control, HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
	LWLockRelease(AddinShmemInitLock);
	return table;
}

} // namespace tenancy::bridge
