/*
 * Rows of SQLite that are not found by their key: gone, or there under another spelling of the key. PG regime.
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

/* Of these a value has one form, whoever wrote it. */
bool
has_one_form(const Column &column)
{
	Family const family = reading_of(column).family;
	return family == Family::integer || family == Family::text || family == Family::blob;
}

uint64
hash_of(const remote::ParamView &param, uint64 seed)
{
	uint64 const kind = hash_combine64(seed, static_cast<uint64>(param.kind));
	uint64 const number = hash_combine64(kind, static_cast<uint64>(param.integer));
	uint64 const real =
		hash_bytes_extended(reinterpret_cast<const unsigned char *>(&param.real), sizeof(double), number);
	return hash_bytes_extended(reinterpret_cast<const unsigned char *>(param.text.data()),
	                           static_cast<int>(param.text.size()), real);
}

} // namespace

void
begin_found(Modification &modification)
{
	bool doubtful = false;
	ListCell *cell;
	foreach (cell, modification.keys)
		doubtful = doubtful || !has_one_form(modification.table->columns[lfirst_int(cell) - 1]);
	if (modification.plan.type != remote::DatabaseType::sqlite || modification.plan.operation == CMD_INSERT ||
	    !doubtful)
		return;
	HASHCTL control{};
	control.keysize = control.entrysize = sizeof(uint64);
	control.hcxt = modification.lasting;
	modification.found_keys = hash_create("keys of changed rows", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
note_key(Modification &modification, int first)
{
	if (modification.found_keys == nullptr)
		return;
	modification.key_hash = 0;
	for (int i = first; i < modification.param_count; ++i)
		modification.key_hash = hash_of(modification.params[i], modification.key_hash);
}

/* A join may name a row twice: what this statement itself has changed or deleted may be gone under its key. */
void
check_found(Modification &modification, int64 rows)
{
	if (modification.found_keys == nullptr)
		return;
	bool found;
	(void) hash_search(modification.found_keys, &modification.key_hash, rows > 0 ? HASH_ENTER : HASH_FIND, &found);
	if (rows == 0 && !found)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
		     errmsg("row of foreign table \"%s\" was not found by its key",
		            RelationGetRelationName(modification.relation)),
		     errdetail("SQLite compares keys as they are spelled: the remote row spells its key in another way than "
		               "PostgreSQL, or another command has removed the row.")));
}

} // namespace tenancy::fdw
