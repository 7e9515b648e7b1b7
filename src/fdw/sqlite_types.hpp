/*
 * What a column of a SQLite table may hold, whatever its declaration says, and how its values are made sure of.
 * PG regime.
 */
#pragma once

#include "fdw/option.hpp"

namespace tenancy::fdw {

/* Types whose values mean the same in SQLite. */
enum class Family : uint8 { none, integer, boolean, real, numeric, text, blob };

/* How a column is read. */
struct Reading {
	Family family;
	bool strict;       /* SQLite itself keeps out what the local type cannot hold */
	const char *guard; /* tenancy_…: its argument, or an error for what the local type cannot hold */
};

Family family_of(Oid type);
Reading reading_of(const Column &column);
/* A date or a timestamp, which SQLite keeps as text of any form. */
bool is_dated(const Column &column);
/* Text of the column needs COLLATE BINARY to compare byte by byte. */
bool collates_otherwise(const Column &column);
/* Equality under the column's own collation finds at least what is equal byte by byte. */
bool collates_coarsely(const Column &column);

} // namespace tenancy::fdw
