/*
 * Planning INSERT, UPDATE and DELETE of foreign tables: which columns are sent, which identify a row, and which have to
 * come back. PG regime.
 */
#include "bridge/route.hpp"
#include "fdw/fdw.hpp"
#include "fdw/modify.hpp"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "nodes/bitmapset.h"
#include "optimizer/appendinfo.h"
#include "optimizer/inherit.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;

/* The elements of fdw_private; EXPLAIN reads the first. */
enum Element : int { sql_element, type_element, conflict_element, targets_element, returned_element };

Form_pg_attribute
attribute_at(Relation relation, int number)
{
	return TupleDescAttr(RelationGetDescr(relation), number - 1);
}

/* Is the column sent? One that is generated here is sent as a value, unless the remote table computes it too. */
bool
is_sent(Relation relation, const Table &table, int number)
{
	if (!table.columns[number - 1].generated)
		return true;
	if (attribute_at(relation, number)->attgenerated == 0)
		return false;
	List *const options = GetForeignColumnOptions(RelationGetRelid(relation), static_cast<AttrNumber>(number));
	return !column_flag(options, "generated");
}

bool
is_null_constant(Node *node)
{
	return node != nullptr && IsA(node, Const) && reinterpret_cast<Const *>(node)->constisnull;
}

/* Does no row have a value there? Of several rows of VALUES, each has DEFAULT or NULL then. */
bool
is_always_null(Node *node, List *range_table)
{
	auto *const var = reinterpret_cast<Var *>(node);
	if (node == nullptr || !IsA(node, Var) || IS_SPECIAL_VARNO(var->varno))
		return is_null_constant(node);
	RangeTblEntry const *const entry = rt_fetch(var->varno, range_table);
	if (entry->rtekind != RTE_VALUES || var->varattno <= 0)
		return false;
	ListCell *cell;
	foreach (cell, entry->values_lists)
		if (!is_null_constant(static_cast<Node *>(list_nth(static_cast<List *>(lfirst(cell)), var->varattno - 1))))
			return false;
	return true;
}

[[noreturn]] void
refuse_generated(const Column &column, const char *action)
{
	ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS), errmsg("cannot %s column \"%s\"", action, column.name),
	                errdetail("The remote server computes its value.")));
}

[[noreturn]] void
refuse_without_key(Relation relation)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	                errmsg("foreign table \"%s\" has no key", RelationGetRelationName(relation)),
	                errdetail("Rows are updated, deleted and replaced by the columns of their key."),
	                errhint("IMPORT FOREIGN SCHEMA finds primary keys. By hand: ALTER FOREIGN TABLE … ALTER COLUMN … "
	                        "OPTIONS (ADD key 'true').")));
}

Node *
target_expression(List *target_list, int number)
{
	ListCell *cell;
	foreach (cell, target_list) {
		auto *const entry = lfirst_node(TargetEntry, cell);
		if (!entry->resjunk && entry->resno == number)
			return reinterpret_cast<Node *>(entry->expr);
	}
	return nullptr;
}

/*
 * An identity column without a value is the remote server's to fill, which may be seen only when BEFORE triggers have
 * run; what is generated there takes none.
 */
List *
insert_targets(Relation relation, const Table &table, List *target_list, List *range_table)
{
	List *targets = NIL;
	ListCell *cell;
	foreach (cell, live_columns(table)) {
		int const number = lfirst_int(cell);
		Column const &column = table.columns[number - 1];
		bool const missing = is_always_null(target_expression(target_list, number), range_table);
		bool const sent = is_sent(relation, table, number);
		if (!sent && !missing && attribute_at(relation, number)->attgenerated == 0)
			refuse_generated(column, "insert a value into");
		if (sent && !(missing && column.identity && !has_before_insert(relation)))
			targets = lappend_int(targets, number);
	}
	return targets;
}

/* A BEFORE trigger may change any column: then all are sent but identities, which need not even be writable. */
List *
update_targets(PlannerInfo *root, Relation relation, const Table &table, Index varno)
{
	TriggerDesc const *const triggers = relation->trigdesc;
	bool const any = triggers != nullptr && triggers->trig_update_before_row;
	Bitmapset *const updated = get_rel_all_updated_cols(root, find_base_rel(root, static_cast<int>(varno)));
	List *targets = NIL;
	ListCell *cell;
	foreach (cell, live_columns(table)) {
		int const number = lfirst_int(cell);
		bool const named = bms_is_member(number - FirstLowInvalidHeapAttributeNumber, updated);
		bool const sent = is_sent(relation, table, number);
		if (named && !sent && attribute_at(relation, number)->attgenerated == 0)
			refuse_generated(table.columns[number - 1], "update");
		if (sent && (named || (any && !table.columns[number - 1].identity)))
			targets = lappend_int(targets, number);
	}
	return targets;
}

