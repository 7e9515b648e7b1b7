/*
 * A statement's fingerprint and the text that stands for all statements with it. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

namespace tenancy::dashboard {

struct Statement {
	int64 fingerprint;
	char *sample; /* without literals, at most 500 bytes; in CurrentMemoryContext */
};

/* database_type as in database_connections; NULL: not known, so that more is taken for a literal. */
Statement statement_of(const text *sql, const char *database_type);

} // namespace tenancy::dashboard
