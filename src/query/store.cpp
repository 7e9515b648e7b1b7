/*
 * See store.hpp. PG regime.
 */
#include "query/store.hpp"

#include "bridge/shared.hpp"
#include "settings.hpp"

namespace tenancy::query::cache {

Store *store = nullptr;
HTAB *entries = nullptr, *places = nullptr, *shares = nullptr;

namespace {

constexpr Size least_area = Size{1024} * 1024;
constexpr Size bytes_per_entry = 8192; /* sizes the tables: one that is full counts as a full cache */
dsa_area *area = nullptr;

Size
area_size()
{
	return Max(static_cast<Size>(settings::cache_size) * 1024, least_area);
}

long
most_entries()
{
	return static_cast<long>(area_size() / bytes_per_entry);
}

/* Flights too have a place. */
long
most_places()
{
	return most_entries() + MaxBackends;
}

Size
store_size()
{
	return MAXALIGN(add_size(offsetof(Store, flights), mul_size(sizeof(Flight), static_cast<Size>(MaxBackends))));
}

bridge::Piece
store_piece()
{
	return {"pg_tenancy cache", store_size(), 1, area_size()};
}

void *
area_place(Store &of)
{
	return reinterpret_cast<char *>(&of) + store_size();
}

void
set_up(Store &fresh)
{
	fresh.lock = bridge::shared_lock(store_piece());
	fresh.capacity = area_size() - area_size() / 8;
	dlist_init(&fresh.by_use);
	for (int i = 0; i < MaxBackends; ++i)
		ConditionVariableInit(&fresh.flights[i].over);
	bridge::make_area(area_place(fresh), area_size(), fresh.lock->tranche);
}

/* What an answer takes of its user's share: at least as much as its place in the tables stands for. */
Size
charge(Size size) noexcept
{
	return Max(size, bytes_per_entry);
}

bool
drop_oldest() noexcept
{
	if (dlist_is_empty(&store->by_use))
		return false;
	drop(entry_of_use(dlist_head_node(&store->by_use)));
	return true;
}

Share *
share_of(const core::Uuid &user) noexcept
{
	bool found;
	auto *const share = static_cast<Share *>(hash_search(shares, &user, HASH_ENTER_NULL, &found));
	if (share != nullptr && !found) {
		share->bytes = 0;
		dlist_init(&share->entries);
	}
	return share;
}

Entry *
oldest_of(Share *share) noexcept
{
	return reinterpret_cast<Entry *>(reinterpret_cast<char *>(dlist_head_node(&share->entries)) -
	                                 offsetof(Entry, by_user));
}

/* Let the user keep no more than most, and forget the rest from its oldest. */
void
make_room_in_share(const core::Uuid &user, Size most) noexcept
{
	for (;;) {
		auto *const share = static_cast<Share *>(hash_search(shares, &user, HASH_FIND, nullptr));
		if (share == nullptr || share->bytes <= most)
			return;
		drop(oldest_of(share));
	}
}

void
forget_empty(Share *share) noexcept
{
	if (dlist_is_empty(&share->entries))
		hash_search(shares, &share->user, HASH_REMOVE, nullptr);
}

} // namespace

void
request_shared_memory()
{
	if (settings::cache_size == 0)
		return;
	bridge::request_shared(store_piece());
	RequestAddinShmemSpace(hash_estimate_size(most_entries(), sizeof(Entry)));
	RequestAddinShmemSpace(hash_estimate_size(most_places(), sizeof(Place)));
	RequestAddinShmemSpace(hash_estimate_size(most_entries(), sizeof(Share)));
}

void
start_shared_memory()
{
	if (settings::cache_size == 0)
		return;
	store = bridge::start_shared<Store>(store_piece(), set_up);
	entries = bridge::shared_table("pg_tenancy cache entries", most_entries(), sizeof(Digest), sizeof(Entry));
	places = bridge::shared_table("pg_tenancy cache places", most_places(), sizeof(Digest), sizeof(Place));
	shares = bridge::shared_table("pg_tenancy cache shares", most_entries(), sizeof(core::Uuid), sizeof(Share));
}

void
attach()
{
	if (area != nullptr)
		return;
	area = bridge::attach_area(area_place(*store));
	before_shmem_exit([](int, Datum) { let_go(); }, 0);
}

Block *
block_at(dsa_pointer pointer) noexcept
{
	return static_cast<Block *>(dsa_get_address(area, pointer));
}

Size
largest_block() noexcept
{
	Size const largest = static_cast<Size>(Min(settings::cache_size_per_user, settings::cache_entry_size)) * 1024;
	return Min(largest, store->capacity);
}

dsa_pointer
obtain(const core::Uuid &user, Size size) noexcept
{
	Size const share = static_cast<Size>(settings::cache_size_per_user) * 1024;
	for (;;) {
		LWLockAcquire(store->lock, LW_EXCLUSIVE);
		make_room_in_share(user, share - Min(share, charge(size)));
		while (store->bytes + size > store->capacity && drop_oldest())
			;
		bool const room = store->bytes + size <= store->capacity;
		if (room)
			store->bytes += size;
		LWLockRelease(store->lock);
		if (!room)
			return InvalidDsaPointer;
		dsa_pointer const pointer = dsa_allocate_extended(area, size, DSA_ALLOC_NO_OOM | DSA_ALLOC_HUGE);
		if (DsaPointerIsValid(pointer)) {
			block_at(pointer)->size = size;
			block_at(pointer)->pins = 1;
			return pointer;
		}
		/* Enough in all, but not in one piece. */
		LWLockAcquire(store->lock, LW_EXCLUSIVE);
		store->bytes -= size;
		bool const dropped = drop_oldest();
		LWLockRelease(store->lock);
		if (!dropped)
			return InvalidDsaPointer;
	}
}

void
unpin(dsa_pointer pointer) noexcept
{
	Block *const block = block_at(pointer);
	if (--block->pins > 0)
		return;
	store->bytes -= block->size;
	dsa_free(area, pointer);
}

Place *
use_place(const Digest &digest) noexcept
{
	bool found;
	auto *const place = static_cast<Place *>(hash_search(places, &digest, HASH_ENTER_NULL, &found));
	if (place == nullptr)
		return nullptr;
	if (!found) {
		place->generation = 0;
		place->uses = 0;
	}
	++place->uses;
	return place;
}

void
leave_place(const Digest &digest) noexcept
{
	auto *const place = static_cast<Place *>(hash_search(places, &digest, HASH_FIND, nullptr));
	if (--place->uses == 0)
		hash_search(places, &digest, HASH_REMOVE, nullptr);
}

bool
is_stale(const Entry &entry) noexcept
{
	auto *const place = static_cast<Place *>(hash_search(places, &entry.place, HASH_FIND, nullptr));
	return place->generation != entry.generation;
}

bool
keep(const Wish &wish, const Flight &flight, dsa_pointer pointer) noexcept
{
	Block *const block = block_at(pointer);
	Size const most = static_cast<Size>(settings::cache_size_per_user) * 1024;
	int64 ttl = flight.ttl;
	if (auto *const old = static_cast<Entry *>(hash_search(entries, &wish.key, HASH_FIND, nullptr)); old != nullptr) {
		ttl = Max(ttl, old->expires - old->begun);
		drop(old);
	}
	if (hash_get_num_entries(entries) >= most_entries())
		(void) drop_oldest();
	make_room_in_share(wish.user, most - Min(most, charge(block->size)));
	Share *const share = share_of(wish.user);
	if (share == nullptr)
		return false;
	auto *const entry = static_cast<Entry *>(hash_search(entries, &wish.key, HASH_ENTER_NULL, nullptr));
	Place *const place = entry == nullptr ? nullptr : use_place(wish.place);
	if (place == nullptr) {
		if (entry != nullptr)
			hash_search(entries, &wish.key, HASH_REMOVE, nullptr);
		forget_empty(share);
		return false;
	}
	++block->pins;
	entry->place = wish.place;
	entry->generation = flight.generation;
	entry->database = MyDatabaseId;
	entry->user = wish.user;
	entry->connection = wish.connection;
	entry->version = wish.version;
	entry->block = pointer;
	entry->size = block->size;
	entry->row_count = block->row_count;
	entry->truncated = block->truncated;
	entry->begun = entry->used = flight.begun;
	entry->expires = flight.begun + ttl;
	entry->hits = 0;
	int const length = pg_mbcliplen(wish.sql, static_cast<int>(strlen(wish.sql)), shown_sql - 1);
	memcpy(entry->sql, wish.sql, static_cast<Size>(length));
	entry->sql[length] = 0;
	dlist_push_tail(&store->by_use, &entry->by_use);
	dlist_push_tail(&share->entries, &entry->by_user);
	share->bytes += charge(entry->size);
	return true;
}

void
drop(Entry *entry) noexcept
{
	auto *const share = static_cast<Share *>(hash_search(shares, &entry->user, HASH_FIND, nullptr));
	dlist_delete(&entry->by_use);
	dlist_delete(&entry->by_user);
	share->bytes -= charge(entry->size);
	forget_empty(share);
	leave_place(entry->place);
	unpin(entry->block);
	hash_search(entries, &entry->key, HASH_REMOVE, nullptr);
}

void
use_now(Entry *entry, TimestampTz now) noexcept
{
	auto *const share = static_cast<Share *>(hash_search(shares, &entry->user, HASH_FIND, nullptr));
	entry->used = now;
	++entry->hits;
	dlist_delete(&entry->by_use);
	dlist_push_tail(&store->by_use, &entry->by_use);
	dlist_delete(&entry->by_user);
	dlist_push_tail(&share->entries, &entry->by_user);
}

} // namespace tenancy::query::cache
