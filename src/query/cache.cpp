/*
 * See cache.hpp: looking up, running once for many, and what writes do to it. PG regime.
 * A backend has at most one flight that it leads, one that it waits for, and one block that it reads; they are static
 * so that an error, the end of the process included, finds them.
 */
#include "query/query.hpp"
#include "query/store.hpp"

#include "bridge/enter.hpp"

extern "C" {
#include "utils/formatting.h"
}

namespace tenancy::query {

namespace cache {

namespace {

/* A session that has waited for so many runs, all in vain, goes on by itself. */
constexpr int most_followed = 2;

Flight *leading = nullptr, *waiting = nullptr;
dsa_pointer reading = InvalidDsaPointer;
int writes = 0; /* that this backend has begun and not ended */

Result
result_in(const Block *block) noexcept
{
	auto const *const texts = reinterpret_cast<const char *>(block + 1);
	Result result{};
	result.columns = {texts, block->columns_size};
	result.rows = {texts + block->columns_size, block->rows_size};
	result.hash = {block->hash, sizeof block->hash};
	result.row_count = block->row_count;
	result.truncated = block->truncated;
	return result;
}

/* Read the block until let_go(). */
void
pin(dsa_pointer pointer, Result *result) noexcept
{
	++block_at(pointer)->pins;
	reading = pointer;
	*result = result_in(block_at(pointer));
}

/* An entry that is good for wish; one that is good for nobody goes. */
Entry *
find_entry(const Wish &wish, TimestampTz now) noexcept
{
	auto *const entry = static_cast<Entry *>(hash_search(entries, &wish.key, HASH_FIND, nullptr));
	if (entry == nullptr)
		return nullptr;
	if (entry->expires <= now || is_stale(*entry)) {
		drop(entry);
		return nullptr;
	}
	if (entry->begun + wish.ttl <= now)
		return nullptr;
	entry->expires = Max(entry->expires, entry->begun + wish.ttl);
	return entry;
}

/* Somebody who runs it, and began after the last write. */
Flight *
find_flight(const Wish &wish, TimestampTz now) noexcept
{
	auto *const place = static_cast<Place *>(hash_search(places, &wish.place, HASH_FIND, nullptr));
	if (place == nullptr || store->flight_count == 0)
		return nullptr;
	for (int i = 0; i < store->flights_top; ++i) {
		Flight &flight = store->flights[i];
		if (flight.phase == Phase::running && flight.key == wish.key && flight.generation == place->generation &&
		    flight.begun + wish.ttl > now)
			return &flight;
	}
	return nullptr;
}

bool
take_off(const Wish &wish, TimestampTz now) noexcept
{
	int i = 0;
	while (i < store->flights_top && store->flights[i].phase != Phase::free)
		++i;
	Place *const place = i == MaxBackends ? nullptr : use_place(wish.place);
	if (place == nullptr)
		return false;
	Flight &flight = store->flights[i];
	flight.phase = Phase::running;
	flight.key = wish.key;
	flight.place = wish.place;
	flight.generation = place->generation;
	flight.begun = now;
	flight.ttl = wish.ttl;
	flight.waiters = 0;
	flight.block = InvalidDsaPointer;
	store->flights_top = Max(store->flights_top, i + 1);
	++store->flight_count;
	leading = &flight;
	return true;
}

/* The leader's part is over; the slot is free when nobody waits. With the lock held. */
void
land(Phase phase) noexcept
{
	Flight *const flight = leading;
	leading = nullptr;
	leave_place(flight->place);
	--store->flight_count;
	flight->phase = flight->waiters > 0 ? phase : Phase::free;
	ConditionVariableBroadcast(&flight->over);
}

/* With the lock held. */
void
stop_waiting() noexcept
{
	Flight *const flight = waiting;
	waiting = nullptr;
	if (--flight->waiters > 0 || flight->phase == Phase::running)
		return;
	if (DsaPointerIsValid(flight->block))
		unpin(flight->block);
	flight->phase = Phase::free;
}

Phase
phase_of(const Flight *flight) noexcept
{
	LWLockAcquire(store->lock, LW_SHARED);
	Phase const phase = flight->phase;
	LWLockRelease(store->lock);
	return phase;
}

/* Sleep until the flight that this backend waits for is over, or patience is. */
void
await_end(TimestampTz since, long patience_ms)
{
	static constinit compat::WaitEvent event("TenancyCache");
	ConditionVariablePrepareToSleep(&waiting->over);
	while (phase_of(waiting) == Phase::running) {
		long const waited = TimestampDifferenceMilliseconds(since, GetCurrentTimestamp());
		if (patience_ms > 0 && waited >= patience_ms)
			break;
		(void) ConditionVariableTimedSleep(&waiting->over, patience_ms > 0 ? patience_ms - waited : 60'000,
		                                   event.info());
	}
	ConditionVariableCancelSleep();
}

/* What the wait for another session has come to; leading: nothing, try again. */
Finding
follow(TimestampTz since, long patience_ms, Result *result)
{
	await_end(since, patience_ms);
	LWLockAcquire(store->lock, LW_EXCLUSIVE);
	Finding finding = Finding::leading;
	switch (waiting->phase) {
	case Phase::landed:
		pin(waiting->block, result);
		if (auto *const entry = static_cast<Entry *>(hash_search(entries, &waiting->key, HASH_FIND, nullptr));
		    entry != nullptr && entry->block == waiting->block)
			++entry->hits;
		finding = Finding::found;
		break;
	case Phase::oversized: finding = Finding::alone; break;
	case Phase::running: finding = Finding::late; break;
	case Phase::failed:
	case Phase::free: break;
	}
	stop_waiting();
	LWLockRelease(store->lock);
	return finding;
}

void
fill(dsa_pointer pointer, const Result &result) noexcept
{
	Block *const block = block_at(pointer);
	auto *const texts = reinterpret_cast<char *>(block + 1);
	block->row_count = result.row_count;
	block->truncated = result.truncated;
	memcpy(block->hash, result.hash.data(), sizeof block->hash);
	block->columns_size = result.columns.size();
	block->rows_size = result.rows.size();
	memcpy(texts, result.columns.data(), result.columns.size());
	memcpy(texts + result.columns.size(), result.rows.data(), result.rows.size());
}

/* A write began or ended there: what was read before is not to be given to anybody who asks from now on. */
void
count_write(const Digest &digest) noexcept
{
	LWLockAcquire(store->lock, LW_EXCLUSIVE);
	if (auto *const place = static_cast<Place *>(hash_search(places, &digest, HASH_FIND, nullptr)); place != nullptr)
		++place->generation;
	LWLockRelease(store->lock);
}

} // namespace

bool
is_on() noexcept
{
	return store != nullptr;
}

bool
is_writing() noexcept
{
	return writes > 0;
}

Finding
look_up(const Wish &wish, long patience_ms, Result *result)
{
	attach();
	let_go();
	TimestampTz const since = GetCurrentTimestamp();
	for (int followed = 0;; ++followed) {
		TimestampTz const now = GetCurrentTimestamp();
		LWLockAcquire(store->lock, LW_EXCLUSIVE);
		Finding finding = Finding::alone;
		if (Entry *const entry = find_entry(wish, now); entry != nullptr) {
			use_now(entry, now);
			pin(entry->block, result);
			finding = Finding::found;
		} else if (Flight *const flight = find_flight(wish, now); flight == nullptr) {
			finding = take_off(wish, now) ? Finding::leading : Finding::alone;
		} else if (followed < most_followed) {
			waiting = flight;
			++flight->waiters;
			flight->ttl = Max(flight->ttl, wish.ttl);
		}
		LWLockRelease(store->lock);
		if (waiting != nullptr) {
			finding = follow(since, patience_ms, result);
			if (finding == Finding::leading)
				continue;
		}
		return finding;
	}
}

void
publish(const Wish &wish, const Result &result)
{
	Size const size = sizeof(Block) + result.columns.size() + result.rows.size();
	/* What will not be kept must not make others' answers go. */
	dsa_pointer const pointer = size > largest_block() ? InvalidDsaPointer : obtain(wish.user, size);
	if (DsaPointerIsValid(pointer))
		fill(pointer, result);
	LWLockAcquire(store->lock, LW_EXCLUSIVE);
	Flight *const flight = leading;
	if (!DsaPointerIsValid(pointer)) {
		land(Phase::oversized);
		LWLockRelease(store->lock);
		return;
	}
	auto const *const place = static_cast<Place *>(hash_search(places, &wish.place, HASH_FIND, nullptr));
	if (place->generation == flight->generation)
		(void) keep(wish, *flight, pointer);
	if (flight->waiters > 0) {
		flight->block = pointer;
		++block_at(pointer)->pins;
	}
	land(Phase::landed);
	unpin(pointer);
	LWLockRelease(store->lock);
}

void
let_go() noexcept
{
	if (leading == nullptr && waiting == nullptr && !DsaPointerIsValid(reading))
		return;
	LWLockAcquire(store->lock, LW_EXCLUSIVE);
	if (leading != nullptr)
		land(Phase::failed);
	if (waiting != nullptr)
		stop_waiting();
	if (DsaPointerIsValid(reading))
		unpin(reading);
	reading = InvalidDsaPointer;
	LWLockRelease(store->lock);
}

} // namespace cache

Digest
place_of(const connection::Config &config)
{
	if (!cache::is_on())
		return Digest{};
	char *const host = config.host == nullptr ? nullptr : asc_tolower(config.host, strlen(config.host));
	/* A session on MySQL reaches all databases of its server. */
	const char *const database = config.type == remote::DatabaseType::mysql ? nullptr : config.database;
	auto view = [](const char *text) { return text == nullptr ? std::string_view() : std::string_view(text); };
	std::string_view const owner(reinterpret_cast<const char *>(config.user.bytes.data()), config.user.bytes.size());
	return bridge::enter([&] {
		return digest_of({owner, view(host), view(database)}, {static_cast<int64>(config.type), config.port}, {});
	});
}

void
begin_write(const Digest &place)
{
	if (!cache::is_on())
		return;
	++cache::writes;
	cache::count_write(place);
}

void
end_write(const Digest &place) noexcept
{
	if (!cache::is_on())
		return;
	--cache::writes;
	cache::count_write(place);
}

} // namespace tenancy::query
