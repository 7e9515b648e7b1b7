/*
 * What runs add up to: per quarter of an hour, and per day of each statement and connection; each for its user and for
 * all users together. PG regime: entries and their sums live in the caller's memory context.
 */
#pragma once

#include "dashboard/histogram.pure.hpp"

#include "bridge/datum.hpp"
#include "dashboard/run.hpp"

namespace tenancy::dashboard {

/* What runs of one sum have in common; what does not count for its kind is the same in all keys. */
struct Key {
	core::Uuid user; /* nil: none */
	int64 span;      /* the bucket's begin, or the day */
	core::Uuid connection;
	int64 fingerprint;
	const char *source, *status;
};

struct Entry {
	Key key;
	const Run *run;
	const char *sample; /* the statement without literals */
	bool fresh;         /* its sum had no row yet; set by who writes it, in the first entry of a sum */
};

struct Entries {
	Entry *first;
	int count;
};

/* What runs with the same key amount to. */
struct Sum {
	int64 runs, failures, rows, bytes, ms, cached, truncated;
	int32 max_ms;
	TimestampTz last_started, last_failed; /* DT_NOBEGIN: never */
	const char *last_error;
	Histogram latency;

	void clear();
	void add(const Run &run);
};

Entries by_bucket(const Runs &runs);
Entries by_statement(const Runs &runs);
Entries by_connection(const Runs &runs);

/* Sorts entries by key and hands out each sum with its first entry; what that takes is given back before the next. */
void write_sums(const Entries &entries, void (*write)(Entry &entry, const Sum &sum));

} // namespace tenancy::dashboard
