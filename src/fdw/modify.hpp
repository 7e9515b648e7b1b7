/*
 * What the files that change rows through foreign tables share: a modification from its begin to its end. PG regime.
 */
#pragma once

#include "bridge/cell.hpp"
#include "bridge/param.hpp"
#include "fdw/channel.hpp"
#include "fdw/encoder.hpp"
#include "fdw/writer.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "utils/tuplestore.h"
}

namespace tenancy::fdw {

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
	Relation relation;
	Table *table;
	ModifyPlan plan;
	Writer writer;
	Activity activity;
	int64 changed;     /* rows, for history */
	Encoder *encoders; /* by column number - 1 */
	bool needs_portable_output;
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

Modification *begin_modification(Relation relation, const ModifyPlan &plan, MemoryContext memory);
inline Modification *
modification_of(ResultRelInfo *target)
{
	return static_cast<Modification *>(target->ri_FdwState);
}
/* Does nothing when the modification was never begun. */
void end_modification(ResultRelInfo *target);

/* Run body while output functions write text that every server reads; encode only inside. */
template <typename Body>
void
with_portable_output(const Modification &modification, Body body)
{
	int const level = modification.needs_portable_output ? bridge::begin_portable_settings() : 0;
	body();
	if (modification.needs_portable_output)
		bridge::end_portable_settings(level);
}

/* Run body in memory that is free again with the next call, and answer what it answers. */
template <typename Body>
auto
in_call_memory(const Modification &modification, Body body)
{
	MemoryContextReset(modification.memory);
	MemoryContext const outer = MemoryContextSwitchTo(modification.memory);
	auto const answer = body();
	MemoryContextSwitchTo(outer);
	return answer;
}

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

/* A statement of about this size is sent although there are more rows: servers limit what they take at once. */
constexpr std::size_t most_statement_bytes = 1 << 20;
/* Inserts rows, without RETURNING; answers how many. */
int64 insert_rows(Modification &modification, TupleTableSlot **slots, int count);

/* May rows of a COPY be buffered? Only when nothing on this side sees the rows between the first and the last. */
bool may_buffer(const ModifyTableState *state, const ResultRelInfo *target, const ModifyPlan &plan);
/*
 * Has the running COPY a WHERE, which may read the table? A foreign table is not told of the COPY; the callback that
 * says in which line of it an error happened is.
 */
bool has_condition_of_copy();
/* Keep the row until there are enough of them. */
void buffer_row(Modification &modification, TupleTableSlot *slot);
/* Inserts the rows that are kept. */
void flush_rows(Modification &modification);

/* The parts of set_modify_callbacks(). */
void set_insert_callbacks(FdwRoutine *routine);
void set_modify_plan_callbacks(FdwRoutine *routine);
void set_truncate_callback(FdwRoutine *routine);
/* An INSERT without a plan of its own: of COPY, or of rows routed into a partition. */
ModifyPlan plan_routed_insert(ModifyTableState *state, ResultRelInfo *target, const Table &table);

} // namespace tenancy::fdw
