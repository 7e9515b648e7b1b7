/*
 * The heads of hash chains, and how runs are added to the chains. PG regime. Inside bridge::spi::open() and close(), in
 * the memory context that is current there.
 */
#pragma once

#include "history/ended.hpp"

namespace tenancy::history {

struct Head {
	core::Uuid user; /* nil: the chain of runs without a user */
	bool stored;     /* false: the chain is empty */
	int64 seq;
	unsigned char hash[hash_size];
	int64 part;
};

struct Heads {
	Head *first;
	int count;

	Head *begin() const { return first; }
	Head *end() const { return first + count; }
};

/* The chain that a run is in, once its entry has its user. */
core::Uuid owner_of(const Ended &run);

/* The heads of all chains that the runs are in, in the order of their users. */
Heads read_heads(const EndedRuns &runs);
/* Give each run its place: each chain's runs in the order of their ends. The heads go on to the last ones. */
void extend(const Heads &heads, const EndedRuns &runs);
void write_heads(const Heads &heads, int64 part);

} // namespace tenancy::history
