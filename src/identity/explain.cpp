/*
 * EXPLAIN ANALYZE tells how many rows a condition of row-level security took away, and with conditions that an index
 * serves it tells so of any other tenant: it is not for tenants, on our own tables. PG regime.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/syscache.h"
}

#include "bridge/error.hpp"
#include "identity/explain.hpp"
#include "identity/identity.hpp"

namespace tenancy::identity {

namespace {

ProcessUtility_hook_type next_utility = nullptr;
ExecutorStart_hook_type next_start = nullptr;
bool analyzing = false;

/* The last of several counts, as it does for EXPLAIN. */
bool
is_analyze(Node *statement)
{
	bool found = false;
	if (!IsA(statement, ExplainStmt))
		return false;
	ListCell *cell;
	foreach (cell, reinterpret_cast<ExplainStmt *>(statement)->options)
		if (auto *const option = static_cast<DefElem *>(lfirst(cell)); strcmp(option->defname, "analyze") == 0)
			found = defGetBoolean(option);
	return found;
}

bool
hides_rows(Oid relation, Oid schema)
{
	HeapTuple const tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	if (!HeapTupleIsValid(tuple))
		return false;
	auto const *const form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	bool const hides = form->relnamespace == schema && form->relrowsecurity;
	ReleaseSysCache(tuple);
	return hides;
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
		    entry->rtekind == RTE_RELATION && hides_rows(entry->relid, schema))
			return true;
	return false;
}

/* What runs inside of the explained statement, such as the queries of its functions, is not measured for the caller. */
void
start(QueryDesc *query, int flags)
{
	if (analyzing && query->instrument_options != 0 && !is_admin() && reads_hidden_rows(query->plannedstmt))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for EXPLAIN ANALYZE"),
		                errdetail("On tables of pg_tenancy it would count the rows of other users."),
		                errhint("Use EXPLAIN without ANALYZE.")));
	next_start(query, flags);
}

void
process_utility(PlannedStmt *planned, const char *text, bool read_only_tree, ProcessUtilityContext context,
                ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver,
                QueryCompletion *completion)
{
	if (!is_analyze(planned->utilityStmt)) {
		next_utility(planned, text, read_only_tree, context, params, environment, receiver, completion);
		return;
	}
	bool const before = analyzing;
	analyzing = true;
	bridge::on_error(
		[&] { next_utility(planned, text, read_only_tree, context, params, environment, receiver, completion); },
		[&](const ErrorData *) { analyzing = before; });
	analyzing = before;
}

} // namespace

void
guard_explain()
{
	next_utility = ProcessUtility_hook != nullptr ? ProcessUtility_hook : standard_ProcessUtility;
	ProcessUtility_hook = process_utility;
	next_start = ExecutorStart_hook != nullptr ? ExecutorStart_hook : standard_ExecutorStart;
	ExecutorStart_hook = start;
}

} // namespace tenancy::identity
