/*
 * PostgreSQL's own grammar as a judge of statements for PostgreSQL. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "catalog/schema.hpp"

namespace tenancy::ask {

/*
 * Why sql, for a PostgreSQL server, is not one SELECT that only reads, as a clause in words; NULL when it is. A
 * statement with syntax that is newer than this server is refused. Raises cancels and lack of memory only.
 * The names of schema, which it asks, are columns also where functions are called so.
 */
const char *grammar_objection(const char *sql, const catalog::Schema &schema);

} // namespace tenancy::ask
