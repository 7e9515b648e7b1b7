/*
 * The plan of a modification, and the texts of its statements in the dialect of the table's server. PG regime.
 */
#pragma once

#include "fdw/option.hpp"
#include "fdw/render.hpp"

namespace tenancy::fdw {

/* What INSERT does about a row that is there already. */
enum class Conflict : uint8 {
	fail,
	skip,   /* ON CONFLICT DO NOTHING */
	replace /* option upsert */
};

/* What ExecForeign… needs to know. As fdw_private it is a list that begins with the remote SQL. */
struct ModifyPlan {
	const char *sql; /* for one row, as EXPLAIN and history show it */
	remote::DatabaseType type;
	CmdType operation;
	Conflict conflict;
	List *targets;  /* int: the columns that INSERT gives or UPDATE sets */
	List *returned; /* int: the columns that have to be read back */
};

List *encode_modify(const ModifyPlan &plan);
ModifyPlan decode_modify(List *fdw_private, CmdType operation);

/* The type of the database behind the server's connection, whose dialect it speaks. */
remote::DatabaseType dialect_of(const Table &table);

/* All columns that the remote table has, too, as a list of their numbers. */
List *live_columns(const Table &table);
List *key_columns(const Table &table);
/* The columns that expressions over range table entry varno name; a whole row names them all. */
List *columns_in(const Table &table, Node *expressions, Index varno);
/* The name of the junk attribute that carries a key column. */
const char *key_attribute_name(const Column &column, AttrNumber number);

/* May a trigger of this side give columns a value that the statement has not given? */
bool has_before_insert(Relation relation);

/* Texts of statements on one table, in the dialect of its server. */
struct Writer {
	Renderer *renderer;
	const Table *table;
};
Writer make_writer(const Table &table, remote::DatabaseType type);
char *insert_text(const Writer &writer, const ModifyPlan &plan, int rows);
/* The same for any number of rows, with an array for each column; NULL when a column's values cannot travel so. */
char *insert_arrays_text(const Writer &writer, const ModifyPlan &plan);
char *update_text(const Writer &writer, const ModifyPlan &plan);
char *delete_text(const Writer &writer, const ModifyPlan &plan);
/* The returned columns of the row with a key; of the key's columns in numbered the last INSERT has made the value. */
char *select_text(const Writer &writer, List *columns, List *numbered, bool lock);
/* "a", "b": the columns as a RETURNING list gives them. */
void print_outputs(const Writer &writer, List *columns);

} // namespace tenancy::fdw
