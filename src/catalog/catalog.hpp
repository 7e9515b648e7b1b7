/*
 * What client databases have, cached with their connections: for SQL functions, and for features above. PG regime.
 */
#pragma once

#include "bridge/enter.hpp"
#include "catalog/schema.hpp"
#include "connection/connection.hpp"

namespace tenancy::catalog {

/* The schema of a connection, cached or detected now; owned by CurrentMemoryContext. */
const Schema *require_schema(const connection::Config &config);
/* The same; NULL, with failure filled, when the client database does not answer. */
const Schema *find_schema(const connection::Config &config, bridge::Failure *failure);

} // namespace tenancy::catalog
