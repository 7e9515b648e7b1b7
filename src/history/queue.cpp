/*
 * Shared memory of history: made by the postmaster, mapped by each process on first use. PG regime.
 * The area lies in the main segment and never grows, so reaching a record cannot fail, not even while a backend exits.
 */
#include "history/queue.hpp"

#include "settings.hpp"

namespace tenancy::history {

Queue *queue = nullptr;

namespace {

constexpr char tranche[] = "pg_tenancy_history";
dsa_area *area = nullptr;

Size
area_size()
{
	return static_cast<Size>(settings::history_queue_size) * 1024;
}

void *
area_place()
{
	return reinterpret_cast<char *>(queue) + MAXALIGN(sizeof(Queue));
}

void
detach(int, Datum)
{
	dsa_release_in_place(area_place());
}

} // namespace

void
request_shared_memory()
{
	RequestAddinShmemSpace(add_size(MAXALIGN(sizeof(Queue)), area_size()));
	RequestNamedLWLockTranche(tranche, 1);
}

void
start_shared_memory()
{
	bool found;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	queue = static_cast<Queue *>(
		ShmemInitStruct("pg_tenancy history", add_size(MAXALIGN(sizeof(Queue)), area_size()), &found));
	if (!found) {
		memset(static_cast<void *>(queue), 0, sizeof *queue);
		queue->lock = &GetNamedLWLockTranche(tranche)->lock;
		queue->capacity = area_size();
		pg_atomic_init_u64(&queue->bytes, 0);
		for (Slot &slot : queue->slots)
			ConditionVariableInit(&slot.changed);
		dsa_area *const made = dsa_create_in_place(area_place(), area_size(), queue->lock->tranche, nullptr);
		dsa_pin(made);
		dsa_set_size_limit(made, area_size());
		dsa_detach(made);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
attach()
{
	if (area != nullptr)
		return;
	MemoryContext const context = MemoryContextSwitchTo(TopMemoryContext);
	area = dsa_attach_in_place(area_place(), nullptr);
	dsa_pin_mapping(area);
	MemoryContextSwitchTo(context);
	on_shmem_exit(detach, 0);
}

void *
address_of(dsa_pointer pointer) noexcept
{
	return dsa_get_address(area, pointer);
}

dsa_pointer
allocate(Size size, bool ending) noexcept
{
	Size const limit = ending ? queue->capacity : queue->capacity - queue->capacity / 8;
	if (size > limit || pg_atomic_read_u64(&queue->bytes) + size > limit)
		return no_record;
	dsa_pointer const pointer = dsa_allocate_extended(area, size, DSA_ALLOC_NO_OOM | DSA_ALLOC_HUGE);
	if (DsaPointerIsValid(pointer))
		pg_atomic_fetch_add_u64(&queue->bytes, static_cast<int64>(size));
	return pointer;
}

void
release(dsa_pointer pointer, Size size) noexcept
{
	dsa_free(area, pointer);
	pg_atomic_fetch_sub_u64(&queue->bytes, static_cast<int64>(size));
}

void
discard(dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	if (DsaPointerIsValid(record->message))
		release(record->message, record->message_size);
	release(pointer, record->size);
}

void
append(Records &list, dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	record->next = no_record;
	record->previous = list.last;
	if (DsaPointerIsValid(list.last))
		record_at(list.last)->next = pointer;
	else
		list.first = pointer;
	list.last = pointer;
	++list.count;
}

void
prepend(Records &list, dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	record->previous = no_record;
	record->next = list.first;
	if (DsaPointerIsValid(list.first))
		record_at(list.first)->previous = pointer;
	else
		list.last = pointer;
	list.first = pointer;
	++list.count;
}

void
enqueue(Slot &slot, dsa_pointer pointer) noexcept
{
	if (record_at(pointer)->awaited)
		prepend(slot.pending, pointer);
	else
		append(slot.pending, pointer);
}

void
remove(Records &list, dsa_pointer pointer) noexcept
{
	Record *const record = record_at(pointer);
	if (DsaPointerIsValid(record->previous))
		record_at(record->previous)->next = record->next;
	else
		list.first = record->next;
	if (DsaPointerIsValid(record->next))
		record_at(record->next)->previous = record->previous;
	else
		list.last = record->previous;
	--list.count;
}

int
find_slot(Oid database) noexcept
{
	for (int i = 0; i < max_databases; ++i)
		if (queue->slots[i].database == database)
			return i;
	return -1;
}

int
claim_slot(Oid database) noexcept
{
	if (int const found = find_slot(database); found >= 0)
		return found;
	for (int i = 0; i < max_databases; ++i) {
		Slot &slot = queue->slots[i];
		if (OidIsValid(slot.database) && (slot.pid != 0 || slot.pending.count + slot.running.count > 0))
			continue;
		if (OidIsValid(slot.database) && slot.launched != 0 &&
		    !TimestampDifferenceExceeds(slot.launched, GetCurrentTimestamp(), 60'000))
			continue;
		slot.database = database;
		slot.launched = 0;
		slot.failures = 0;
		slot.commits = 0;
		slot.closer = 0;
		slot.alarmed = slot.absent = slot.ready = false;
		return i;
	}
	return -1;
}

void
wake(Slot &slot, bool now) noexcept
{
	if ((now || !slot.alarmed) && slot.latch != nullptr) {
		slot.alarmed = true;
		SetLatch(slot.latch);
	}
}

const char *
message_of(Record *record) noexcept
{
	if (DsaPointerIsValid(record->message))
		return static_cast<const char *>(address_of(record->message));
	return record->brief[0] != 0 ? record->brief : nullptr;
}

} // namespace tenancy::history
