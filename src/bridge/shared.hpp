/*
 * What features keep in the main segment of shared memory, which cannot grow: so reaching it cannot fail, not even
 * while a backend exits. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "utils/dsa.h"
#include "utils/hsearch.h"
}

namespace tenancy::bridge {

/* A DSA area in the size bytes at place. Once, by whoever has made the memory. */
void make_area(void *place, Size size, int tranche);
/* Map it into this process, until that ends. */
dsa_area *attach_area(void *place);

/* A hash table with room for so many entries, whose keys are plain bytes. Under AddinShmemInitLock, in each process. */
HTAB *shared_table(const char *name, long entries, Size key_size, Size entry_size);

} // namespace tenancy::bridge
