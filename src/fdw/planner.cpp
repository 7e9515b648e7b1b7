/* Makes the plan node, with its remote SQL, of the chosen path. PG regime. */
#include "fdw/fdw.hpp"
#include "fdw/relation.hpp"

extern "C" {
#include "access/sysattr.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/prep.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

/* What a plan node is made of. */
struct Parts {
	List *target;    /* TargetEntry *: the remote columns */
	List *retrieved; /* int */
	List *local;     /* Node *: the node's own qual */
	List *recheck;   /* Node * */
	Tail tail;
};

/* Columns of the table that the plan above or the conditions here want. */
void
choose_columns(const RelOptInfo *rel, const ForeignRelation *relation, Parts *parts)
{
	Bitmapset *used = nullptr;
	pull_varattnos(reinterpret_cast<Node *>(rel->reltarget->exprs), rel->relid, &used);
	pull_varattnos(reinterpret_cast<Node *>(parts->local), rel->relid, &used);
	Table const *const table = relation->sources[0].table;
	bool const all = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	for (int number = 1; number <= table->width; ++number) {
		Column const &column = table->columns[number - 1];
		if (!is_remote(column) || !(all || bms_is_member(number - FirstLowInvalidHeapAttributeNumber, used)))
			continue;
		auto *const var = makeVar(static_cast<int>(rel->relid), static_cast<AttrNumber>(number), column.type,
		                          column.typmod, column.collation, 0);
		parts->target = lappend(parts->target, makeTargetEntry(reinterpret_cast<Expr *>(var),
		                                                       static_cast<AttrNumber>(number), nullptr, false));
		parts->retrieved = lappend_int(parts->retrieved, number);
	}
}

/*
 * Finds the conditions that this side has to check again, and those on values of an outer row that become remote
 * conditions.
 */
void
sort_out_clauses(PlannerInfo *root, const ForeignRelation *relation, List *scan_clauses, Parts *parts)
{
	ListCell *cell;
	parts->recheck = list_copy(relation->remote_clauses);
	foreach (cell, scan_clauses) {
		auto *const info = lfirst_node(RestrictInfo, cell);
		auto *const clause = reinterpret_cast<Node *>(info->clause);
		if (info->pseudoconstant)
			continue;
		bool const remote = list_member(relation->remote_clauses, clause);
		bool const local = list_member(relation->local_clauses, clause);
		if (local)
			parts->local = lappend(parts->local, clause);
		if (remote || local)
			continue;
		Ship const ship = shippable(root, relation, info);
		if (ship != Ship::none) {
			parts->tail.more_conditions = lappend(parts->tail.more_conditions, clause);
			parts->recheck = lappend(parts->recheck, clause);
		}
		if (ship != Ship::exact)
			parts->local = lappend(parts->local, clause);
	}
}

bool
is_changed(const PlannerInfo *root, const RelOptInfo *rel)
{
	return bms_is_member(static_cast<int>(rel->relid), root->all_result_relids) &&
	       root->parse->commandType != CMD_INSERT;
}

/* Rows that the statement will change, or that FOR UPDATE or FOR SHARE names, are locked where they are. */
void
choose_lock(PlannerInfo *root, const RelOptInfo *rel, Tail *tail)
{
	if (is_changed(root, rel)) {
		tail->lock = RowLock::exclusive;
		return;
	}
	PlanRowMark const *const mark = get_plan_rowmark(root->rowMarks, rel->relid);
	if (mark == nullptr || mark->strength == LCS_NONE)
		return;
	bool const exclusive = mark->strength == LCS_FORNOKEYUPDATE || mark->strength == LCS_FORUPDATE;
	tail->lock = exclusive ? RowLock::exclusive : RowLock::share;
	tail->wait = mark->waitPolicy;
}

/*
 * A scan of a join, or of what stands above it, has columns for the expressions that the plan above wants to compute.
 */
void
choose_expressions(const ForeignRelation *relation, const Path *path, Parts *parts)
{
	parts->local = relation->local_clauses;
	parts->target = relation->target;
	if (!relation->grouped && !relation->distinct && !relation->windowed)
		parts->target = add_to_flat_tlist(
			NIL, pull_var_clause(reinterpret_cast<Node *>(path->pathtarget->exprs), PVC_RECURSE_PLACEHOLDERS));
	for (int i = 1; i <= list_length(parts->target); ++i)
		parts->retrieved = lappend_int(parts->retrieved, i);
}

/* What EXPLAIN shows as the relations: the tables, and what is done with them. */
char *
describe(PlannerInfo *root, const ForeignRelation *relation)
{
	StringInfoData text;
	initStringInfo(&text);
	for (int i = 0; i < relation->source_count; ++i) {
		RangeTblEntry const *const entry = planner_rt_fetch(relation->sources[i].varno, root);
		char *const schema = get_namespace_name(get_rel_namespace(entry->relid));
		appendStringInfo(&text, "%s%s %s", i == 0 ? "" : ", ",
		                 quote_qualified_identifier(schema, get_rel_name(entry->relid)),
		                 quote_identifier(entry->eref->aliasname));
	}
	if (relation->grouped)
		return psprintf("Aggregate on (%s)", text.data);
	if (relation->distinct)
		return psprintf("Distinct on (%s)", text.data);
	if (relation->windowed)
		return psprintf("Window on (%s)", text.data);
	return text.data;
}

/* Only a path with a limit has a path_private. */
void
take_limit(List *path_private, Tail *tail)
{
	if (path_private == NIL)
		return;
	tail->limit_count = static_cast<Node *>(linitial(path_private));
	tail->limit_offset = static_cast<Node *>(lsecond(path_private));
}

ForeignScan *
plan_scan(PlannerInfo *root, RelOptInfo *rel, Oid, ForeignPath *path, List *tlist, List *scan_clauses, Plan *outer_plan)
{
	ForeignRelation const *const relation = relation_of(rel);
	bool const is_table = IS_SIMPLE_REL(rel);
	Parts parts{};
	parts.tail.pathkeys = path->path.pathkeys;
	take_limit(path->fdw_private, &parts.tail);
	if (is_table) {
		sort_out_clauses(root, relation, scan_clauses, &parts);
		choose_columns(rel, relation, &parts);
		choose_lock(root, rel, &parts.tail);
	} else
		choose_expressions(relation, &path->path, &parts);

	Renderer *const renderer = renderer_for(root, relation);
	if (!print_select(*renderer, relation, parts.target, parts.tail))
		elog(ERROR, "a part of the remote statement cannot be printed: %s", renderer->out->data);
	ScanPlan plan{};
	plan.sql = renderer->out->data;
	plan.server = relation->server;
	plan.type = relation->type;
	plan.retrieved = parts.retrieved;
	plan.fetch_rows = relation->options.fetch_size;
	/* SQLite locks whole databases: of two that read first neither could write. */
	plan.writes =
		is_table && (is_changed(root, rel) || (parts.tail.lock != RowLock::none && renderer->abilities().for_update));
	plan.relations = is_table ? nullptr : describe(root, relation);
	return make_foreignscan(tlist, parts.local, is_table ? rel->relid : 0, renderer->params, encode(plan),
	                        is_table ? NIL : parts.target, parts.recheck, outer_plan);
}

} // namespace

void
set_planner_callbacks(FdwRoutine *routine)
{
	routine->GetForeignRelSize = table_size;
	routine->GetForeignPaths = table_paths;
	routine->GetForeignJoinPaths = join_paths;
	routine->GetForeignUpperPaths = upper_paths;
	routine->GetForeignPlan = plan_scan;
}

} // namespace tenancy::fdw
