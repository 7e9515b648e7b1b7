/*
 * Running statements on client databases, for SQL functions and for the features above. PG regime.
 */
#pragma once

#include "connection/connection.hpp"

#include "history/history.hpp"

namespace tenancy::query {

/* Hooks; see module.cpp. */
void initialize();

/* Register the scan that cursors of open_query run on. */
void initialize_cursors();

/* One statement whose answer is a JSON document. */
struct Request {
	connection::Selector selector;
	const char *sql;
	remote::ParamList params;
	int64 max_rows; /* -1: as many as the settings let through */
	history::Source source;
	const char *question; /* natural language, or NULL */
	bool read_only;       /* this statement may only read, whatever the connection may */
};

/*
 * Run it and answer what docs/query.md describes, also when the connection is denied or the remote side fails. members,
 * when not NULL, are further members of the document, as in ",\"question\":…".
 */
text *answer(const Request &request, const char *members);

} // namespace tenancy::query
