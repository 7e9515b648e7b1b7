/*
 * What the files that change rows through foreign tables share: the plan of a modification, the texts of its
 * statements, and the values that it sends. PG regime.
 */
#pragma once

#include "bridge/cell.hpp"
#include "fdw/channel.hpp"
#include "fdw/mysql_native.hpp"
#include "fdw/option.hpp"
#include "fdw/render.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "utils/tuplestore.h"
}

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
bool has_before_insert(::Relation relation);

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

/* How the values of one column are sent. */
struct Encoder {
	enum class Form : uint8 {
		plain, /* as every parameter */
		text,  /* a varlena of characters */
		numeric,
		date,
		timestamp,
		timestamptz,
		time,
		clock,  /* an interval for a column of hours, minutes and seconds */
		finite, /* a floating-point number for a server that knows no others */
		output  /* the type's output function under portable settings */
	};
	Form form;
	Oid type; /* under its domains */
	remote::DatabaseType dialect;
	const Column *column;
	NativeType native;   /* unknown for other engines than MySQL */
	bool counts_digits;  /* more than 15 of them would be lost on the way */
	bool is_number_like; /* text that looks like a number would become one */
	bool is_text;        /* numbers would become texts of 15 digits */
	FmgrInfo output;
	FmgrInfo send;
};

Encoder make_encoder(const Column &column, remote::DatabaseType dialect);
/* The value as it is sent; it is in CurrentMemoryContext, or borrowed from value. */
remote::ParamView encode(Encoder &encoder, Datum value, bool is_null);
/*
 * The same for a value that will be stored: one that the column would change is an error, if it is one of MySQL and of
 * a known type.
 */
remote::ParamView encode_stored(Encoder &encoder, Datum value, bool is_null);
void check_mysql_value(const Encoder &encoder, const remote::ParamView &param);
/* Does the column take what an expression on the server gives without changing it? */
bool mysql_keeps_values(const Column &column);
/* Output functions obey settings: encode() then wants portable ones around it. */
bool needs_settings(const Encoder &encoder);

/* Types whose binary form is the same in every version and every database encoding. */
bool has_portable_binary(Oid type);
/* May values of the column travel in the binary form of its type's array, and does the remote column take them? */
bool has_array_form(const Column &column);
/* One element of such an array. */
void append_element(Encoder &encoder, StringInfo array, Datum value, bool is_null);
StringInfo begin_array(const Encoder &encoder);
remote::ParamView end_array(const Encoder &encoder, StringInfo array, int rows, bool has_null);

/* A statement on its way, with what must be read back from it. */
struct Reader {
	Statement *statement;
	bridge::Converter *converters; /* by column number - 1 */
};

/* The parameters of a key, one after the other. */
struct KeyBytes {
	const char *bytes;
	Size size;
};

/* One foreign table under modification, from its begin to its end. */
struct Modification {
	::Relation relation;
	Table *table;
	ModifyPlan plan;
	Writer writer;
	Activity activity;
	int64 changed;     /* rows, for history */
	Encoder *encoders; /* by column number - 1 */
	bool needs_settings;
	Reader reader;
	MemoryContext lasting;      /* of the statement */
	MemoryContext memory;       /* of one call */
	List *keys;                 /* int */
	AttrNumber *key_attributes; /* of the plan's tuple, in the order of keys */
	HTAB *changed_keys;         /* of the rows that were changed; NULL: nobody asks for them */
	bool changes_once;          /* a row that comes again stays as it is */
	bool doubts_missing;        /* a row that is not found may be there */
	KeyBytes key;               /* that was noted last */
	Tuplestorestate *later;     /* changes that are put off, each a bytea; NULL: each is sent at once */
	char *select_sql;           /* reads a changed row back where RETURNING is not of the dialect */
	List *numbered_keys;        /* int: those that the server fills when INSERT gives them no value */
	char *select_numbered_sql;  /* reads back a row where it has */

	remote::ParamView *params;
	int param_count, param_room;

	/* INSERT of many rows at once. */
	char *arrays_sql; /* NULL: there is none */
	char *batch_sql;
	int batch_rows; /* that batch_sql is for */

	/* INSERT of a row that leaves identities to the server. */
	List *row_targets;
	char *row_sql;

	/* COPY before the server itself collects rows. */
	bool buffers;
	TupleDesc buffer_descriptor;
	TupleTableSlot **buffer;
	int buffered;
	Size buffered_bytes;

	Statement *counter; /* of the rows that ON CONFLICT DO NOTHING has skipped, where the server does not tell */
};

Modification *begin_modification(::Relation relation, const ModifyPlan &plan, MemoryContext memory);
inline Modification *
modification_of(ResultRelInfo *target)
{
	return static_cast<Modification *>(target->ri_FdwState);
}
/* Does nothing when the modification was never begun. */
void end_modification(ResultRelInfo *target);
/* Values are encoded between these two calls. */
int begin_values(const Modification &modification);
void end_values(const Modification &modification, int level);
void add_param(Modification &modification, const remote::ParamView &param);
/* The values of columns of a row become parameters. */
void add_params(Modification &modification, TupleTableSlot *slot, List *columns);
/* Run a statement with the parameters, and forget them; the number of rows that it changed. */
int64 run_statement(Modification &modification, const char *sql);
/* The same, and the first row that it returns goes into slot; the number of rows. */
int64 run_and_read(Modification &modification, const char *sql, TupleTableSlot *slot);
/*
 * Tell the converters of returned columns, which arrive in that order, what they are remotely; after the first fetch.
 */
void match_returned(List *returned, bridge::Converter *converters, const Statement &statement);

/* Keep the keys of changed rows, where the plan that finds them may name one twice, or SQLite not find one. */
void begin_keys(Modification &modification, const Plan *below);
/* The parameters from first on are a key. */
void note_key(Modification &modification, int first);
/* Has the statement changed the row with that key? */
bool is_changed(const Modification &modification);
/* Takes the number of rows with that key that were changed: none is an error when there may be such a row. */
void check_found(Modification &modification, int64 rows);
/* Raises an error where there may be a row that was not found. */
void refuse_missing(const Modification &modification);

/*
 * Keep the changes of rows until the statement reads no more, where it would see them: when it has more to read on the
 * connection than the one scan that finds the rows, and nothing on this side waits for the changed rows.
 */
void begin_later(Modification &modification, const ModifyTableState *state);
/* The parameters are those of a row; what they are is kept, and they are forgotten. */
void put_off(Modification &modification);
void run_put_off(Modification &modification);
/* Appends the parameters from first on as bytes. */
void append_params(StringInfo bytes, const Modification &modification, int first);
/* Raises an error when a key has changed more than one row. */
void refuse_several(const Modification &modification, int64 rows);

/*
 * How many of the first rows one INSERT may hold: a PostgreSQL server does not replace a row twice in one statement,
 * and with one statement after another the last one wins.
 */
int count_distinct(const Modification &modification, TupleTableSlot **slots, int count);

/* The parts of set_modify_callbacks(). */
void set_insert_callbacks(FdwRoutine *routine);
void set_modify_plan_callbacks(FdwRoutine *routine);
void set_truncate_callback(FdwRoutine *routine);
/* An INSERT without a plan of its own: of COPY, or of rows routed into a partition. */
ModifyPlan plan_routed_insert(ModifyTableState *state, ResultRelInfo *target, const Table &table);

} // namespace tenancy::fdw
