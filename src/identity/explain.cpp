/*
 * EXPLAIN ANALYZE tells how many rows a condition of row-level security took away, and with conditions that an index
 * serves it tells so of any other tenant; BUFFERS tells as much. It is not for tenants, on our own tables. PG regime.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
}

#include "bridge/error.hpp"
#include "bridge/utility.hpp"
#include "identity/explain.hpp"
#include "identity/identity.hpp"
#include "identity/session.hpp"

namespace tenancy::identity {

namespace {

ExecutorStart_hook_type next_start = nullptr;
ExecutorRun_hook_type next_run = nullptr;
bool measuring = false;

void
measure(bool on)
{
	measuring = on;
	session::tell_measuring(on);
}

/* The last of several counts, as it does for EXPLAIN. Buffers are counted for what planning runs, too. */
bool
measures(Node *statement)
{
	bool analyzes = false, counts_buffers = false;
	if (!IsA(statement, ExplainStmt))
		return false;
	ListCell *cell;
	foreach (cell, reinterpret_cast<ExplainStmt *>(statement)->options) {
		auto *const option = static_cast<DefElem *>(lfirst(cell));
		if (strcmp(option->defname, "analyze") == 0)
			analyzes = defGetBoolean(option);
		else if (strcmp(option->defname, "buffers") == 0)
			counts_buffers = defGetBoolean(option);
	}
	return analyzes || counts_buffers;
}

bool
reads_hidden_rows(const PlannedStmt *planned)
{
	Oid const schema = get_namespace_oid("tenancy", true);
	if (!OidIsValid(schema))
		return false;
	ListCell *cell;
	foreach (cell, planned->rtable)
		if (auto const *const entry = static_cast<RangeTblEntry *>(lfirst(cell));
		    entry->rtekind == RTE_RELATION && get_rel_namespace(entry->relid) == schema &&
		    check_enable_rls(entry->relid, InvalidOid, true) == RLS_ENABLED)
			return true;
	return false;
}

/* A parallel worker's counts are added to the leader's. */
bool
is_measured()
{
	return IsParallelWorker() ? session::is_leader_measuring() : measuring;
}

/*
 * Queries of functions inside of the explained statement too: the buffers that they touch are counted to its nodes.
 * What the extension itself asks, row-level security does not bind.
 */
void
refuse_hidden_rows(const QueryDesc *query)
{
	if (is_measured() && !is_admin() && reads_hidden_rows(query->plannedstmt))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for EXPLAIN ANALYZE"),
		                errdetail("On tables of pg_tenancy it would count the rows of other users."),
		                errhint("Use EXPLAIN without ANALYZE.")));
}

void
start(QueryDesc *query, int flags)
{
	refuse_hidden_rows(query);
	next_start(query, flags);
}

/* A cursor may have been opened before EXPLAIN. Versions differ in what follows the count. */
template <typename... More>
void
run(QueryDesc *query, ScanDirection direction, uint64 count, More... more)
{
	refuse_hidden_rows(query);
	next_run(query, direction, count, more...);
}

void
run_utility(const bridge::Utility &utility)
{
	if (!measures(utility.statement()))
		return utility.run();
	bool const before = measuring;
	measure(true);
	bridge::on_error([&] { utility.run(); }, [&](const ErrorData *) { measure(before); });
	measure(before);
}

} // namespace

void
guard_explain()
{
	bridge::watch_utilities<run_utility>();
	next_start = ExecutorStart_hook != nullptr ? ExecutorStart_hook : standard_ExecutorStart;
	ExecutorStart_hook = start;
	next_run = ExecutorRun_hook != nullptr ? ExecutorRun_hook : standard_ExecutorRun;
	ExecutorRun_hook = run;
}

} // namespace tenancy::identity
