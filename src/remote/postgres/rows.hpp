/*
 * Columns and cells of a libpq result in the terms of remote/value.hpp. Pure regime.
 */
#pragma once

#include <map>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "remote/postgres/types.hpp"
#include "remote/value.hpp"

namespace tenancy::remote::postgres {

/* Names of types that are not built in, as the server spells them. */
using TypeNames = std::map<Oid, std::string>;

/* What a result looks like and how its cells are read, by the formats in which it came. */
struct Shape {
	Shape(const PGresult *result, const TypeNames &names);

	std::vector<Column> columns;
	std::vector<Decoding> decodings;
	bool binary = false;       /* its values are what send functions write */
	bool has_wire_form = true; /* of every column the values can be read in that form too */
};

/* The columns of a result, and of a prepared statement's description, as they are in text form. */
std::vector<Column> columns_of(const PGresult *result, const TypeNames &names);

/* The types of result that only the server can name. */
std::vector<Oid> unnamed_types(const PGresult *result, const TypeNames &names);

/* Throws 08P01 for a value that cannot be of its type. */
void append_row(Batch &batch, const PGresult *result, int row, const Shape &shape);

} // namespace tenancy::remote::postgres
