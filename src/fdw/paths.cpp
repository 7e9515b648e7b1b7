/*
 * Paths of one foreign table: plain, ordered, and with values from an outer row. PG regime.
 */
#include "fdw/relation.hpp"

#include "bridge/plan.hpp"
#include "settings.hpp"

extern "C" {
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
}

namespace tenancy::fdw {

namespace {

/* One path that is run again for each outer row with the clauses that tie it to outer. */
void
add_lookup_path(PlannerInfo *root, RelOptInfo *rel, Relids outer)
{
	ForeignRelation const *const relation = relation_of(rel);
	ParamPathInfo *const info = get_baserel_parampathinfo(root, rel, outer);
	if (info == nullptr)
		return;
	List *sent = NIL;
	bool by_key = false;
	ListCell *cell;
	foreach (cell, info->ppi_clauses) {
		auto *const condition = lfirst_node(RestrictInfo, cell);
		auto *const clause = reinterpret_cast<Node *>(condition->clause);
		if (shippable(root, relation, condition) == Ship::none)
			continue;
		sent = lappend(sent, clause);
		by_key = by_key || is_key_lookup(relation, clause);
	}
	if (sent == NIL)
		return;
	double const fetched = clamp_row_est(
		relation->rows * clauselist_selectivity(root, sent, static_cast<int>(rel->relid), JOIN_INNER, nullptr));
	Estimate const cost = estimate_lookup(relation, fetched, by_key);
	add_path(rel, reinterpret_cast<Path *>(compat::foreign_table_path(root, rel, info->ppi_rows, cost.startup,
	                                                                  cost.total, NIL, outer, NIL)));
}

/* The sets of relations that a clause could take values from. */
List *
outer_sets(PlannerInfo *root, RelOptInfo *rel)
{
	List *sets = NIL;
	List *clauses = list_copy(rel->joininfo);
	auto const any_member = [](PlannerInfo *, RelOptInfo *relation, EquivalenceClass *, EquivalenceMember *member,
	                           void *) { return bms_equal(member->em_relids, relation->relids); };
	if (rel->has_eclass_joins)
		clauses = list_concat(
			clauses, generate_implied_equalities_for_column(root, rel, any_member, nullptr, rel->lateral_referencers));
	ListCell *cell;
	foreach (cell, clauses) {
		auto *const info = lfirst_node(RestrictInfo, cell);
		if (!join_clause_is_movable_to(info, rel))
			continue;
		Relids const outer = bms_union(bms_difference(info->clause_relids, rel->relids), rel->lateral_relids);
		bool known = bms_is_empty(outer);
		ListCell *other;
		foreach (other, sets)
			known = known || bms_equal(static_cast<Relids>(lfirst(other)), outer);
		if (!known)
			sets = lappend(sets, outer);
	}
	return sets;
}

} // namespace

void
table_paths(PlannerInfo *root, RelOptInfo *rel, Oid)
{
	ForeignRelation const *const relation = relation_of(rel);
	Estimate const plain = estimate(root, rel, relation, false);
	add_path(rel, reinterpret_cast<Path *>(compat::foreign_table_path(root, rel, plain.rows, plain.startup, plain.total,
	                                                                  NIL, rel->lateral_relids, NIL)));
	if (!settings::enable_pushdown)
		return;
	/* What row-level security keeps here has to come before keys that may tell what they see. */
	bool const hides_nothing = root->qual_security_level == 0 || is_whole(relation);
	if (root->query_pathkeys != NIL && hides_nothing && can_sort(root, relation, root->query_pathkeys)) {
		Estimate const sorted = estimate(root, rel, relation, true);
		add_path(rel, reinterpret_cast<Path *>(compat::foreign_table_path(root, rel, sorted.rows, sorted.startup,
		                                                                  sorted.total, root->query_pathkeys,
		                                                                  rel->lateral_relids, NIL)));
	}
	ListCell *cell;
	List *const sets = outer_sets(root, rel);
	foreach (cell, sets)
		add_lookup_path(root, rel, static_cast<Relids>(lfirst(cell)));
}

} // namespace tenancy::fdw
