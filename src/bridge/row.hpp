/*
 * One row of a table of the extension, by a unique index: what a saved plan would find, without an executor, for what
 * every statement asks. It reads as the extension's own hand: nothing of the caller's (role, row security, operators,
 * settings) takes part. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"

#include <initializer_list>

extern "C" {
#include "executor/instrument.h"
}

namespace tenancy::bridge {

/* What a column of the index is to be equal to, by the equality of its type. */
struct RowKey {
	RegProcedure equal;
	Datum value;
};

/*
 * Like spi::Scope, it remembers the buffers that were counted before: EXPLAIN would show by them whether there is a row
 * that the caller may not know.
 */
struct Row {
	Relation table, index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	BufferUsage buffers;
	bool pushed; /* a snapshot */
	bool found;  /* else there is no such row, or no table: the extension has gone meanwhile */
};

/*
 * The row as it is committed by now, whatever the transaction's own snapshot sees: that may be as old as a tenant
 * likes. In parallel mode as the leader's query sees it. Table and index are those of schema tenancy; the keys stand in
 * the order of the index's columns. close_row() gives back what was opened; after an error the abort of the transaction
 * or subtransaction does.
 *
 * As with PostgreSQL's own catalog, no lock outlives the row: an operator's command would wait for a session that waits
 * for the history worker, and that for the operator's command.
 */
Row open_row(const char *table, const char *index, std::initializer_list<RowKey> keys);
void close_row(Row &row);

/* Of a row that was found. */
bool is_null(const Row &row, const char *column);
/* The value of a column that is not null, as it is stored: in the row, until that is closed. */
Datum value_of(const Row &row, const char *column);
/* The same as text, in CurrentMemoryContext; NULL for null. */
char *text_of(const Row &row, const char *column);

} // namespace tenancy::bridge
