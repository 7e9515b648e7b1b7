/*
 * Functions of PostgreSQL that SQLite can say, with the same value and the same errors for every argument. PG regime.
 */
#pragma once

#include "fdw/sqlite_types.hpp"

namespace tenancy::fdw {

/* A comparison of two values of one family. */
struct Comparison {
	Oid function;
	const char *op;
	Family family;
};

/* What a template asks of the arguments beyond their types. */
enum class Demand : uint8 {
	nothing,
	divisor,       /* the second is a constant, and not zero, for which SQLite answers NULL */
	ascii,         /* a collation in which only ASCII letters have another case */
	deterministic, /* text that is equal only when its bytes are */
	trimmed,       /* the second is a constant short enough for the driver's trim */
	replacement,   /* the second and the third are constants: SQLite looks at the third only when it needs it */
	start,         /* the second is a constant above zero, the third one is not below zero */
	count,         /* the second is a constant, not below zero */
	positive_count /* the second is a constant above zero */
};

struct Template {
	Oid function;
	const char *text;
	Demand demand = Demand::nothing;
};

/* NULL: none. */
const Comparison *find_comparison(Oid function);
const Template *find_template(Oid function);

/* < for >, and so on: the comparison with its sides exchanged. */
const char *commuted(const char *op);

} // namespace tenancy::fdw
