/*
 * The runs of this backend: records being filled and ended, and those that nobody ends. PG regime.
 */
#pragma once

#include "history/queue.hpp"

namespace tenancy::history {

/* Who asks. */
struct Peer {
	bool known; /* the address, which is the same for the life of a connection */
	char address[48];
	char role_name[NAMEDATALEN];
};
const Peer &whoami();

/* Map the queue and register what ends forgotten runs; once per process. */
void prepare_process();

/* Register pointer as a run of the current subtransaction; after reserve_local() it cannot fail. */
void reserve_local();
void add_local(dsa_pointer pointer) noexcept;
int find_local(dsa_pointer pointer) noexcept; /* -1: none */
void forget_local(int i) noexcept;
/* Is the run to be counted? Sixteen of a user on foreign tables in this backend have one place together. */
bool needs_place(const Start &report) noexcept;
/*
 * How it ends if the (sub)transaction of that level is rolled back; texts are copied. Without memory there is no note.
 */
void note_local(int i, int level, const Finish &report) noexcept;
void drop_note(int i) noexcept;

Size texts_size(const Start &report);
Record *fill_record(dsa_pointer pointer, const Start &report, const Peer &peer);
/* Store how it ended and hand it to the worker; awaited: its owner waits for the commit. Never raises. */
void end_record(int i, const Finish &report, TimestampTz when, bool awaited) noexcept;
/* The owner no longer waits: whoever comes last frees the record. */
void abandon(dsa_pointer pointer) noexcept;

inline Progress
progress_of(Record *record) noexcept
{
	return static_cast<Progress>(pg_atomic_read_u32(&record->progress));
}

} // namespace tenancy::history
