/*
 * What SQL sees of the cache, and the end of what has expired. PG regime.
 */
#include "query/query.hpp"
#include "query/store.hpp"

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "identity/identity.hpp"

namespace tenancy::query::cache {

namespace {

/* Most entries that are looked at while all sessions wait for the lock. */
constexpr int64 batch = 1024;

/* How far an expiry has come: behind the entry that it kept last. */
struct Walk {
	TimestampTz now;
	int64 left; /* entries to look at; those that are there more than once by then were used meanwhile */
	int64 dropped;
	bool begun;
	Digest kept;
	TimestampTz used;
};

/* Where to go on; at the beginning when the entry has gone, or gone to the end, as one that is used does. */
dlist_node *
resume(const Walk &walk) noexcept
{
	auto *const entry =
		walk.begun ? static_cast<Entry *>(hash_search(entries, &walk.kept, HASH_FIND, nullptr)) : nullptr;
	return entry != nullptr && entry->used == walk.used ? entry->by_use.next : store->by_use.head.next;
}

/* False at the end. */
bool
drop_batch(Walk *walk)
{
	LWLockAcquire(store->lock, LW_EXCLUSIVE);
	if (!walk->begun)
		walk->left = hash_get_num_entries(entries);
	dlist_node *const end = &store->by_use.head;
	dlist_node *node = resume(*walk);
	for (int64 seen = 0; node != end && node != nullptr && seen < batch; ++seen) {
		Entry *const entry = entry_of_use(node);
		node = node->next;
		if (entry->expires > walk->now && !is_stale(*entry)) {
			walk->begun = true;
			walk->kept = entry->key;
			walk->used = entry->used;
			continue;
		}
		drop(entry);
		++walk->dropped;
	}
	walk->left -= batch;
	bool const more = node != end && node != nullptr && walk->left > 0;
	LWLockRelease(store->lock);
	return more;
}

/* Copies of the entries that the caller may see. */
Entry *
copy_entries(int *count)
{
	bool const admin = identity::is_admin();
	core::Uuid const user = identity::current_user();
	TimestampTz const now = GetCurrentTimestamp();
	long const room = hash_get_num_entries(entries);
	auto *const copies = static_cast<Entry *>(palloc(sizeof(Entry) * static_cast<Size>(Max(room, 1))));
	*count = 0;
	LWLockAcquire(store->lock, LW_SHARED);
	dlist_node *const end = &store->by_use.head;
	for (dlist_node *node = end->next; node != end && node != nullptr && *count < room; node = node->next) {
		Entry const *const entry = entry_of_use(node);
		bool const own = !user.is_nil() && entry->user == user;
		if (entry->database == MyDatabaseId && (own || admin) && entry->expires > now && !is_stale(*entry))
			copies[(*count)++] = *entry;
	}
	LWLockRelease(store->lock);
	return copies;
}

} // namespace

TENANCY_FUNCTION(query_cache_entries)
{
	InitMaterializedSRF(fcinfo, 0);
	auto *const info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	if (store == nullptr)
		return static_cast<Datum>(0);
	int count;
	Entry const *const copies = copy_entries(&count);
	for (int i = 0; i < count; ++i) {
		Entry const &entry = copies[i];
		Datum values[] = {bridge::bytea_datum(entry.key.bytes.data(), sizeof(Digest)),
		                  bridge::uuid_datum(entry.user),
		                  bridge::uuid_datum(entry.connection),
		                  Int64GetDatum(entry.version),
		                  CStringGetTextDatum(entry.sql),
		                  Int64GetDatum(entry.row_count),
		                  Int64GetDatum(static_cast<int64>(entry.size)),
		                  BoolGetDatum(entry.truncated),
		                  Int64GetDatum(entry.hits),
		                  TimestampTzGetDatum(entry.begun),
		                  TimestampTzGetDatum(entry.used),
		                  TimestampTzGetDatum(entry.expires)};
		bool nulls[lengthof(values)] = {false, entry.user.is_nil()};
		tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
	}
	return static_cast<Datum>(0);
}

TENANCY_FUNCTION(expire_query_cache)
{
	if (store == nullptr)
		PG_RETURN_INT64(0);
	attach();
	Walk walk{};
	walk.now = GetCurrentTimestamp();
	while (drop_batch(&walk))
		CHECK_FOR_INTERRUPTS();
	PG_RETURN_INT64(walk.dropped);
}

} // namespace tenancy::query::cache

namespace tenancy::query {

CacheCondition
cache_condition()
{
	if (cache::store == nullptr)
		return {};
	LWLockAcquire(cache::store->lock, LW_SHARED);
	CacheCondition const result = {hash_get_num_entries(cache::entries), cache::store->bytes, cache::store->capacity};
	LWLockRelease(cache::store->lock);
	return result;
}

} // namespace tenancy::query
