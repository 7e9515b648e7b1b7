/*
 * Planning direct modifications: can the remote server do the whole UPDATE or DELETE? PG regime.
 */
#include "fdw/modify_direct.hpp"

#include "fdw/encoder.hpp"
#include "fdw/sqlite_types.hpp"
#include "fdw/writer.hpp"
#include "settings.hpp"

extern "C" {
#include "access/sysattr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/appendinfo.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;

enum Element : int { sql_element, type_element, counts_element, columns_element, returned_element };

/* A statement under construction. */
struct Draft {
	Renderer *renderer;
	const Table *table;
	Writer writer;
	List *columns; /* int: as DirectPlan */
};

/* The scan that finds the rows of one target, if nothing stands between it and the modification. */
ForeignScan *
scan_of_target(const ModifyTable *plan, Index varno, int subplan)
{
	Plan *below = outerPlan(plan);
	if (IsA(below, Result) && outerPlan(below) != nullptr)
		below = outerPlan(below);
	if (IsA(below, Append)) {
		List *const children = reinterpret_cast<Append *>(below)->appendplans;
		below = subplan < list_length(children) ? static_cast<Plan *>(list_nth(children, subplan)) : nullptr;
	} else if (below != outerPlan(plan)) {
		return nullptr;
	}
	if (below == nullptr || !IsA(below, ForeignScan))
		return nullptr;
	auto *const scan = reinterpret_cast<ForeignScan *>(below);
	return scan->scan.scanrelid == varno ? scan : nullptr;
}

bool
has_multi_value(Node *node, void *)
{
	if (node == nullptr)
		return false;
	if (IsA(node, Param) && reinterpret_cast<Param *>(node)->paramkind == PARAM_MULTIEXPR)
		return true;
	return IsA(node, SubPlan) || IsA(node, SubLink) || compat::walk_expression(node, has_multi_value, nullptr);
}

/* Parameters of expressions were added by the renderer: they belong to no column. */
void
count_params(Draft &draft)
{
	while (list_length(draft.columns) < list_length(draft.renderer->params))
		draft.columns = lappend_int(draft.columns, 0);
}

/*
 * Does the column hold exactly what an expression on the server gives? It does when nothing turns a text into a number
 * or rounds, and when it is of no domain: the server does not know what a domain of this side allows.
 */
bool
keeps_value(const Draft &draft, const Column &column)
{
	if (getBaseType(column.type) != column.type)
		return false;
	switch (draft.renderer->type()) {
	case DatabaseType::sqlite: return reading_of(column).family != Family::none;
	case DatabaseType::mysql: return mysql_keeps_values(column);
	default: return true;
	}
}

/* A value that does not look at the row is computed here, once, and sent as every value of the column is. */
bool
print_value(Draft &draft, const Column &column, int number, Node *value)
{
	if (has_multi_value(value, nullptr))
		return false;
	Relids const rows = pull_varnos(draft.renderer->root, value);
	if (bms_is_empty(rows) && !contain_volatile_functions(value)) {
		draft.renderer->params = lappend(draft.renderer->params, value);
		draft.columns = lappend_int(draft.columns, number);
		int const place = list_length(draft.renderer->params);
		draft.renderer->values = bms_add_member(draft.renderer->values, place);
		draft.renderer->value_placeholder(column, place);
		return true;
	}
	if (exprType(value) != column.type || !keeps_value(draft, column) || !draft.renderer->can_assign(column) ||
	    !draft.renderer->expression(value))
		return false;
	count_params(draft);
	return true;
}

/* MySQL assigns from left to right, so that a value sees what was assigned before it. */
bool
sees_assigned(Node *value, Index varno, const Bitmapset *assigned)
{
	Bitmapset *used = nullptr;
	pull_varattnos(value, varno, &used);
	return bms_overlap(used, assigned);
}

bool
print_assignments(Draft &draft, PlannerInfo *root, Index varno)
{
	List *values;
	List *numbers;
	get_translated_update_targetlist(root, varno, &values, &numbers);
	Bitmapset *assigned = nullptr;
	bool first = true;
	ListCell *value_cell;
	ListCell *number_cell;
	appendStringInfoString(draft.renderer->out, " SET ");
	forboth(value_cell, values, number_cell, numbers)
	{
		auto *const entry = lfirst_node(TargetEntry, value_cell);
		int const number = lfirst_int(number_cell);
		Column const &column = draft.table->columns[number - 1];
		auto *const value = reinterpret_cast<Node *>(entry->expr);
		if (column.generated ||
		    (draft.renderer->type() == DatabaseType::mysql && sees_assigned(value, varno, assigned)))
			return false;
		assigned = bms_add_member(assigned, number - FirstLowInvalidHeapAttributeNumber);
		if (!first)
			appendStringInfoString(draft.renderer->out, ", ");
		first = false;
		draft.renderer->identifier(column.name);
		appendStringInfoString(draft.renderer->out, " = ");
		if (!print_value(draft, column, number, value))
			return false;
	}
	return !first;
}

bool
print_conditions(Draft &draft, PlannerInfo *root, Index varno)
{
	List *const infos = root->simple_rel_array[varno]->baserestrictinfo;
	if (list_length(infos) > draft.renderer->abilities().most_beside)
		return false;
	const char *before = " WHERE ";
	ListCell *cell;
	foreach (cell, infos) {
		auto *const info = lfirst_node(RestrictInfo, cell);
		if (info->pseudoconstant || !restriction_is_securely_promotable(info, root->simple_rel_array[varno]))
			return false;
		appendStringInfoString(draft.renderer->out, before);
		if (draft.renderer->condition(reinterpret_cast<Node *>(info->clause)) != Ship::exact)
			return false;
		before = " AND ";
	}
	count_params(draft);
	return true;
}

bool
may_return(const Renderer &renderer, CmdType operation)
{
	Abilities const &abilities = renderer.abilities();
	return operation == CMD_UPDATE ? abilities.update_returning : abilities.delete_returning;
}

/* The columns to return: at least one, so that each row is a row here. */
List *
returned_of(const ModifyTable *plan, const Table &table, Index varno, int subplan)
{
	if (plan->returningLists == NIL)
		return NIL;
	List *const columns = columns_in(table, static_cast<Node *>(list_nth(plan->returningLists, subplan)), varno);
	return columns != NIL ? columns : list_make1_int(linitial_int(live_columns(table)));
}

/* The new values were computed on the other side: what the plan still lists of them must not be, from changed rows. */
List *
without_values(List *target_list)
{
	List *result = NIL;
	ListCell *cell;
	foreach (cell, target_list) {
		TargetEntry *const entry = flatCopyTargetEntry(lfirst_node(TargetEntry, cell));
		auto *const value = reinterpret_cast<Node *>(entry->expr);
		if (!IsA(value, Var))
			entry->expr =
				reinterpret_cast<Expr *>(makeNullConst(exprType(value), exprTypmod(value), exprCollation(value)));
		result = lappend(result, entry);
	}
	return result;
}

bool
print_statement(Draft &draft, PlannerInfo *root, const ModifyTable *plan, Index varno, List *returned)
{
	StringInfo const out = draft.renderer->out;
	appendStringInfoString(out, plan->operation == CMD_UPDATE ? "UPDATE " : "DELETE FROM ");
	draft.renderer->relation(*draft.table);
	if (plan->operation == CMD_UPDATE && !print_assignments(draft, root, varno))
		return false;
	if (!print_conditions(draft, root, varno))
		return false;
	if (returned != NIL) {
		appendStringInfoString(out, " RETURNING ");
		print_outputs(draft.writer, returned);
	}
	return true;
}

} // namespace

