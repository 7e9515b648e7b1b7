/*
 * The digest of a row of query_history, the link that it adds to its user's hash chain. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::history {

/* Columns of query_history by their place, from 0. */
enum Attribute : int {
	attribute_id,
	attribute_user,
	attribute_connection,
	attribute_status = 7,
	attribute_created = 10,
	attribute_updated,
	attribute_truncated = 16,
	attribute_cached,
	attribute_finished = 19,
	attribute_seq = 24,
	attribute_hash,
	attribute_count
};

constexpr Size hash_size = 32;

/* A row of query_history, taken apart. */
struct Entry {
	Datum values[attribute_count];
	bool nulls[attribute_count];

	void set(Attribute attribute, Datum value)
	{
		values[attribute] = value;
		nulls[attribute] = false;
	}
};

void take_apart(HeapTuple tuple, TupleDesc description, Entry *entry);

/* SHA-256 of all columns but the hash itself, created_at and updated_at. buffer is scratch. */
void digest_of(const Entry &entry, StringInfo buffer, unsigned char *digest);

/* False, and hash stays as it is, when there is none of the right size. */
bool hash_value(Datum datum, bool is_null, unsigned char *hash);

/* SHA-256 of the hash before (none at the beginning of a chain) and a digest. */
void link_of(const unsigned char *before, const unsigned char *digest, unsigned char *hash);

} // namespace tenancy::history
