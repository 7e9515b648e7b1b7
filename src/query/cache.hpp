/*
 * Answers of statements that only read, in shared memory: found by their key, handed from the session that runs a
 * statement to those that wait for the same one, and worthless once somebody has written. PG regime, private to query.
 */
#pragma once

#include <string_view>

#include "core/uuid.hpp"
#include "query/key.pure.hpp"

#include "bridge/pg.hpp"

namespace tenancy::query::cache {

/* Whose answer is wanted, and how old it may be. */
struct Wish {
	Digest key;   /* of everything that the answer depends on */
	Digest place; /* the database that it is from */
	core::Uuid user, connection;
	int64 version;
	int64 ttl; /* microseconds */
	const char *sql;
};

/* An answer; texts are borrowed. */
struct Result {
	std::string_view columns, rows; /* JSON */
	std::string_view hash;
	int64 row_count;
	bool truncated;
};

enum class Finding : uint8 {
	found,   /* result is valid until let_go() */
	leading, /* nobody runs it: do so, then publish() or let_go() */
	alone,   /* run it without the cache */
	late     /* another session runs it, for longer than patience */
};

/* What there is; waits for another session that runs the same. */
Finding look_up(const Wish &wish, long patience_ms, Result *result);
/* Give the answer to those who wait for it, and keep it unless somebody wrote meanwhile. */
void publish(const Wish &wish, const Result &result);
/* End whatever this backend has of the cache: a result in use, a run that others wait for, a wait. */
void let_go() noexcept;

/* Is there a cache at all? */
bool is_on() noexcept;
/* Does this backend write somewhere at this moment? */
bool is_writing() noexcept;

void request_shared_memory();
void start_shared_memory();

} // namespace tenancy::query::cache