bool
plan_direct(PlannerInfo *root, ModifyTable *plan, Index varno, int subplan)
{
	ForeignScan *const scan = scan_of_target(plan, varno, subplan);
	if (scan == nullptr || !settings::enable_pushdown)
		return false;
	Table const &table = *load_table(planner_rt_fetch(varno, root)->relid);
	if (!table.options.updatable)
		return false; /* which may have no key, and no column */
	DatabaseType const type = dialect_of(table);
	Draft draft{};
	draft.table = &table;
	draft.writer = make_writer(table, type);
	draft.renderer = draft.writer.renderer;
	draft.renderer->out = makeStringInfo();
	draft.renderer->root = root;
	draft.renderer->sources[0].varno = varno;
	draft.renderer->relids = bms_make_singleton(static_cast<int>(varno));
	draft.renderer->trust_remote_collation = table.options.trust_remote_collation;
	draft.renderer->same_encoding = has_same_encoding(draft.renderer->sources, draft.renderer->source_count);
	List *const returned = returned_of(plan, table, varno, subplan);
	if (returned != NIL &&
	    (!may_return(*draft.renderer, plan->operation) || outerPlan(plan) != reinterpret_cast<Plan *>(scan)))
		return false;
	if (!print_statement(draft, root, plan, varno, returned))
		return false;
	scan->operation = plan->operation;
	scan->resultRelation = varno;
	scan->fdw_exprs = draft.renderer->params;
	scan->fdw_private = encode_direct({draft.renderer->out->data, type, plan->canSetTag, draft.columns, returned});
	scan->fdw_scan_tlist = NIL;
	scan->fdw_recheck_quals = NIL;
	scan->scan.plan.qual = NIL;
	scan->scan.plan.async_capable = false;
	scan->scan.plan.targetlist = without_values(scan->scan.plan.targetlist);
	return true;
}

List *
encode_direct(const DirectPlan &plan)
{
	return list_make5(makeString(pstrdup(plan.sql)), makeInteger(static_cast<int>(plan.type)), makeBoolean(plan.counts),
	                  plan.columns, plan.returned);
}

DirectPlan
decode_direct(List *fdw_private)
{
	DirectPlan plan{};
	plan.sql = strVal(list_nth(fdw_private, sql_element));
	plan.type = static_cast<DatabaseType>(intVal(list_nth(fdw_private, type_element)));
	plan.counts = boolVal(list_nth(fdw_private, counts_element));
	plan.columns = static_cast<List *>(list_nth(fdw_private, columns_element));
	plan.returned = static_cast<List *>(list_nth(fdw_private, returned_element));
	return plan;
}

} // namespace tenancy::fdw
