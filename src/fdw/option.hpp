/*
 * Options of tenant_fdw on servers, tables and columns, and a foreign table as the planner and the executor see it.
 * PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "core/uuid.hpp"
extern "C" {
#include "nodes/pg_list.h"
}

namespace tenancy::fdw {

/* The options of a server, or those of a table, which take the place of the server's. */
struct Options {
	core::Uuid connection;
	int fetch_size = 1000;
	int batch_size = 1000;
	bool updatable = true;
	bool truncatable = true;
	bool upsert = false; /* INSERT replaces the row that has the same key */
	bool async_capable = false;
	bool keep_connections = true;
	bool use_remote_estimate = false;
	bool trust_remote_collation = false; /* text order of the remote server is that of the local collation */
	double startup_cost = 100.0;         /* fdw_startup_cost */
	double tuple_cost = 0.01;            /* fdw_tuple_cost */
};

/* A column; every string is palloc'd, NULL where nothing is said. */
struct Column {
	const char *name; /* on the remote server */
	Oid type;
	int32 typmod;
	Oid collation;
	const char *native_type; /* the remote server's type, as IMPORT FOREIGN SCHEMA recorded it, in lower case */
	const char *remote_collation;
	bool not_null;  /* the local column says so, and so did the remote one at import */
	bool key;       /* part of the primary key */
	bool indexed;   /* first column of a remote index */
	bool generated; /* the remote server computes it: never sent */
	bool identity;  /* the remote server fills it when it is not given: auto_increment, identity, rowid */
	bool dropped;   /* of the local table: no such column any more */
	bool is_virtual; /* computed by this side where it is read */
};

/* Is it a column of the remote table, too? Of a virtual one there is nothing to send, nor to ask for. */
inline bool
is_remote(const Column &column)
{
	return !column.dropped && !column.is_virtual;
}

struct Table {
	Oid relation;
	Oid server;
	Options options;
	const char *schema_name; /* NULL: none, as in SQLite */
	const char *table_name;
	bool is_utf8;      /* the encoding of its database, as it was at import; false: another one, or not known */
	const char *query; /* a remote SELECT instead of a table: read only */
	int width;
	Column *columns; /* [attno - 1] */
};

/* The value of the option in a list of DefElem, or NULL. */
const char *option_value(List *options, const char *name);
/* Is the option of a column there and true? */
bool column_flag(List *options, const char *name);

/* Both raise HV00J when the server names no connection; the table is in CurrentMemoryContext. */
Options server_options(Oid server);
Table *load_table(Oid relation);

} // namespace tenancy::fdw
