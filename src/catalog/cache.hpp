/*
 * The cached schema of a connection, and its detection. PG regime, private to catalog.
 */
#pragma once

#include "catalog/catalog.hpp"

extern "C" {
#include "utils/jsonb.h"
}

namespace tenancy::catalog {

struct Cached {
	Jsonb *document;         /* in CurrentMemoryContext; NULL: none of this version of the connection */
	int64 version;           /* of the last detected schema; 0: never */
	TimestampTz detected_at; /* of document */
	bool fresh;              /* neither too old nor stale */
};

Cached read_cached(const connection::Config &config);

/*
 * Keep document as the schema that follows version before. False, and nothing happened, when the row is locked, not
 * at that version any more, or newer than detected_at. Nothing waits here: detections must not wait for each other, nor
 * for the owner's transactions.
 */
bool store(const connection::Config &config, int64 before, int64 version, TimestampTz detected_at, Jsonb *document);

/* Ask the client database, as a run of history, and keep the answer where that can be done at once. */
struct Detected {
	const Schema *schema;
	Jsonb *document;
};
Detected detect(const connection::Config &config);
/* The same; false, with failure filled, when the client database does not answer. */
bool detect(const connection::Config &config, Detected *detected, bridge::Failure *failure);

/* The document of a schema, read; owned by CurrentMemoryContext. */
const Schema *parse(Jsonb *document);

} // namespace tenancy::catalog
