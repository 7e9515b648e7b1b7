/*
 * Cells become Datums of the type that the local side wants, by that type's own rules. PG regime.
 */
#pragma once

#include "remote/value.hpp"

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/* The conversions of values that do without the input function. */
enum class Way : uint8 {
	none,
	int8,
	int4,
	int2,
	oid,
	boolean,
	float8,
	float4,
	bytes,
	date,
	time,
	timestamp, /* with and without time zone */
	numeric,
	text,
	bounded_text, /* varchar(n), and char(n) that fills its n */
	uuid
};

/* How one column is converted; made once per result. */
struct Converter {
	Oid type;
	Oid base_type; /* of a domain; else type */
	int32 typmod;
	Oid io_param;
	FmgrInfo input;
	MemoryContext context; /* of what match() looks up */
	/* What the remote column is, 0 until match(); the rest is for its cells in wire form. */
	Oid remote_type;
	Way way;
	bool utc;          /* see remote::Column */
	bool same_type;    /* the remote type is the local one, or the one that the local domain is over */
	bool encoded_text; /* its wire form holds text, which receive functions take in the encoding of the client */
	Oid receive_param;
	FmgrInfo receive; /* of the local type when it is the same, else of the remote one */
};

/* palloc'd lookups stay in CurrentMemoryContext, which has to live as long as the converter. */
Converter make_converter(Oid type, int32 typmod);

/* One converter for each attribute of descriptor that is not dropped; palloc'd in CurrentMemoryContext. */
Converter *make_converters(TupleDesc descriptor);

/*
 * Tell converters what columns their cells come from: needed before a cell of the kinds that only
 * RunOptions::native allows. Cheap when they know already.
 */
void match(Converter &converter, const remote::Column &column);
void match(Converter *converters, const remote::Column *columns, int count);

/*
 * The value of cell, palloc'd in CurrentMemoryContext where it is by reference. Errors are those of the type's
 * input function: 22P02, 22003, 22007 …; 22P02 for numbers (but 20240229) that should be dates or times, for
 * bit strings that should be any of them, and for anything but bytes that should be bytes, which that function would
 * read as something; 22021 for text that is not in the encoding UTF8; those of the receive function for a wire form.
 */
Datum cell_datum(Converter &converter, const remote::Cell &cell, bool *is_null);

} // namespace tenancy::bridge
