/*
 * What client databases have, cached with their connections: for SQL functions, and for features above. PG regime.
 */
#pragma once

#include "catalog/schema.hpp"
#include "connection/connection.hpp"

namespace tenancy::catalog {

/* The schema of a connection, cached or detected now; owned by CurrentMemoryContext. */
const Schema *require_schema(const connection::Config &config);

} // namespace tenancy::catalog
