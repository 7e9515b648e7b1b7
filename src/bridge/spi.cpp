/*
 * See spi.hpp. PG regime.
 */
#include "bridge/spi.hpp"

#include <algorithm>

#include "bridge/setting.hpp"

extern "C" {
#include "utils/snapmgr.h"
}

namespace tenancy::bridge::spi {

Scope
open()
{
	Scope scope;
	scope.buffers = pgBufferUsage;
	GetUserIdAndSecContext(&scope.user, &scope.security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, scope.security | SECURITY_LOCAL_USERID_CHANGE);
	scope.guc_level = NewGUCNestLevel();
	set_for_now("search_path", "pg_catalog, pg_temp");
	if (Debug_print_plan) /* plans for given values hold them */
		set_for_now("debug_print_plan", "off");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	return scope;
}

void
close(const Scope &scope)
{
	SPI_finish();
	AtEOXact_GUC(true, scope.guc_level);
	SetUserIdAndSecContext(scope.user, scope.security);
	pgBufferUsage = scope.buffers;
}

SPIPlanPtr
plan_of(Statement &statement)
{
	if (statement.plan == nullptr) {
		int const args = static_cast<int>(std::ranges::find(statement.types, InvalidOid) - statement.types);
		SPIPlanPtr const plan = SPI_prepare(statement.sql, args, statement.types);
		if (plan == nullptr)
			elog(ERROR, "could not plan \"%s\": %s", statement.sql, SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		statement.plan = plan;
	}
	return statement.plan;
}

namespace {

uint64
rows_of(const Statement &statement, int rc)
{
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement.sql, SPI_result_code_string(rc));
	return SPI_processed;
}

} // namespace

uint64
run(Statement &statement, const Datum *values, const char *nulls)
{
	return rows_of(statement, SPI_execute_plan(plan_of(statement), const_cast<Datum *>(values), nulls, false, 0));
}

uint64
read(Statement &statement, const Datum *values, const char *nulls)
{
	return rows_of(statement, SPI_execute_plan(plan_of(statement), const_cast<Datum *>(values), nulls, true, 0));
}

bool
push_latest()
{
	bool const parallel = IsInParallelMode(); /* where no other snapshot can be had than the leader's */
	if (parallel && ActiveSnapshotSet())
		return false;
	PushActiveSnapshot(parallel ? GetTransactionSnapshot() : GetLatestSnapshot());
	return true;
}

uint64
read_latest(Statement &statement, const Datum *values)
{
	bool const pushed = push_latest();
	uint64 const rows = read(statement, values);
	if (pushed)
		PopActiveSnapshot();
	return rows;
}

uint64
change_latest(Statement &statement, const Datum *values)
{
	return rows_of(statement, SPI_execute_snapshot(plan_of(statement), const_cast<Datum *>(values), nullptr,
	                                               GetLatestSnapshot(), InvalidSnapshot, false, true, 0));
}

Datum
value(uint64 row, int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

char *
text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

} // namespace tenancy::bridge::spi
