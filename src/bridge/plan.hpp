/*
 * Differences of the planner between PostgreSQL 15 and 18, each written against the newest signature. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "access/stratnum.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
}

namespace tenancy::compat {

/* The path functions take clauses for rechecks since 17 and a count of disabled nodes since 18. */
inline ForeignPath *
foreign_table_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total, List *pathkeys,
                   Relids outer, List *fdw_private)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(root, rel, nullptr, rows, 0, startup, total, pathkeys, outer, nullptr, NIL,
	                               fdw_private);
#elif PG_VERSION_NUM >= 170000
	return create_foreignscan_path(root, rel, nullptr, rows, startup, total, pathkeys, outer, nullptr, NIL,
	                               fdw_private);
#else
	return create_foreignscan_path(root, rel, nullptr, rows, startup, total, pathkeys, outer, nullptr, fdw_private);
#endif
}

inline ForeignPath *
foreign_join_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total, List *pathkeys,
                  [[maybe_unused]] List *clauses, List *fdw_private)
{
#if PG_VERSION_NUM >= 180000
	return create_foreign_join_path(root, rel, nullptr, rows, 0, startup, total, pathkeys, nullptr, nullptr, clauses,
	                                fdw_private);
#elif PG_VERSION_NUM >= 170000
	return create_foreign_join_path(root, rel, nullptr, rows, startup, total, pathkeys, nullptr, nullptr, clauses,
	                                fdw_private);
#else
	return create_foreign_join_path(root, rel, nullptr, rows, startup, total, pathkeys, nullptr, nullptr, fdw_private);
#endif
}

inline ForeignPath *
foreign_upper_path(PlannerInfo *root, RelOptInfo *rel, PathTarget *target, double rows, Cost startup, Cost total,
                   List *pathkeys, List *fdw_private)
{
#if PG_VERSION_NUM >= 180000
	return create_foreign_upper_path(root, rel, target, rows, 0, startup, total, pathkeys, nullptr, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
	return create_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, nullptr, NIL, fdw_private);
#else
	return create_foreign_upper_path(root, rel, target, rows, startup, total, pathkeys, nullptr, fdw_private);
#endif
}

/* Expressions that are equal, those of partitions among them, which since 18 are kept apart. */
inline List *
members_of(EquivalenceClass *klass, Relids relids)
{
#if PG_VERSION_NUM >= 180000
	List *members = NIL;
	EquivalenceMemberIterator iterator;
	setup_eclass_member_iterator(&iterator, klass, relids);
	while (EquivalenceMember *const member = eclass_member_iterator_next(&iterator))
		members = lappend(members, member);
	return members;
#else
	(void) relids;
	return klass->ec_members;
#endif
}

/* The outer joins in rel: since 16, a Var that an outer join may make NULL names that join as well as its table. */
inline Relids
outer_joins_of(const PlannerInfo *root, const RelOptInfo *rel)
{
#if PG_VERSION_NUM >= 160000
	return bms_intersect(rel->relids, root->outer_join_rels);
#else
	(void) root, (void) rel;
	return nullptr;
#endif
}

/*
 * Does a window function of the query end early, by a condition of the query around it that is checked nowhere else?
 * WindowClause.runCondition until 16, WindowFunc.runCondition since 17.
 */
inline bool
has_run_condition(PlannerInfo *root)
{
	ListCell *cell;
#if PG_VERSION_NUM >= 170000
	List *const parts = pull_var_clause(reinterpret_cast<Node *>(root->processed_tlist),
	                                    PVC_RECURSE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS);
	foreach (cell, parts) {
		auto *const part = static_cast<Node *>(lfirst(cell));
		if (IsA(part, WindowFunc) && reinterpret_cast<WindowFunc *>(part)->runCondition != NIL)
			return true;
	}
#else
	foreach (cell, root->parse->windowClause)
		if (lfirst_node(WindowClause, cell)->runCondition != NIL)
			return true;
#endif
	return false;
}

/* The strategy, as a btree has it, of a pathkey: a comparison type since 18. */
inline int16
pathkey_strategy(const PathKey *pathkey)
{
#if PG_VERSION_NUM >= 180000
	return pathkey->pk_cmptype == COMPARE_LT ? BTLessStrategyNumber : BTGreaterStrategyNumber;
#else
	return static_cast<int16>(pathkey->pk_strategy);
#endif
}

} // namespace tenancy::compat
