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

/* In CurrentMemoryContext. */
struct Runs {
	Run *first;
	int count;

	Run *begin() const { return first; }
	Run *end() const { return first + count; }
};

/* The new rows of query_history; within bridge::spi. Of their texts no two are in memory together. */
Runs read_runs(const TriggerData &trigger);

/* The rows with these ids; within bridge::spi. */
Runs find_runs(Datum ids);

} // namespace tenancy::dashboard
