/*
 * Which client database is meant, may it be used, and how to reach it: what queries ask of connections. PG regime.
 */
#pragma once

#include "connection/pool.pure.hpp"
#include "core/uuid.hpp"
#include "remote/driver.hpp"

#include "bridge/pg.hpp"

namespace tenancy::connection {

/* The first argument of every function on a connection: a name, or an id as uuid or as its text. */
struct Selector {
	const char *text; /* as the user wrote it, for messages and history */
	bool is_id;
	core::Uuid id;
};

/* Read argument n, of declared type text or uuid. */
Selector selector_argument(FunctionCallInfo fcinfo, int n);
Selector selector_of(const core::Uuid &id);
/* Would a selector take that text for an id? */
bool is_id(const char *text);

constexpr Size most_option_bytes = 512 << 10; /* as jsonb; certificates may have half of them */

struct Option {
	const char *key, *value; /* in UTF-8 */
};

/* A row of database_connections, in palloc'd plain data; NULL for SQL null. */
struct Config {
	core::Uuid id, user;
	int64 version;
	uint64 fingerprint; /* of all fields: a version comes again after a change that was rolled back */
	char *name;
	remote::DatabaseType type;
	const char *host; /* from here on in UTF-8, as all that client databases are told */
	int port;
	const char *database, *username;
	char *password_encrypted;
	bool active;
	int option_count;
	Option *options;
	char *options_json;
};

/*
 * The connection that selector names, of the current user; an admin finds everybody's. False when there is
 * none, and just so when it is somebody else's: callers then deny(), and nobody learns which it was.
 */
bool find(const Selector &selector, Config *config);
[[noreturn]] void deny(const Selector &selector);
/* find() or deny(). */
Config require(const Selector &selector);

/* The type of a connection, for planning; 42501 as deny() when there is no such connection. Cached per backend. */
remote::DatabaseType type_of(const core::Uuid &id);
/* Remembers the type that find() has just seen. */
void remember_type(const core::Uuid &id, remote::DatabaseType type);

/* The error text of deny(), for answers that do not raise. */
constexpr const char *denied_sqlstate = "42501";
char *denied_message(const Selector &selector);

/*
 * Make ready to acquire a session: key, limits and either a session of the pool that still lives, which may be asked
 * for that, or (always when fresh is set) the target with its opened password. The object dies with
 * CurrentMemoryContext, and gives the session back. Raises 55000 for an inactive connection.
 */
Opening *prepare(const Config &config, bool fresh = false);

/*
 * For workers, which have no identity: these find a connection whoever owns it, and answer what its owner would get of
 * prepare() for a fresh session. Nothing that a statement can call may use them.
 */
bool find_for_worker(const core::Uuid &id, Config *config);
Opening *prepare_for_owner(const Config &config);

/* What connecting afresh and asking the server came to. */
struct Probe {
	bool ok;
	const char *code; /* ok, or as test_connection answers */
	char *message;    /* palloc'd; NULL when it is well */
	char server_version[128];
	double latency_ms; /* of the question */
};

/* Connect, not by the pool, and ask. Raises only what PostgreSQL itself raises, as a cancel. */
Probe probe(Opening &opening);

/* How long answers of the connection may be cached, in seconds; 0 when its options do not say. */
int64 cache_ttl(const Config &config);

/* The pool of this backend. */
Pool &pool();

} // namespace tenancy::connection
