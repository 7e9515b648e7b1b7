/*
 * Foreign tables before paths: which conditions go to the remote server, and how many rows come back. PG regime.
 */
#include "fdw/relation.hpp"

#include <algorithm>

#include "connection/connection.hpp"
#include "settings.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

/* Rows of a table of which nothing is known: as many as fit on the ten pages that PostgreSQL assumes of its own. */
constexpr int unknown_pages = 10;

/*
 * May the clause be asked of rows that conditions of row-level security or of a security barrier would have kept from
 * it? A remote server heeds no order of conditions, so that one which may tell what it saw has to wait for them here.
 */
bool
is_secure(PlannerInfo *root, const ForeignRelation *relation, RestrictInfo *info)
{
	for (int i = 0; i < relation->source_count; ++i)
		if (!restriction_is_securely_promotable(info, root->simple_rel_array[relation->sources[i].varno]))
			return false;
	return true;
}

void
sort_out_conditions(PlannerInfo *root, RelOptInfo *rel, ForeignRelation *relation)
{
	int const most_beside = abilities_of(relation).most_beside;
	ListCell *cell;
	foreach (cell, rel->baserestrictinfo) {
		auto *const info = lfirst_node(RestrictInfo, cell);
		auto *const clause = reinterpret_cast<Node *>(info->clause);
		bool const fits = list_length(relation->conditions) < most_beside;
		Ship const ship = fits ? shippable(root, relation, info) : Ship::none;
		/* Core puts a gate above a scan for a condition without columns, but not above what replaces the scan. */
		relation->gated = relation->gated || (info->pseudoconstant && ship != Ship::exact);
		if (ship != Ship::none) {
			relation->conditions = lappend(relation->conditions, condition_of(clause));
			relation->remote_clauses = lappend(relation->remote_clauses, clause);
		}
		if (ship != Ship::exact && !info->pseudoconstant)
			relation->local_clauses = lappend(relation->local_clauses, clause);
	}
}

/* The rows that conditions find which look rows up; without one, all rows of the table. */
double
scanned_rows(PlannerInfo *root, const RelOptInfo *rel, const ForeignRelation *relation)
{
	List *found_by = NIL;
	ListCell *cell;
	foreach (cell, relation->remote_clauses)
		if (is_key_lookup(relation, static_cast<Node *>(lfirst(cell))))
			found_by = lappend(found_by, lfirst(cell));
	return rel->tuples * clauselist_selectivity(root, found_by, static_cast<int>(rel->relid), JOIN_INNER, nullptr);
}

} // namespace

Condition *
condition_of(Node *clause)
{
	auto *const condition = static_cast<Condition *>(palloc0(sizeof(Condition)));
	condition->clause = clause;
	return condition;
}

const Abilities &
abilities_of(const ForeignRelation *relation)
{
	return make_renderer(relation->type)->abilities();
}

Renderer *
renderer_for(PlannerInfo *root, const ForeignRelation *relation)
{
	Renderer *const renderer = make_renderer(relation->type);
	renderer->out = makeStringInfo();
	renderer->root = root;
	renderer->relids = relation->relids;
	renderer->sources = relation->sources;
	renderer->source_count = relation->source_count;
	renderer->qualified = relation->source_count > 1;
	renderer->trust_remote_collation = relation->options.trust_remote_collation;
	renderer->same_encoding = has_same_encoding(relation->sources, relation->source_count);
	return renderer;
}

Ship
shippable(PlannerInfo *root, const ForeignRelation *relation, RestrictInfo *info)
{
	if (!settings::enable_pushdown || !is_secure(root, relation, info))
		return Ship::none;
	return renderer_for(root, relation)->condition(reinterpret_cast<Node *>(info->clause));
}

bool
is_key_lookup(const ForeignRelation *relation, Node *clause)
{
	constexpr Oid ordered[] = {F_EQSEL, F_SCALARLTSEL, F_SCALARLESEL, F_SCALARGTSEL, F_SCALARGESEL};
	if (!is_opclause(clause) ||
	    std::ranges::find(ordered, get_oprrest(reinterpret_cast<OpExpr *>(clause)->opno)) == std::end(ordered))
		return false;
	for (Node *side : {get_leftop(clause), get_rightop(clause)}) {
		while (side != nullptr && IsA(side, RelabelType))
			side = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(side)->arg);
		auto *const var = reinterpret_cast<Var *>(side);
		if (side == nullptr || !IsA(side, Var) || var->varattno <= 0)
			continue;
		for (int i = 0; i < relation->source_count; ++i)
			if (Source const &source = relation->sources[i]; source.varno == static_cast<Index>(var->varno)) {
				Column const &column = source.table->columns[var->varattno - 1];
				if (column.key || column.indexed)
					return true;
			}
	}
	return false;
}

bool
has_plain_columns(List *exprs)
{
	List *const parts = pull_var_clause(reinterpret_cast<Node *>(exprs),
	                                    PVC_INCLUDE_PLACEHOLDERS | PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS);
	ListCell *cell;
	foreach (cell, parts)
		if (!IsA(lfirst(cell), Var) || static_cast<Var *>(lfirst(cell))->varattno <= 0)
			return false;
	return true;
}

void
table_size(PlannerInfo *root, RelOptInfo *rel, Oid)
{
	RangeTblEntry const *const entry = planner_rt_fetch(rel->relid, root);
	Table *const table = load_table(entry->relid);
	auto *const relation = static_cast<ForeignRelation *>(palloc0(sizeof(ForeignRelation)));
	relation->server = table->server;
	relation->options = table->options;
	relation->type = connection::type_of(table->options.connection);
	relation->sources = static_cast<Source *>(palloc(sizeof(Source)));
	relation->sources[0] = {rel->relid, table};
	relation->source_count = 1;
	relation->relids = relation->visible = bms_make_singleton(static_cast<int>(rel->relid));
	rel->fdw_private = relation;
	sort_out_conditions(root, rel, relation);

	if (rel->tuples < 0) {
		rel->pages = unknown_pages;
		rel->tuples = unknown_pages * static_cast<double>(BLCKSZ) /
		              (rel->reltarget->width + static_cast<double>(MAXALIGN(SizeofHeapTupleHeader)));
	}
	set_baserel_size_estimates(root, rel);
	relation->scanned = scanned_rows(root, rel, relation);
	relation->rows_here = rel->rows;
	relation->rows =
		clamp_row_est(rel->tuples * clauselist_selectivity(root, relation->remote_clauses, static_cast<int>(rel->relid),
	                                                       JOIN_INNER, nullptr));
	if (relation->options.use_remote_estimate && settings::enable_pushdown && ask_remote_planner(root, relation))
		rel->rows = relation->rows_here =
			clamp_row_est(relation->rows * clauselist_selectivity(root, relation->local_clauses,
		                                                          static_cast<int>(rel->relid), JOIN_INNER, nullptr));
}

} // namespace tenancy::fdw
