/*
 * What stands above scan and join: grouping, DISTINCT, window functions, ORDER BY and LIMIT. PG regime.
 */
#include "fdw/relation.hpp"

#include "bridge/plan.hpp"
#include "settings.hpp"

extern "C" {
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paramassign.h"
#include "optimizer/pathnode.h"
#include "optimizer/tlist.h"
#include "utils/selfuncs.h"
}

namespace tenancy::fdw {

namespace {

bool
has_upper_part(const ForeignRelation *relation)
{
	return relation->grouped || relation->distinct || relation->windowed;
}

ForeignRelation *
copy_of(const ForeignRelation *relation)
{
	auto *const copy = static_cast<ForeignRelation *>(palloc(sizeof(ForeignRelation)));
	*copy = *relation;
	return copy;
}

/*
 * The place where an expression is to stand. Before a stage is promised, each expression is tried in its place by
 * printing it into nowhere.
 */
enum class Place : uint8 { column, key, condition };

bool
prints(PlannerInfo *root, const ForeignRelation *relation, Node *node, Place place)
{
	Renderer *const renderer = renderer_for(root, relation);
	renderer->aggregates = relation->grouped;
	renderer->windows = relation->windowed;
	switch (place) {
	case Place::column: return renderer->output(node);
	case Place::key: return renderer->group_key(node) && renderer->group_clause(node, 1);
	case Place::condition: break;
	}
	return renderer->expression(node);
}

/* Is node free of what comes from the remote server? */
bool
is_computed_here(PlannerInfo *root, Node *node)
{
	return bms_is_empty(pull_varnos(root, node)) && !contain_agg_clause(node) && !contain_window_function(node);
}

void
add_target(ForeignRelation *relation, Node *node, Index reference, bool is_key)
{
	relation->target = lappend(
		relation->target, makeTargetEntry(reinterpret_cast<Expr *>(node),
	                                      static_cast<AttrNumber>(list_length(relation->target) + 1), nullptr, false));
	llast_node(TargetEntry, relation->target)->ressortgroupref = reference;
	if (is_key)
		relation->group_keys = lappend_int(relation->group_keys, list_length(relation->target));
}

/* The parts of node that only the remote server can give; this side computes the rest from them. */
bool
add_parts(PlannerInfo *root, ForeignRelation *relation, Node *node, int flags)
{
	ListCell *cell;
	List *const parts = pull_var_clause(node, flags);
	foreach (cell, parts) {
		auto *const part = static_cast<Node *>(lfirst(cell));
		if (tlist_member(reinterpret_cast<Expr *>(part), relation->target) != nullptr)
			continue;
		/* A bare column of a grouped query would have to be one of its keys. */
		if ((IsA(part, Var) && relation->grouped) || IsA(part, PlaceHolderVar) ||
		    !prints(root, relation, part, Place::column))
			return false;
		add_target(relation, part, 0, false);
	}
	return true;
}

constexpr int with_aggregates = PVC_INCLUDE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_INCLUDE_PLACEHOLDERS;
constexpr int with_windows = PVC_RECURSE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS | PVC_INCLUDE_PLACEHOLDERS;

bool
add_group_target(PlannerInfo *root, ForeignRelation *relation, const PathTarget *target)
{
	List *const clauses = root->parse->groupClause; /* with the keys that others imply, or there may be none at all */
	int keys = 0;
	int position = 0;
	ListCell *cell;
	foreach (cell, target->exprs) {
		auto *const node = static_cast<Node *>(lfirst(cell));
		Index const reference = get_pathtarget_sortgroupref(target, position++);
		bool const is_key = reference != 0 && get_sortgroupref_clause_noerr(reference, clauses) != nullptr;
		if (is_key) {
			/* A value of this side is not a column: the executor would take it for the parameter that it is. */
			if (is_computed_here(root, node) || !prints(root, relation, node, Place::key))
				return false;
			add_target(relation, node, reference, true);
			++keys;
		}
	}
	if (keys < list_length(clauses))
		return false;
	foreach (cell, target->exprs) {
		auto *const node = static_cast<Node *>(lfirst(cell));
		if (tlist_member(reinterpret_cast<Expr *>(node), relation->target) != nullptr || is_computed_here(root, node))
			continue;
		if (contain_agg_clause(node) && prints(root, relation, node, Place::column))
			add_target(relation, node, 0, false);
		else if (!add_parts(root, relation, node, with_aggregates))
			return false;
	}
	return true;
}

bool
add_having(PlannerInfo *root, ForeignRelation *relation, Node *having)
{
	int const most = abilities_of(relation).most_beside;
	ListCell *cell;
	foreach (cell, reinterpret_cast<List *>(having)) {
		auto *const clause = static_cast<Node *>(lfirst(cell));
		if (list_length(relation->having) < most && prints(root, relation, clause, Place::condition))
			relation->having = lappend(relation->having, clause);
		else if (add_parts(root, relation, clause, with_aggregates))
			relation->local_clauses = lappend(relation->local_clauses, clause);
		else
			return false;
	}
	return true;
}

bool
group(PlannerInfo *root, RelOptInfo *output, ForeignRelation *relation, const GroupPathExtraData *extra)
{
	Query const *const query = root->parse;
	if (query->groupingSets != NIL || has_upper_part(relation))
		return false;
	List *const keys = get_sortgrouplist_exprs(query->groupClause, root->processed_tlist);
	relation->grouped = true;
	relation->visible_exprs = output->reltarget->exprs;
	relation->scanned = relation->rows;
	if (!add_group_target(root, relation, output->reltarget) || !add_having(root, relation, extra->havingQual))
		return false;
	relation->rows = keys == NIL ? 1 : estimate_num_groups(root, keys, relation->rows, nullptr, nullptr);
	relation->rows_here = relation->rows;
	return true;
}

/* DISTINCT is printed as GROUP BY all columns, which says the same and may be ordered by expressions of them. */
bool
make_distinct(PlannerInfo *root, ForeignRelation *relation)
{
	if (has_upper_part(relation) || root->parse->hasDistinctOn)
		return false;
	PathTarget const *const target = root->upper_targets[UPPERREL_DISTINCT];
	int position = 0;
	ListCell *cell;
	foreach (cell, target->exprs) {
		auto *const node = static_cast<Node *>(lfirst(cell));
		Index const reference = get_pathtarget_sortgroupref(target, position++);
		/* A volatile expression, even one without columns, could tell rows apart that the remote DISTINCT has merged.
		 */
		if (contain_volatile_functions(node))
			return false;
		if (is_computed_here(root, node))
			continue;
		if (!prints(root, relation, node, Place::key))
			return false;
		add_target(relation, node, reference, true);
	}
	relation->distinct = true;
	relation->visible_exprs = target->exprs;
	relation->scanned = relation->rows;
	relation->rows = relation->rows_here = estimate_num_groups(root, target->exprs, relation->rows, nullptr, nullptr);
	return relation->target != NIL;
}

bool
add_windows(PlannerInfo *root, ForeignRelation *relation)
{
	/*
	 * A condition above that only says where to stop is checked by the node that computes the function, nowhere else.
	 */
	if (has_upper_part(relation) || !abilities_of(relation).window || compat::has_run_condition(root))
		return false;
	PathTarget const *const target = root->upper_targets[UPPERREL_WINDOW];
	relation->windowed = true;
	relation->visible_exprs = target->exprs;
	ListCell *cell;
	foreach (cell, target->exprs)
		if (!add_parts(root, relation, static_cast<Node *>(lfirst(cell)), with_windows))
			return false;
	return true;
}

void
add_upper_path(PlannerInfo *root, RelOptInfo *output, const Estimate &cost, UpperRelationKind stage, List *pathkeys,
               List *fdw_private)
{
	PathTarget *const target = stage == UPPERREL_GROUP_AGG ? output->reltarget : root->upper_targets[stage];
	add_path(output, reinterpret_cast<Path *>(compat::foreign_upper_path(root, output, target, cost.rows, cost.startup,
	                                                                     cost.total, pathkeys, fdw_private)));
}

/* Tables and joins have ordered paths already; here it is enough to know that they can. */
void
order(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output)
{
	ForeignRelation const *const relation = relation_of(input);
	if (!can_sort(root, relation, root->sort_pathkeys))
		return;
	output->fdw_private = copy_of(relation);
	if (has_upper_part(relation))
		add_upper_path(root, output, estimate(root, output, relation, true), UPPERREL_ORDERED, root->sort_pathkeys,
		               NIL);
}

/*
 * The scan of a table with FOR UPDATE takes the count along, or the remote server would lock rows that nobody wants.
 * That is no question of cost, so no other path is left. LockRows and Limit stay above; with OFFSET both sides would
 * skip rows.
 */
void
limit_locked(PlannerInfo *root, const ForeignRelation *relation, RelOptInfo *output, double count)
{
	Query const *const query = root->parse;
	if (relation->source_count != 1 || has_upper_part(relation) || query->limitOffset != nullptr)
		return;
	RelOptInfo *const table = find_base_rel(root, static_cast<int>(relation->sources[0].varno));
	Estimate const cost = estimate_limited(root, table, relation, root->sort_pathkeys != NIL, count);
	auto *path = reinterpret_cast<Path *>(
		compat::foreign_table_path(root, table, cost.rows, cost.startup, cost.total, root->sort_pathkeys, nullptr,
	                               list_make2(query->limitCount, query->limitOffset)));
	path = apply_projection_to_path(root, table, path, root->upper_targets[UPPERREL_FINAL]);
	path = reinterpret_cast<Path *>(
		create_lockrows_path(root, output, path, root->rowMarks, assign_special_exec_param(root)));
	output->pathlist = NIL;
	add_path(output, reinterpret_cast<Path *>(create_limit_path(root, output, path, nullptr, query->limitCount,
	                                                            query->limitOption, 0, static_cast<int64>(cost.rows))));
}

void
limit(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, const FinalPathExtraData *extra)
{
	Query const *const query = root->parse;
	ForeignRelation const *const relation = relation_of(input);
	bool const locks = query->rowMarks != NIL;
	if (!extra->limit_needed || query->commandType != CMD_SELECT || query->limitOption == LIMIT_OPTION_WITH_TIES ||
	    !is_whole(relation) ||
	    (!locks && !has_upper_part(relation) && !has_plain_columns(root->upper_targets[UPPERREL_FINAL]->exprs)))
		return;
	/* The relation that sorts is the one that order() has accepted, or sorting is done here and LIMIT too. */
	if (root->sort_pathkeys != NIL && !(IS_UPPER_REL(input) && can_sort(root, relation, root->sort_pathkeys)))
		return;
	if (!renderer_for(root, relation)->limit(query->limitCount, query->limitOffset))
		return;
	if (locks)
		return limit_locked(root, relation, output, extra->limit_tuples);
	output->fdw_private = copy_of(relation);
	add_upper_path(root, output,
	               estimate_limited(root, output, relation, root->sort_pathkeys != NIL, extra->limit_tuples),
	               UPPERREL_FINAL, root->sort_pathkeys, list_make2(query->limitCount, query->limitOffset));
}

} // namespace

void
upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output, void *extra)
{
	if (relation_of(input) == nullptr || output->fdw_private != nullptr || !settings::enable_pushdown ||
	    root->parse->hasTargetSRFs)
		return;
	if (stage == UPPERREL_ORDERED)
		return order(root, input, output);
	if (stage == UPPERREL_FINAL)
		return limit(root, input, output, static_cast<FinalPathExtraData *>(extra));
	if (!is_whole(relation_of(input)))
		return;
	ForeignRelation *const relation = copy_of(relation_of(input));
	bool const pushed = stage == UPPERREL_GROUP_AGG
	                        ? group(root, output, relation, static_cast<GroupPathExtraData *>(extra))
	                    : stage == UPPERREL_DISTINCT ? make_distinct(root, relation)
	                    : stage == UPPERREL_WINDOW   ? add_windows(root, relation)
	                                                 : false;
	if (!pushed)
		return;
	output->fdw_private = relation;
	add_upper_path(root, output, estimate(root, output, relation, false), stage, NIL, NIL);
}

} // namespace tenancy::fdw
