/*
 * Whether a scan gets by with the snapshot of its own statement, or has to share a remote transaction. PG regime.
 */
#include "fdw/scan.hpp"

extern "C" {
#include "access/xact.h"
#include "foreign/foreign.h"
#include "nodes/plannodes.h"
}

namespace tenancy::fdw {

namespace {

/* A walk over a plan tree that counts the scans of one connection. */
struct Census {
	Oid server;
	core::Uuid connection;
	List *subplans;
	Bitmapset *seen; /* of subplans */
	int scans;
	bool repeats; /* any of them */
};

/* A scan of a table, or a join, on the connection. */
bool
is_counted(const Census &census, const ForeignScan *scan)
{
	if (scan->fs_server == census.server)
		return true;
	return OidIsValid(scan->fs_server) &&
	       GetForeignServer(scan->fs_server)->fdwid == GetForeignServer(census.server)->fdwid &&
	       server_options(scan->fs_server).connection == census.connection;
}

void count(Census &census, Plan *plan, bool repeats);

void
count_list(Census &census, List *plans, bool repeats)
{
	ListCell *cell;
	foreach (cell, plans)
		count(census, static_cast<Plan *>(lfirst(cell)), repeats);
}

void
count_scan(Census &census, const ForeignScan *scan, bool repeats)
{
	if (!is_counted(census, scan))
		return;
	census.repeats = census.repeats || repeats;
	++census.scans;
}

/* Counts plans that run once for their value, or as often as the plan that they hang on. */
void
count_init_plans(Census &census, List *init_plans, bool repeats)
{
	ListCell *cell;
	foreach (cell, init_plans) {
		int const id = lfirst_node(SubPlan, cell)->plan_id;
		census.seen = bms_add_member(census.seen, id);
		count(census, static_cast<Plan *>(list_nth(census.subplans, id - 1)), repeats);
	}
}

/* repeats: what is above may execute the plan more than once. */
void
count(Census &census, Plan *plan, bool repeats)
{
	if (plan == nullptr)
		return;
	check_stack_depth();
	count_init_plans(census, plan->initPlan, repeats);
	switch (nodeTag(plan)) {
	case T_ForeignScan: count_scan(census, reinterpret_cast<ForeignScan *>(plan), repeats); break;
	case T_Append: count_list(census, reinterpret_cast<Append *>(plan)->appendplans, repeats); break;
	case T_MergeAppend: count_list(census, reinterpret_cast<MergeAppend *>(plan)->mergeplans, repeats); break;
	case T_SubqueryScan: count(census, reinterpret_cast<SubqueryScan *>(plan)->subplan, repeats); break;
	case T_CustomScan: count_list(census, reinterpret_cast<CustomScan *>(plan)->custom_plans, repeats); break;
	default: break;
	}
	count(census, plan->lefttree, repeats);
	count(census, plan->righttree, repeats || IsA(plan, NestLoop) || IsA(plan, RecursiveUnion));
}

} // namespace

bool
reads_once(const PlannedStmt *statement, Oid server, const Activity &activity)
{
	Census census{server, activity.config.id, statement->subplans, nullptr, 0, false};
	count(census, statement->planTree, false);
	for (int id = 1; id <= list_length(census.subplans); ++id)
		if (!bms_is_member(id, census.seen))
			count(census, static_cast<Plan *>(list_nth(census.subplans, id - 1)), true);
	return census.scans <= 1 && !census.repeats;
}

/*
 * One statement that runs once, in a transaction of a single local statement that only reads, sees one snapshot
 * whatever is done. Everything else needs a remote transaction to see one.
 */
Need
need_of_scan(const ForeignScanState *node, const Activity &activity)
{
	const PlannedStmt *const statement = node->ss.ps.state->es_plannedstmt;
	bool const single = !IsTransactionBlock() && GetCurrentTransactionNestLevel() == 1 && !IsolationUsesXactSnapshot();
	bool const reads =
		statement->commandType == CMD_SELECT && !statement->hasModifyingCTE && statement->rowMarks == NIL;
	if (!single || !reads || in_remote_transaction(activity))
		return Need::snapshot;
	Oid const server = reinterpret_cast<const ForeignScan *>(node->ss.ps.plan)->fs_server;
	return reads_once(statement, server, activity) ? Need::statement : Need::snapshot;
}

} // namespace tenancy::fdw
