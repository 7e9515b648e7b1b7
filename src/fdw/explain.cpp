/*
 * What EXPLAIN shows of foreign scans and modifications. PG regime. No connection is looked up for it.
 */
#include "bridge/explain.hpp"
#include "fdw/fdw.hpp"
#include "fdw/plan.hpp"

extern "C" {
#include "nodes/execnodes.h"
}

namespace tenancy::fdw {

namespace {

void
show_sql(List *fdw_private, ExplainState *state)
{
	if (state->verbose && fdw_private != NIL)
		ExplainPropertyText("Remote SQL", strVal(linitial(fdw_private)), state);
}

List *
private_of(const ForeignScanState *node)
{
	return reinterpret_cast<const ForeignScan *>(node->ss.ps.plan)->fdw_private;
}

void
explain_scan(ForeignScanState *node, ExplainState *state)
{
	ScanPlan const plan = decode_scan(private_of(node));
	if (plan.relations != nullptr)
		ExplainPropertyText("Relations", plan.relations, state);
	show_sql(private_of(node), state);
}

void
explain_modify(ModifyTableState *, ResultRelInfo *target, List *fdw_private, int, ExplainState *state)
{
	show_sql(fdw_private, state);
	if (state->verbose && target->ri_BatchSize > 0)
		ExplainPropertyInteger("Batch Size", nullptr, target->ri_BatchSize, state);
}

void
explain_direct(ForeignScanState *node, ExplainState *state)
{
	show_sql(private_of(node), state);
}

} // namespace

void
set_explain_callbacks(FdwRoutine *routine)
{
	routine->ExplainForeignScan = explain_scan;
	routine->ExplainForeignModify = explain_modify;
	routine->ExplainDirectModify = explain_direct;
}

} // namespace tenancy::fdw
