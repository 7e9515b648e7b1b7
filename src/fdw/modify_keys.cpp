/*
 * Keys of the rows that UPDATE and DELETE have changed row by row: what comes again, and what is not found. PG regime.
 *
 * A join may name a row of its target twice. UPDATE changes it once, like a row of PostgreSQL's own, which tells that
 * by the version of the row; here the keys tell it. They are kept until the statement ends, whole, as a hash that two
 * of them share would lose a change: about a hundred bytes for each row, and the texts of its key.
 *
 * SQLite compares dates, times, booleans and values without a declared type as they are spelled. A row whose key is
 * spelled in another way than ours is read like any other, but is not found, and nobody would notice.
 */
#include "fdw/modify.hpp"
#include "fdw/sqlite_types.hpp"

extern "C" {
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

/* Does the same value always have the same form in the column, whoever wrote it? */
bool
has_one_form(const Column &column)
{
	Family const family = reading_of(column).family;
	return family == Family::integer || family == Family::text || family == Family::blob;
}

uint32
hash_key(const void *key, Size)
{
	auto const *const part = static_cast<const KeyBytes *>(key);
	return hash_bytes(reinterpret_cast<const unsigned char *>(part->bytes), static_cast<int>(part->size));
}

int
compare_keys(const void *left, const void *right, Size)
{
	auto const *const one = static_cast<const KeyBytes *>(left);
	auto const *const other = static_cast<const KeyBytes *>(right);
	return one->size == other->size && memcmp(one->bytes, other->bytes, one->size) == 0 ? 0 : 1;
}

/* Does each row come once? A scan gives none twice, a join may. */
bool
names_once(const Plan *plan)
{
	if (plan == nullptr)
		return true;
	ListCell *cell;
	switch (nodeTag(plan)) {
	case T_SeqScan:
	case T_IndexScan:
	case T_IndexOnlyScan:
	case T_BitmapHeapScan:
	case T_TidScan:
	case T_TidRangeScan: return true;
	case T_ForeignScan: return reinterpret_cast<const ForeignScan *>(plan)->scan.scanrelid > 0;
	case T_Append:
		foreach (cell, reinterpret_cast<const Append *>(plan)->appendplans)
			if (!names_once(static_cast<const Plan *>(lfirst(cell))))
				return false;
		return true;
	case T_Result: return names_once(outerPlan(plan));
	default: return false;
	}
}

bool
has_doubtful_key(const Modification &modification)
{
	ListCell *cell;
	foreach (cell, modification.keys)
		if (!has_one_form(modification.table->columns[lfirst_int(cell) - 1]))
			return true;
	return false;
}

} // namespace

void
begin_keys(Modification &modification, const Plan *below)
{
	bool const by_itself = modification.plan.operation == CMD_DELETE && modification.later == nullptr;
	modification.changes_once = !by_itself && !names_once(below);
	modification.doubts_missing =
		modification.plan.type == remote::DatabaseType::sqlite && has_doubtful_key(modification);
	if (!modification.changes_once && !modification.doubts_missing)
		return;
	HASHCTL control{};
	control.keysize = control.entrysize = sizeof(KeyBytes);
	control.hash = hash_key;
	control.match = compare_keys;
	control.hcxt = modification.lasting;
	modification.changed_keys =
		hash_create("keys of changed rows", 256, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

void
note_key(Modification &modification, int first)
{
	if (modification.changed_keys == nullptr)
		return;
	StringInfoData bytes;
	initStringInfo(&bytes);
	append_params(&bytes, modification, first);
	modification.key = {bytes.data, static_cast<Size>(bytes.len)};
}

bool
is_changed(const Modification &modification)
{
	return hash_search(modification.changed_keys, &modification.key, HASH_FIND, nullptr) != nullptr;
}

/* A join may name a row twice: what this statement itself has changed or deleted may be gone under its key. */
void
check_found(Modification &modification, int64 rows)
{
	if (modification.changed_keys == nullptr)
		return;
	if (rows > 0) {
		bool found;
		auto *const entry =
			static_cast<KeyBytes *>(hash_search(modification.changed_keys, &modification.key, HASH_ENTER, &found));
		if (!found) {
			auto *const copy = static_cast<char *>(MemoryContextAlloc(modification.lasting, entry->size));
			memcpy(copy, entry->bytes, entry->size);
			entry->bytes = copy;
		}
	} else if (!is_changed(modification))
		refuse_missing(modification);
}

void
refuse_missing(const Modification &modification)
{
	if (modification.doubts_missing)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
		     errmsg("row of foreign table \"%s\" was not found by its key",
		            RelationGetRelationName(modification.relation)),
		     errdetail("SQLite compares keys as they are spelled: the remote row spells its key in another way than "
		               "PostgreSQL, or another command has removed the row.")));
}

} // namespace tenancy::fdw
