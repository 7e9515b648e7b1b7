/*
 * Shared memory of history: made by the postmaster, mapped by each process on first use. PG regime.
 */
#include <algorithm>

#include "history/queue.hpp"

#include "bridge/shared.hpp"
#include "settings.hpp"

extern "C" {
#include "access/xlog.h"
#include "storage/procarray.h"
}

namespace tenancy::history {

Queue *queue = nullptr;

namespace {

constexpr int abandoned_ms = 60'000;   /* a worker that was asked for so long ago will not come any more */
constexpr Size bytes_per_share = 4096; /* sizes the table of shares: one that is full counts as a full queue */
dsa_area *area = nullptr;

/* What a user has in the queue; there is one for whoever has anything. */
struct Share {
	core::Uuid user;
	Size bytes;
	int running; /* places taken: each is one run's, or of several runs of one backend; their records hold bytes */
};
HTAB *shares = nullptr;

Size
area_size()
{
	return static_cast<Size>(settings::history_queue_size) * 1024;
}

bridge::Piece
queue_piece()
{
	return {"pg_tenancy history", sizeof(Queue), 2, area_size()};
}

void *
area_place(Queue &of)
{
	return reinterpret_cast<char *>(&of) + MAXALIGN(sizeof(Queue));
}

void
set_up(Queue &fresh)
{
	fresh.lock = bridge::shared_lock(queue_piece(), 0);
	fresh.share_lock = bridge::shared_lock(queue_piece(), 1);
	fresh.capacity = area_size();
	pg_atomic_init_u64(&fresh.bytes, 0);
	for (Slot &slot : fresh.slots) {
		pg_atomic_init_u32(&slot.deferred, 0);
		pg_atomic_init_u64(&slot.committed, 0);
		ConditionVariableInit(&slot.changed);
	}
	bridge::make_area(area_place(fresh), area_size(), fresh.lock->tranche);
}

long
most_shares()
{
	return static_cast<long>(area_size() / bytes_per_share);
}

/* The part of the queue that is open to starts of runs, or to all that belongs to them. */
Size
open_part(bool ending) noexcept
{
	return ending ? queue->capacity : queue->capacity - queue->capacity / 8;
}

bool
is_heavy(Size size) noexcept
{
	return size > light_texts;
}

/* Count size bytes to the queue and to the user's share of it, if both have room. */
Room
charge(const core::Uuid &user, Size size, bool ending) noexcept
{
	LWLockAcquire(queue->share_lock, LW_EXCLUSIVE);
	bool found = false;
	auto *const share = static_cast<Share *>(hash_search(shares, &user, HASH_ENTER_NULL, &found));
	Room room = Room::found;
	if (share != nullptr && !found)
		share->bytes = 0, share->running = 0;
	if (share == nullptr)
		room = Room::full;
	else if (share->bytes + size > share_of_user(ending))
		room = Room::share_used_up;
	else if (is_heavy(size) && queue->heavy_bytes + size > open_part(ending) / heavy_parts)
		room = Room::heavy_part_full;
	else if (pg_atomic_read_u64(&queue->bytes) + size > open_part(ending))
		room = Room::full;
	if (room == Room::found) {
		share->bytes += size;
		queue->heavy_bytes += is_heavy(size) ? size : 0;
		pg_atomic_fetch_add_u64(&queue->bytes, static_cast<int64>(size));
	} else if (share != nullptr && share->bytes == 0)
		hash_search(shares, &user, HASH_REMOVE, nullptr);
	LWLockRelease(queue->share_lock);
	return room;
}

void
discharge(const core::Uuid &user, Size size) noexcept
{
	LWLockAcquire(queue->share_lock, LW_EXCLUSIVE);
	auto *const share = static_cast<Share *>(hash_search(shares, &user, HASH_FIND, nullptr));
	if ((share->bytes -= size) == 0)
		hash_search(shares, &user, HASH_REMOVE, nullptr);
	queue->heavy_bytes -= is_heavy(size) ? size : 0;
	pg_atomic_fetch_sub_u64(&queue->bytes, static_cast<int64>(size));
	LWLockRelease(queue->share_lock);
}

/* Gives the slot to another database. Its lines are empty; who waits for a change of the slot goes on waiting. */
void
hand_over(Slot &slot, Oid database) noexcept
{
	slot.database = database;
	slot.launched = slot.started = slot.troubled = slot.others = 0;
	slot.failures = 0;
	slot.alarmed = slot.absent = slot.ready = slot.writing = slot.served = false;
	std::ranges::fill(slot.closers, 0);
	slot.trouble_of = 0;
	slot.commits = slot.heavy_commits = slot.batches = 0;
	slot.trouble[0] = 0;
	slot.parts = {};
	slot.hauler = {};
	pg_atomic_write_u32(&slot.deferred, 0);
	pg_atomic_write_u64(&slot.committed, 0);
}

} // namespace

void
request_shared_memory()
{
	bridge::request_shared(queue_piece());
	RequestAddinShmemSpace(hash_estimate_size(most_shares(), sizeof(Share)));
}

void
start_shared_memory()
{
	queue = bridge::start_shared<Queue>(queue_piece(), set_up);
	shares = bridge::shared_table("pg_tenancy history shares", most_shares(), sizeof(core::Uuid), sizeof(Share));
}

void
attach()
{
	if (area == nullptr)
		area = bridge::attach_area(area_place(*queue));
}

void *
address_of(dsa_pointer pointer) noexcept
{
	return dsa_get_address(area, pointer);
}

Size
share_of_user(bool ending) noexcept
{
	return open_part(ending) / user_parts;
}

Room
allocate(const core::Uuid &user, Size size, bool ending, dsa_pointer *pointer) noexcept
{
	*pointer = no_record;
	if (Room const room = charge(user, size, ending); room != Room::found)
		return room;
	*pointer = dsa_allocate_extended(area, size, DSA_ALLOC_NO_OOM | DSA_ALLOC_HUGE);
	if (DsaPointerIsValid(*pointer))
		return Room::found;
	discharge(user, size);
	return Room::full;
}

bool
take_place(const core::Uuid &user, int most) noexcept
{
	LWLockAcquire(queue->share_lock, LW_EXCLUSIVE);
	auto *const share = static_cast<Share *>(hash_search(shares, &user, HASH_FIND, nullptr));
	bool const fits = user.is_nil() || most == 0 || share->running < most;
	share->running += fits;
	LWLockRelease(queue->share_lock);
	return fits;
}

void
give_back_place(const core::Uuid &user) noexcept
{
	LWLockAcquire(queue->share_lock, LW_EXCLUSIVE);
	--static_cast<Share *>(hash_search(shares, &user, HASH_FIND, nullptr))->running;
	LWLockRelease(queue->share_lock);
}

void
release(const core::Uuid &user, dsa_pointer pointer, Size size) noexcept
{
	dsa_free(area, pointer);
	discharge(user, size);
}

Room
allocate_record(const core::Uuid &user, Size texts_size, dsa_pointer *pointer) noexcept
{
	bool const apart = texts_size > inline_texts;
	Size const size = sizeof(Record) + (apart ? 0 : texts_size);
	if (Room const room = allocate(user, size, false, pointer); room != Room::found)
		return room;
	Record *const record = record_at(*pointer);
	memset(static_cast<void *>(record), 0, sizeof *record);
	record->user = user;
	record->size = size;
	if (!apart)
		return Room::found;
	record->long_texts_size = texts_size;
	Room const room = allocate(user, texts_size, false, &record->long_texts);
	if (room != Room::found)
		release(user, *pointer, size);
	return room;
}

char *
texts_of(Record *record) noexcept
{
	void *const texts = DsaPointerIsValid(record->long_texts) ? address_of(record->long_texts) : record + 1;
	return static_cast<char *>(texts);
}

void
forget_texts(Record *record) noexcept
{
	if (!DsaPointerIsValid(record->long_texts))
		return;
	release(record->user, record->long_texts, record->long_texts_size);
	record->long_texts = no_record;
	record->long_texts_size = 0;
	record->connection_name_length = record->question_length = record->sql_length = -1;
}

void
discard(dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	forget_texts(record);
	if (DsaPointerIsValid(record->message))
		release(record->user, record->message, record->message_size);
	core::Uuid const user = record->user;
	release(user, pointer, record->size);
}

void
append(Slot &slot, Line line, dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	Records &records = slot.line(line);
	record->line = line;
	record->next = no_record;
	record->previous = records.last;
	if (DsaPointerIsValid(records.last))
		record_at(records.last)->next = pointer;
	else
		records.first = pointer;
	records.last = pointer;
	++records.count;
}

void
enqueue(Slot &slot, dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	record->heavy = record->heavy || is_long(*record);
	append(slot, record->heavy ? Line::heavy : record->awaited ? Line::awaited : Line::pending, pointer);
}

void
remove(Slot &slot, dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	Records &records = slot.line(record->line);
	if (DsaPointerIsValid(record->previous))
		record_at(record->previous)->next = record->next;
	else
		records.first = record->next;
	if (DsaPointerIsValid(record->next))
		record_at(record->next)->previous = record->previous;
	else
		records.last = record->previous;
	--records.count;
}

int
find_slot(Oid database) noexcept
{
	for (int i = 0; i < max_databases; ++i)
		if (queue->slots[i].database == database)
			return i;
	return -1;
}

bool
is_closed(const Slot &slot) noexcept
{
	return std::ranges::any_of(slot.closers, [](pid_t pid) { return pid != 0 && BackendPidGetProc(pid) != nullptr; });
}

bool
is_recent(TimestampTz moment, TimestampTz now, int milliseconds) noexcept
{
	return moment != 0 && moment <= now && !TimestampDifferenceExceeds(moment, now, milliseconds);
}

/* A command that had the database for itself has ended, its transaction has not: then the worker comes back. */
bool
is_vacant(const Slot &slot) noexcept
{
	return slot.pid == 0 && slot.hauler.pid == 0 && slot.unwritten() + slot.running() == 0 && !is_closed(slot) &&
	       !slot.served && !is_recent(slot.launched, GetCurrentTimestamp(), abandoned_ms);
}

int
claim_slot(Oid database) noexcept
{
	if (int const found = find_slot(database); found >= 0)
		return found;
	int chosen = find_slot(InvalidOid);
	for (int i = 0; i < max_databases && chosen < 0; ++i)
		if (is_vacant(queue->slots[i]))
			chosen = i;
	if (chosen >= 0)
		hand_over(queue->slots[chosen], database);
	return chosen;
}

void
wake(Slot &slot, Line line, bool now) noexcept
{
	/* When there is no hauler, the worker starts one, or does its work. */
	if (line == Line::heavy && slot.hauler.latch != nullptr)
		SetLatch(slot.hauler.latch);
	else if ((now || !slot.alarmed) && slot.latch != nullptr) {
		slot.alarmed = true;
		SetLatch(slot.latch);
	}
}

void
flush_commits(Slot &slot)
{
	pg_read_barrier();
	XLogFlush(pg_atomic_read_u64(&slot.committed));
}

const char *
message_of(Record *record) noexcept
{
	if (DsaPointerIsValid(record->message))
		return static_cast<const char *>(address_of(record->message));
	return record->brief[0] != 0 ? record->brief : nullptr;
}

} // namespace tenancy::history