/*
 * The columns to return: all when an AFTER trigger sees the row, else those that RETURNING and WITH CHECK OPTION look
 * at.
 */
List *
returned_columns(Relation relation, const Table &table, CmdType operation, Index varno, List *returning,
                 List *check_options)
{
	TriggerDesc const *const triggers = relation->trigdesc;
	if (triggers != nullptr && ((operation == CMD_INSERT && triggers->trig_insert_after_row) ||
	                            (operation == CMD_UPDATE && triggers->trig_update_after_row)))
		return live_columns(table);
	List *expressions = list_copy(returning);
	ListCell *cell;
	foreach (cell, check_options)
		expressions = lappend(expressions, lfirst_node(WithCheckOption, cell)->qual);
	return columns_in(table, reinterpret_cast<Node *>(expressions), varno);
}

void
print_text(ModifyPlan &plan, const Table &table)
{
	Writer const writer = make_writer(table, plan.type);
	switch (plan.operation) {
	case CMD_INSERT: plan.sql = insert_text(writer, plan, 1); break;
	case CMD_UPDATE: plan.sql = update_text(writer, plan); break;
	default: plan.sql = delete_text(writer, plan);
	}
}

/* plan is NULL for COPY. */
Conflict
conflict_of(const ModifyTable *plan, Relation relation, const Table &table)
{
	bool const inserts = plan != nullptr && plan->operation == CMD_INSERT;
	/* A target, which DO UPDATE needs, is refused earlier: there is no local index that it could mean. */
	if (inserts && plan->onConflictAction == ONCONFLICT_UPDATE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("foreign tables do not support INSERT with ON CONFLICT DO UPDATE")));
	if (inserts && plan->onConflictAction == ONCONFLICT_NOTHING)
		return Conflict::skip;
	if (table.options.upsert && key_columns(table) == NIL)
		refuse_without_key(relation);
	return table.options.upsert ? Conflict::replace : Conflict::fail;
}

List *
plan_modify(PlannerInfo *root, ModifyTable *plan, Index varno, int subplan)
{
	RangeTblEntry const *const entry = planner_rt_fetch(varno, root);
	Relation const relation = table_open(entry->relid, NoLock);
	Table const &table = *load_table(entry->relid);
	List *const returning =
		plan->returningLists != NIL ? static_cast<List *>(list_nth(plan->returningLists, subplan)) : NIL;
	List *const checks =
		plan->withCheckOptionLists != NIL ? static_cast<List *>(list_nth(plan->withCheckOptionLists, subplan)) : NIL;
	ModifyPlan modify{};
	modify.type = dialect_of(table);
	modify.operation = plan->operation;
	if (plan->operation == CMD_INSERT) {
		modify.conflict = conflict_of(plan, relation, table);
		modify.targets = insert_targets(relation, table, outerPlan(plan)->targetlist, root->parse->rtable);
	} else if (plan->operation == CMD_UPDATE) {
		modify.targets = update_targets(root, relation, table, varno);
	}
	modify.returned = returned_columns(relation, table, plan->operation, varno, returning, checks);
	print_text(modify, table);
	table_close(relation, NoLock);
	return encode_modify(modify);
}

void
add_update_targets(PlannerInfo *root, Index varno, RangeTblEntry *, Relation relation)
{
	Table const &table = *load_table(RelationGetRelid(relation));
	List *const keys = key_columns(table);
	if (keys == NIL && table.options.updatable)
		refuse_without_key(relation);
	ListCell *cell;
	foreach (cell, keys) {
		auto const number = static_cast<AttrNumber>(lfirst_int(cell));
		Column const &column = table.columns[number - 1];
		Var *const var = makeVar(static_cast<int>(varno), number, column.type, column.typmod, column.collation, 0);
		add_row_identity_var(root, var, varno, key_attribute_name(column, number));
	}
}

int
is_updatable(Relation relation)
{
	Table const &table = *load_table(RelationGetRelid(relation));
	if (!table.options.updatable)
		return 0;
	int const by_key = key_columns(table) != NIL ? (1 << CMD_UPDATE) | (1 << CMD_DELETE) : 0;
	return (1 << CMD_INSERT) | by_key;
}

/* The range table entry whose number expressions over a row carry that is routed into target. */
Index
varno_of_routed(const ModifyTable *plan, ModifyTableState *state, const ResultRelInfo *target)
{
	if (target->ri_RangeTableIndex != 0)
		return target->ri_RangeTableIndex;
	ResultRelInfo const *const root = target->ri_RootResultRelInfo;
	if (plan != nullptr && plan->operation == CMD_UPDATE && root->ri_RangeTableIndex == plan->rootRelation)
		return state->resultRelInfo[0].ri_RangeTableIndex;
	return root->ri_RangeTableIndex;
}

