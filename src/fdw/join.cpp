/*
 * Joins whose sides are in one connection, done by the remote server. PG regime.
 */
#include <algorithm>
#include <utility>

#include "fdw/relation.hpp"

#include "bridge/plan.hpp"
#include "settings.hpp"

extern "C" {
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

List *
conditions_of(List *clauses)
{
	List *conditions = NIL;
	ListCell *cell;
	foreach (cell, clauses)
		conditions = lappend(conditions, condition_of(static_cast<Node *>(lfirst(cell))));
	return conditions;
}

/*
 * A row that another session changed meanwhile is checked again on this side, which would need the join's parts here
 * too: not when rows are locked or changed.
 */
bool
may_recheck(PlannerInfo *root)
{
	return root->parse->commandType != CMD_SELECT || root->rowMarks != NIL || root->parse->rowMarks != NIL;
}

ForeignRelation *
combine(const ForeignRelation *outer, const ForeignRelation *inner)
{
	auto *const join = static_cast<ForeignRelation *>(palloc0(sizeof(ForeignRelation)));
	join->server = outer->server;
	join->type = outer->type;
	join->options = outer->options;
	join->options.use_remote_estimate = outer->options.use_remote_estimate || inner->options.use_remote_estimate;
	join->options.fetch_size = Max(outer->options.fetch_size, inner->options.fetch_size);
	join->source_count = outer->source_count + inner->source_count;
	join->sources = static_cast<Source *>(palloc(sizeof(Source) * static_cast<Size>(join->source_count)));
	std::copy_n(outer->sources, outer->source_count, join->sources);
	std::copy_n(inner->sources, inner->source_count, join->sources + outer->source_count);
	join->relids = bms_union(outer->relids, inner->relids);
	join->visible = bms_union(outer->visible, inner->visible);
	join->outer = outer;
	join->inner = inner;
	return join;
}

/* The clauses of the join itself, and those that filter its result. All of them must be exact. */
bool
split_clauses(PlannerInfo *root, RelOptInfo *rel, const ForeignRelation *join, JoinType type, List *infos, List **on,
              List **above)
{
	ListCell *cell;
	foreach (cell, infos) {
		auto *const info = lfirst_node(RestrictInfo, cell);
		auto *const clause = reinterpret_cast<Node *>(info->clause);
		if (info->pseudoconstant || shippable(root, join, info) != Ship::exact)
			return false;
		bool const filters = IS_OUTER_JOIN(type) && RINFO_IS_PUSHED_DOWN(info, rel->relids);
		List **const target = filters ? above : on;
		*target = lappend(*target, clause);
	}
	return true;
}

/* Of the other side, only the rows that the rows of driving find are scanned, if they find them by a key. */
double
scanned_rows(const ForeignRelation *driving, const ForeignRelation *other, List *on, double rows)
{
	ListCell *cell;
	foreach (cell, on)
		if (is_key_lookup(other, static_cast<Node *>(lfirst(cell))))
			return driving->rows + Min(other->rows, Max(driving->rows, rows));
	return driving->rows + other->rows;
}

bool
mention(PlannerInfo *root, List *nodes, Relids relids)
{
	return bms_overlap(pull_varnos(root, reinterpret_cast<Node *>(nodes)), relids);
}

/* Fill in how the sides come together; false when this dialect cannot say it. */
bool
shape(PlannerInfo *root, RelOptInfo *rel, ForeignRelation *join, JoinType type, List *on, List *above)
{
	ForeignRelation const *const outer = join->outer, *const inner = join->inner;
	join->join_type = type;
	switch (type) {
	case JOIN_INNER:
		join->on = conditions_of(on);
		join->conditions = list_concat_copy(outer->conditions, inner->conditions);
		break;
	case JOIN_LEFT:
		join->on = list_concat(conditions_of(on), inner->conditions);
		join->conditions = list_concat_copy(outer->conditions, conditions_of(above));
		break;
	case JOIN_FULL:
		/* A filter of one side belongs neither in ON nor in WHERE. */
		if (!abilities_of(join).full_join || outer->conditions != NIL || inner->conditions != NIL)
			return false;
		join->on = conditions_of(on);
		join->conditions = conditions_of(above);
		break;
	case JOIN_SEMI:
	case JOIN_ANTI: {
		/* A column of the inner side would belong to a row that is not there, or be NULL. */
		if (mention(root, rel->reltarget->exprs, inner->relids) || mention(root, above, inner->relids))
			return false;
		Condition *const exists = condition_of(nullptr);
		exists->exists = inner;
		exists->join_clauses = on;
		exists->negated = type == JOIN_ANTI;
		join->conditions = lappend(list_concat_copy(outer->conditions, conditions_of(above)), exists);
		join->inner = nullptr;
		join->visible = outer->visible;
		break;
	}
	default: return false;
	}
	return true;
}

bool
fits_parser(const ForeignRelation *join)
{
	Abilities const &abilities = abilities_of(join);
	return join->source_count <= abilities.most_tables &&
	       list_length(join->conditions) + list_length(join->on) <= abilities.most_beside;
}

/* A condition that one side may send may need its encoding, which the other side has not, or is not known to have. */
bool
keeps_conditions(PlannerInfo *root, const ForeignRelation *join, const ForeignRelation *outer,
                 const ForeignRelation *inner)
{
	bool const same_outer = has_same_encoding(outer->sources, outer->source_count);
	bool const same_inner = has_same_encoding(inner->sources, inner->source_count);
	return same_outer == same_inner || print_from_where(*renderer_for(root, join), join, NIL);
}

} // namespace

