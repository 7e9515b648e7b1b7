/*
 * Columns and cells of a libpq result in the terms of remote/value.hpp. Pure regime.
 */
#pragma once

#include <map>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "remote/value.hpp"

namespace tenancy::remote::postgres {

enum class Decoding : unsigned char { text, boolean, integer, float4, float8, bytes };

/* Names of types that are not built in, as the server spells them. */
using TypeNames = std::map<Oid, std::string>;

/* The columns of a result, and of a prepared statement's description. */
std::vector<Column> columns_of(const PGresult *result, const TypeNames &names);

/* How each column's text becomes cells. */
std::vector<Decoding> decodings_of(const std::vector<Column> &columns);

/* The types of result that only the server can name. */
std::vector<Oid> unnamed_types(const PGresult *result, const TypeNames &names);

void append_row(Batch &batch, const PGresult *result, int row, const std::vector<Decoding> &decodings);

} // namespace tenancy::remote::postgres