/* The number in the statement's table of a column of the table that the row is routed to; 0: it has none. */
int
number_in_root(const TupleConversionMap *map, int number)
{
	return map == nullptr ? number : map->attrMap->attnums[number - 1];
}

bool
has_default(Relation relation, int number)
{
	return number > 0 && attribute_at(relation, number)->atthasdef;
}

} // namespace

/* The same as insert_targets() for rows that come from COPY or through a partitioned table. */
ModifyPlan
plan_routed_insert(ModifyTableState *state, ResultRelInfo *target, const Table &table)
{
	auto *const plan = reinterpret_cast<ModifyTable *>(state->ps.plan); /* NULL: COPY */
	Relation const relation = target->ri_RelationDesc;
	ResultRelInfo *const root = target->ri_RootResultRelInfo != nullptr ? target->ri_RootResultRelInfo : target;
	bool const from_insert = plan != nullptr && plan->operation == CMD_INSERT;
	Bitmapset *const given = plan == nullptr ? ExecGetInsertedCols(root, state->ps.state) : nullptr;
	ModifyPlan modify{};
	modify.type = dialect_of(table);
	modify.operation = CMD_INSERT;
	modify.conflict = conflict_of(plan, relation, table);
	const TupleConversionMap *const map = compat::root_to_child_map(target, state->ps.state);
	ListCell *cell;
	foreach (cell, live_columns(table)) {
		int const number = lfirst_int(cell);
		int const outside = number_in_root(map, number);
		bool missing = outside == 0;
		if (!missing && from_insert)
			missing = is_null_constant(target_expression(outerPlan(plan)->targetlist, outside));
		else if (!missing && plan == nullptr)
			missing = !bms_is_member(outside - FirstLowInvalidHeapAttributeNumber, given) &&
			          !has_default(root->ri_RelationDesc, outside);
		bool const left_out = missing && table.columns[number - 1].identity && !has_before_insert(relation);
		if (is_sent(relation, table, number) && !left_out)
			modify.targets = lappend_int(modify.targets, number);
	}
	modify.returned = returned_columns(relation, table, CMD_INSERT, varno_of_routed(plan, state, target),
	                                   target->ri_returningList, target->ri_WithCheckOptions);
	print_text(modify, table);
	return modify;
}

List *
encode_modify(const ModifyPlan &plan)
{
	return list_make5(makeString(pstrdup(plan.sql)), makeInteger(static_cast<int>(plan.type)),
	                  makeInteger(static_cast<int>(plan.conflict)), plan.targets, plan.returned);
}

ModifyPlan
decode_modify(List *fdw_private, CmdType operation)
{
	ModifyPlan plan{};
	plan.sql = strVal(list_nth(fdw_private, sql_element));
	plan.type = static_cast<DatabaseType>(intVal(list_nth(fdw_private, type_element)));
	plan.operation = operation;
	plan.conflict = static_cast<Conflict>(intVal(list_nth(fdw_private, conflict_element)));
	plan.targets = static_cast<List *>(list_nth(fdw_private, targets_element));
	plan.returned = static_cast<List *>(list_nth(fdw_private, returned_element));
	return plan;
}

DatabaseType
dialect_of(const Table &table)
{
	return connection::type_of(table.options.connection);
}

List *
live_columns(const Table &table)
{
	List *columns = NIL;
	for (int i = 0; i < table.width; ++i)
		if (is_remote(table.columns[i]))
			columns = lappend_int(columns, i + 1);
	return columns;
}

List *
key_columns(const Table &table)
{
	List *columns = NIL;
	for (int i = 0; i < table.width; ++i)
		if (!table.columns[i].dropped && table.columns[i].key)
			columns = lappend_int(columns, i + 1);
	return columns;
}

List *
columns_in(const Table &table, Node *expressions, Index varno)
{
	Bitmapset *numbers = nullptr;
	pull_varattnos(expressions, varno, &numbers);
	List *columns = NIL;
	ListCell *cell;
	bool const whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, numbers);
	foreach (cell, live_columns(table))
		if (whole_row || bms_is_member(lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber, numbers))
			columns = lappend_int(columns, lfirst_int(cell));
	return columns;
}

bool
has_before_insert(Relation relation)
{
	return relation->trigdesc != nullptr && relation->trigdesc->trig_insert_before_row;
}

/* Attributes of different types have different names; partitions that share a name share the attribute. */
const char *
key_attribute_name(const Column &column, AttrNumber number)
{
	return psprintf("tenancy_key_%d_%u_%d_%u", number, column.type, column.typmod, column.collation);
}

void
set_modify_plan_callbacks(FdwRoutine *routine)
{
	routine->AddForeignUpdateTargets = add_update_targets;
	routine->PlanForeignModify = plan_modify;
	routine->IsForeignRelUpdatable = is_updatable;
}

} // namespace tenancy::fdw