void
join_paths(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *outer_rel, RelOptInfo *inner_rel, JoinType type,
           JoinPathExtraData *extra)
{
	if (rel->fdw_private != nullptr || !settings::enable_pushdown || may_recheck(root) ||
	    !bms_is_empty(rel->lateral_relids) || !has_plain_columns(rel->reltarget->exprs))
		return;
	if (type == JOIN_RIGHT) {
		std::swap(outer_rel, inner_rel);
		type = JOIN_LEFT;
	}
	ForeignRelation const *const outer = relation_of(outer_rel), *const inner = relation_of(inner_rel);
	if (!is_whole(outer) || !is_whole(inner))
		return;
	ForeignRelation *const join = combine(outer, inner);
	List *on = NIL, *above = NIL;
	if (!split_clauses(root, rel, join, type, extra->restrictlist, &on, &above) ||
	    !shape(root, rel, join, type, on, above) || !fits_parser(join) || !keeps_conditions(root, join, outer, inner))
		return;
	join->visible = bms_union(join->visible, compat::outer_joins_of(root, rel));
	join->rows = join->rows_here = rel->rows;
	double const by_outer = scanned_rows(outer, inner, on, rel->rows);
	double const by_inner = scanned_rows(inner, outer, on, rel->rows);
	join->scanned = Min(by_outer, by_inner);
	rel->fdw_private = join;
	if (join->options.use_remote_estimate && ask_remote_planner(root, join))
		rel->rows = join->rows_here = join->rows;

	Estimate const plain = estimate(root, rel, join, false);
	add_path(rel, reinterpret_cast<Path *>(compat::foreign_join_path(root, rel, plain.rows, plain.startup, plain.total,
	                                                                 NIL, extra->restrictlist, NIL)));
	if (root->query_pathkeys != NIL && can_sort(root, join, root->query_pathkeys)) {
		Estimate const sorted = estimate(root, rel, join, true);
		add_path(rel, reinterpret_cast<Path *>(compat::foreign_join_path(root, rel, sorted.rows, sorted.startup,
		                                                                 sorted.total, root->query_pathkeys,
		                                                                 extra->restrictlist, NIL)));
	}
}

} // namespace tenancy::fdw
