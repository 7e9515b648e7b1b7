/*
 * Cells become Datums of the type that the local side wants, by that type's own rules. PG regime.
 */
#pragma once

#include "remote/value.hpp"

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/* How one column is converted; made once per result. */
struct Converter {
	Oid type;
	Oid base_type; /* of a domain; else type */
	int32 typmod;
	Oid io_param;
	FmgrInfo input;
};

/* For each attribute of descriptor; palloc'd in CurrentMemoryContext. */
Converter *make_converters(TupleDesc descriptor);

/*
 * The value of cell, palloc'd in CurrentMemoryContext where it is by reference. Errors are those of the type's
 * input function: 22P02, 22003, 22007 …; 22021 for text that is not in the encoding UTF8.
 */
Datum cell_datum(Converter &converter, const remote::Cell &cell, bool *is_null);

} // namespace tenancy::bridge
