/*
 * SPI as the extension's own hand: saved plans, run as the bootstrap superuser with a fixed search_path,
 * so that nothing of the caller's (role, row security, operators) takes part. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "executor/instrument.h"
#include "executor/spi.h"
}

namespace tenancy::bridge::spi {

constexpr int max_args = 24;

/*
 * A statement that is planned once per backend. Make it static, with the types of its parameters; schema-qualify the
 * relations in it.
 */
struct Statement {
	const char *sql;
	Oid types[max_args] = {};
	SPIPlanPtr plan = nullptr;
};

/*
 * What open() changed; close() puts it back, and after an error the transaction's abort. close() also takes back the
 * buffers that were counted in between: EXPLAIN would show by them whether there is a row that the caller may not know.
 */
struct Scope {
	Oid user;
	int security;
	int guc_level;
	BufferUsage buffers;
};

Scope open();
void close(const Scope &scope);

/* The saved plan, made at the first call. */
SPIPlanPtr plan_of(Statement &statement);
/*
 * All of these between open() and close(). They return the number of rows (SPI_processed), with the rows in
 * SPI_tuptable. run() may write; read() sees no change of the command that calls it.
 */
uint64 run(Statement &statement, const Datum *values = nullptr, const char *nulls = nullptr);
uint64 read(Statement &statement, const Datum *values = nullptr, const char *nulls = nullptr);
/* Make active what sees all that is committed by now; in parallel mode what the leader sees. Was a snapshot pushed? */
bool push_latest();
/* Read what is committed by now, whatever the transaction's own snapshot sees: that may be as old as a tenant likes. */
uint64 read_latest(Statement &statement, const Datum *values);
/* The same for a statement that writes: it finds rows that are newer than the transaction's snapshot. */
uint64 change_latest(Statement &statement, const Datum *values);

/* Value of a column (from 1) of a row of SPI_tuptable. */
Datum value(uint64 row, int column, bool *is_null);
/*
 * The same as text by the output function of its type, in CurrentMemoryContext (after open(), that is SPI's); NULL for
 * null.
 */
char *text(uint64 row, int column);

} // namespace tenancy::bridge::spi
