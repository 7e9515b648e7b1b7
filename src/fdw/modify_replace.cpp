/*
 * Rows with one key in one INSERT that replaces rows. PG regime.
 *
 * Equal keys have equal hashes. Two other keys may have one too, and then stand in two statements, which is slower and
 * not wrong.
 */
#include "fdw/modify.hpp"

extern "C" {
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "port/pg_bitutils.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace tenancy::fdw {

namespace {

/* Hashes, in a table with room for twice as many; zero is an empty place. */
struct Hashes {
	uint32 *places;
	uint32 mask;
};

Hashes
make_hashes(int count)
{
	Size const room = 2 * static_cast<Size>(pg_nextpower2_32(static_cast<uint32>(count)));
	return {static_cast<uint32 *>(palloc0(room * sizeof(uint32))), static_cast<uint32>(room - 1)};
}

/* False when it is there already. */
bool
add_hash(Hashes &hashes, uint32 hash)
{
	hash = hash == 0 ? 1 : hash;
	uint32 place = hash & hashes.mask;
	while (hashes.places[place] != 0 && hashes.places[place] != hash)
		place = (place + 1) & hashes.mask;
	bool const fresh = hashes.places[place] == 0;
	hashes.places[place] = hash;
	return fresh;
}

/* Are two values that differ here different keys there? Not when the remote type or collation folds them. */
bool
tells_apart(const Column &column)
{
	bool const folds = column.remote_collation != nullptr && strcmp(column.remote_collation, "nondeterministic") == 0;
	return !folds && (column.native_type == nullptr || has_array_form(column) ||
	                  strcmp(column.native_type, format_type_with_typemod(column.type, column.typmod)) == 0 ||
	                  strcmp(column.native_type, format_type_be(column.type)) == 0);
}

/* The functions for the keys, NULL when one of them has none. */
TypeCacheEntry **
hash_functions(const Modification &modification)
{
	auto **const entries = static_cast<TypeCacheEntry **>(
		palloc(sizeof(TypeCacheEntry *) * static_cast<Size>(list_length(modification.keys))));
	ListCell *cell;
	foreach (cell, modification.keys) {
		Column const &column = modification.table->columns[lfirst_int(cell) - 1];
		TypeCacheEntry *const entry = lookup_type_cache(getBaseType(column.type), TYPECACHE_HASH_PROC_FINFO);
		if (!OidIsValid(entry->hash_proc) || !tells_apart(column))
			return nullptr;
		entries[foreach_current_index(cell)] = entry;
	}
	return entries;
}

/* False for a row without a whole key, which replaces nothing. */
bool
hash_of_key(const Modification &modification, TypeCacheEntry **entries, TupleTableSlot *slot, uint32 *hash)
{
	*hash = 0;
	ListCell *cell;
	foreach (cell, modification.keys) {
		AttrNumber const number = static_cast<AttrNumber>(lfirst_int(cell));
		Oid const collation = modification.table->columns[number - 1].collation;
		TypeCacheEntry *const entry = entries[foreach_current_index(cell)];
		bool is_null;
		Datum const value = slot_getattr(slot, number, &is_null);
		if (is_null)
			return false;
		*hash = hash_combine(*hash, DatumGetUInt32(FunctionCall1Coll(&entry->hash_proc_finfo, collation, value)));
	}
	return true;
}

} // namespace

int
count_distinct(const Modification &modification, TupleTableSlot **slots, int count)
{
	if (modification.plan.conflict != Conflict::replace || modification.plan.type != remote::DatabaseType::postgresql ||
	    count == 1)
		return count;
	TypeCacheEntry **const entries = hash_functions(modification);
	if (entries == nullptr)
		return 1;
	Hashes hashes = make_hashes(count);
	for (int i = 0; i < count; ++i) {
		uint32 hash;
		if (hash_of_key(modification, entries, slots[i], &hash) && !add_hash(hashes, hash))
			return i;
	}
	return count;
}

} // namespace tenancy::fdw
