/*
 * Attachments: a schema whose foreign tables follow the tables of a connection. PG regime, private to fdw.
 * DDL runs as the extension's own hand (bridge/spi.hpp), in statements in which every name is quoted.
 */
#pragma once

#include "connection/connection.hpp"
#include "fdw/import.hpp"

#include "bridge/pg.hpp"

extern "C" {
#include "utils/array.h"
#include "utils/jsonb.h"
}

namespace tenancy::fdw {

/* What the tables of an attachment are made of and for. */
struct Attachment {
	const char *schema, *server;
	ImportRequest *request;
	List *grantees; /* char *: roles that get privileges on the tables */
	bool shared;    /* not all of the roles are the owner's alone: statistics of the tables are nobody's */
};

enum class Change : uint8 { table_added, table_dropped, table_changed, column_added, column_dropped, column_changed };

/* Receives the changes; report is called inside of an SPI scope, with column NULL for a table. */
struct Changes {
	void (*report)(Changes *changes, Change change, const char *table, const char *column);
};

/*
 * Make the foreign tables of the attachment what the remote tables are now; answers how many there are. first: each
 * table that is named must be there (42P01), and all tables get their privileges, not the new ones only.
 */
int32 synchronise(const Attachment &attachment, const connection::Config &config, bool first, Changes *changes);

/*
 * Chooses who gets privileges: the roles that are the owner without a token, those that had them before, and the
 * caller's role unless an admin is doing it for somebody else.
 */
void choose_grantees(Attachment *attachment, const core::Uuid &owner, bool first);
/*
 * What attach() makes belongs to the extension's owner, which tells it from what others make. Somebody else's server
 * could be turned to a connection of theirs (42710), somebody else's schema is theirs. These are called inside of an
 * SPI scope.
 */
bool is_own_server(const char *name);
bool is_own_schema(const char *name);
void require_own_server(const char *name);

/* Names that are no schema of a tenant (42939): those that are always reserved, as arguments are checked … */
void check_schema_name(const char *schema);
/* … and, when the schema is about to be made, those that are in somebody's search_path. Inside of an SPI scope. */
void require_free_name(const char *schema);

/*
 * These raise 53400 beyond what one user may have; called inside of an SPI scope. Calls for the same user wait for each
 * other until the transaction ends, so that together they stay within the limits.
 */
void check_attachments(const core::Uuid &user, const char *schema);
void check_tables(const core::Uuid &user, int dropped, int made);
/*
 * Note that so many more tables are going to be made, changed or dropped, each of which PostgreSQL locks until the
 * transaction ends; 53400 beyond a quarter of the server's lock table, so that others find room there. alone: it is the
 * only such work of the transaction and makes no table, and is not refused: there would be no other way to follow the
 * remote schema, or to be rid of it.
 */
void reserve_table_locks(int64 count, bool alone);
/* Has this transaction noted none yet, so that what comes is alone? */
bool has_reserved_none();

/* These are called inside of an SPI scope. */
void grant_schema(const Attachment &attachment);
void grant_table(const Attachment &attachment, const char *table);

/* Run DDL inside of an SPI scope. */
void execute(const char *statement);

/* Equal, or both NULL. */
bool same_text(const char *left, const char *right);

struct WantedOption {
	const char *name, *value; /* NULL: not there */
};
/*
 * Append to out what turns the options that are there into the wanted ones, as the inside of OPTIONS (…): SET, ADD
 * and DROP. False when nothing is to be done.
 */
bool print_options(StringInfo out, List *present, const WantedOption *wanted, int count);

/* One server for each schema, so that its options are the attachment's own. */
char *server_name(const core::Uuid &connection, const char *schema);
/*
 * Options of the attachment: those of imports into the request, the others are the server's. Of a new one none is null;
 * what is kept of an old one may be.
 */
enum class Age : bool { fresh, kept };
WantedOption *split_options(Jsonb *given, Age age, ImportOptions *import, int *count);
/* All tables of the remote schema, or those that are named. */
ImportRequest *request_for(const char *remote_schema, ArrayType *tables);
/* The server with exactly these options and the connection. Inside of an SPI scope. */
void make_server(const char *name, const char *connection, WantedOption *options, int count);

} // namespace tenancy::fdw
