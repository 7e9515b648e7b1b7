/*
 * Questions in plain language about a client database, as SQL. PG regime.
 */
#pragma once

#include "bridge/enter.hpp"
#include "connection/connection.hpp"

namespace tenancy::ask {

/* Shared memory; see module.cpp. */
void request_shared_memory();
void start_shared_memory();

/* What has become of a question. Texts are in the server's encoding, in CurrentMemoryContext. */
struct Outcome {
	enum class End { translated, refused, failed };
	End end;
	char *sql;              /* refused: what may not run, or NULL */
	const char *translator; /* built-in, or endpoint:<model> */
	char *understood;       /* refused: why; failed: NULL */
	bridge::Failure failure;
};

/*
 * Have a question translated by the translator that is set, and the statement checked and prepared on the client
 * database. A failure of the endpoint or of the client database, and a cancel, are in failure; other errors are raised.
 */
void translate(const connection::Config &config, const char *question, Outcome *outcome);

/* Longest question, in bytes. */
constexpr int most_question = 8192;

} // namespace tenancy::ask
