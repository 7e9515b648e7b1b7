/*
 * Rows of query_history as the rollups see them. PG regime.
 */
#pragma once

#include "bridge/trigger.hpp"
#include "core/uuid.hpp"
#include "dashboard/statement.hpp"

namespace tenancy::dashboard {

struct Run {
	core::Uuid user, connection; /* nil: none */
	TimestampTz started;
	int64 duration; /* in µs; -1: not known */
	int64 rows, bytes;
	int32 ms;
	bool cached, truncated;
	const char *source, *status;
	const char *error_code; /* NULL: none */
	bool stated;            /* false: no statement came of it */
	Statement statement;

	bool failed() const { return strcmp(status, "success") != 0; }
};

/* The runs are in CurrentMemoryContext. */
struct Runs {
	Run *first;
	int count;

	Run *begin() const { return first; }
	Run *end() const { return first + count; }
};

/* The new rows of query_history; called within bridge::spi. No two of their texts are in memory at the same time. */
Runs read_runs(const TriggerData &trigger);

/* The rows with these ids; called within bridge::spi. */
Runs find_runs(Datum ids);

} // namespace tenancy::dashboard
