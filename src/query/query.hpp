/*
 * Running statements on client databases, for SQL functions and for the features above. PG regime.
 */
#pragma once

#include "connection/connection.hpp"
#include "query/key.pure.hpp"

#include "history/history.hpp"

#include "bridge/pg.hpp"

namespace tenancy::query {

/* Hooks and shared memory; see module.cpp. */
void initialize();
void request_shared_memory();
void start_shared_memory();

/* Register the scan that cursors of open_query run on. */
void initialize_cursors();

/* What the cache holds, of all databases; a capacity of 0: there is none. */
struct CacheCondition {
	int64 answers;
	Size bytes, capacity;
};
CacheCondition cache_condition();

/* One statement whose answer is a JSON document. */
struct Request {
	connection::Selector selector;
	const char *sql;
	remote::ParamList params;
	int64 max_rows; /* -1: as many as the settings let through */
	history::Source source;
	const char *question;      /* natural language, or NULL */
	bool read_only;            /* this statement may only read, whatever the connection may */
	const Interval *cache_ttl; /* NULL: the connection's; zero: neither from the cache nor into it */
};

/*
 * Run it and answer what docs/query.md describes, also when the connection is denied or the remote side fails. members,
 * when not NULL, are further members of the document, as in ",\"question\":…".
 */
text *answer(const Request &request, const char *members);

/* The same document about what ended before there was a statement to run; without an error, message is NULL. */
struct Ending {
	core::Uuid query_id;
	history::Status status;
	int64 milliseconds;
	const char *code, *sqlstate, *message;
};
text *answer_without_rows(const Ending &ending, const char *members);

/*
 * The database that a connection leads to, for the user whose it is; and a write there, from before it reaches the
 * remote server until it has certainly ended. What the cache has from that place is then not given to anybody.
 */
Digest place_of(const connection::Config &config);
void begin_write(const Digest &place);
void end_write(const Digest &place) noexcept;

} // namespace tenancy::query
