/*
 * The part of every dialect that is the same in all of them: which nodes there are, and what is a value of this side.
 * PG regime.
 */
#include "fdw/render.hpp"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace tenancy::fdw {

namespace {

/* Nodes that mean nothing without the executor state around them, or that only the remote server can compute. */
bool
needs_context(Node *node, void *context)
{
	if (node == nullptr)
		return false;
	switch (nodeTag(node)) {
	case T_CaseTestExpr:
	case T_CoerceToDomainValue:
	case T_SetToDefault:
	case T_CurrentOfExpr:
	case T_NextValueExpr:
	case T_PlaceHolderVar:
	case T_SubPlan:
	case T_AlternativeSubPlan:
	case T_SubLink:
	case T_Aggref:
	case T_GroupingFunc:
	case T_WindowFunc: return true;
	default: return compat::walk_expression(node, needs_context, context);
	}
}

/* Is it what a sub-select answers that is run when somebody first asks? */
bool
is_asked_for(const PlannerInfo *root, const Param *param)
{
	if (param->paramkind != PARAM_EXEC)
		return false;
	for (; root != nullptr; root = root->parent_root) {
		ListCell *cell;
		foreach (cell, root->init_plans)
			if (list_member_int(static_cast<SubPlan *>(lfirst(cell))->setParam, param->paramid))
				return true;
	}
	return false;
}

/* Can its evaluation not fail, so that it may happen where PostgreSQL itself might not have come to it? */
bool
is_harmless(const PlannerInfo *root, Node *node)
{
	switch (nodeTag(node)) {
	case T_Param: return !is_asked_for(root, reinterpret_cast<Param *>(node));
	case T_Var:
	case T_SQLValueFunction: return true;
	case T_FuncExpr: {
		auto *const func = reinterpret_cast<FuncExpr *>(node);
		return func->args == NIL && func->funcid < FirstUnpinnedObjectId;
	}
	case T_RelabelType: return is_harmless(root, reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg));
	default: return false;
	}
}

/* False when arguments of different collations leave open which one decides: remotely that may be an error. */
bool
has_collation(Oid collation, List *args)
{
	ListCell *cell;
	foreach (cell, args)
		if (!OidIsValid(collation) && OidIsValid(exprCollation(static_cast<Node *>(lfirst(cell)))))
			return false;
	return true;
}

/* The elements of a one-dimensional array as Consts. */
List *
elements_of(Const *array)
{
	ArrayType *const value = DatumGetArrayTypeP(array->constvalue);
	Oid const type = ARR_ELEMTYPE(value);
	Oid const collation = array->constcollid;
	int16 length;
	bool by_value;
	char alignment;
	Datum *items;
	bool *nulls;
	int count;
	get_typlenbyvalalign(type, &length, &by_value, &alignment);
	deconstruct_array(value, type, length, by_value, alignment, &items, &nulls, &count);
	List *elements = NIL;
	for (int i = 0; i < count; ++i)
		elements = lappend(elements, makeConst(type, -1, collation, length, items[i], nulls[i], by_value));
	return elements;
}

} // namespace

void
Renderer::rewind(const Mark &mark)
{
	out->len = mark.length;
	out->data[mark.length] = 0;
	params = list_truncate(params, mark.params);
}

void
Renderer::add_param(Expr *expr)
{
	params = lappend(params, expr);
}

int
Renderer::param_number(Expr *expr) const
{
	int number = 0;
	ListCell *cell;
	foreach (cell, params) {
		++number;
		if (equal(lfirst(cell), expr) && !bms_is_member(number, values))
			return number;
	}
	return 0;
}

bool
Renderer::is_ours(const Var *var) const
{
	return var->varlevelsup == 0 && bms_is_member(static_cast<int>(var->varno), relids);
}

const Column *
Renderer::column_of(const Var *var) const
{
	if (!is_ours(var) || var->varattno <= 0)
		return nullptr;
	for (int i = 0; i < source_count; ++i)
		if (sources[i].varno == static_cast<Index>(var->varno) && var->varattno <= sources[i].table->width) {
			Column const *const found = &sources[i].table->columns[var->varattno - 1];
			return is_remote(*found) ? found : nullptr;
		}
	return nullptr;
}

/* A value that this side can compute before the remote server is asked: no column of ours, nothing volatile. */
bool
Renderer::is_local(Node *node) const
{
	return !bms_overlap(pull_varnos(root, node), relids) && !needs_context(node, nullptr) &&
	       !contain_volatile_functions(node) && (conditional_depth_ == 0 || is_harmless(root, node));
}

bool
Renderer::expression(Node *node)
{
	if (node == nullptr)
		return false;
	check_stack_depth();
	if (IsA(node, Const))
		return constant(reinterpret_cast<Const *>(node));
	if (is_local(node))
		return parameter(reinterpret_cast<Expr *>(node));
	Mark const begin = mark();
	if (depth_ == 0) {
		nodes_ = 0;
		started_ = begin.length;
	}
	++nodes_;
	if (is_too_long())
		return false;
	++depth_;
	bool const printed = value(node);
	--depth_;
	return printed && (depth_ > 0 || fits_parser(begin));
}

bool
Renderer::value(Node *node)
{
	switch (nodeTag(node)) {
	case T_Var: {
		auto *const var = reinterpret_cast<Var *>(node);
		Column const *const found = column_of(var);
		return found != nullptr && column(*found, static_cast<Index>(var->varno));
	}
	case T_OpExpr: {
		auto *const op = reinterpret_cast<OpExpr *>(node);
		return call(op->opno, get_opcode(op->opno), op->args, op->inputcollid, op->opresulttype);
	}
	case T_FuncExpr: {
		auto *const func = reinterpret_cast<FuncExpr *>(node);
		return !func->funcretset && !func->funcvariadic &&
		       call(InvalidOid, func->funcid, func->args, func->inputcollid, func->funcresulttype);
	}
	case T_DistinctExpr: {
		auto *const op = reinterpret_cast<DistinctExpr *>(node);
		return has_collation(op->inputcollid, op->args) &&
		       distinct_from({get_opcode(op->opno), op->opno, op->args, op->inputcollid, BOOLOID, -1});
	}
	case T_RelabelType: {
		auto *const cast = reinterpret_cast<RelabelType *>(node);
		return relabel(cast->arg, cast->resulttype, cast->resulttypmod);
	}
	case T_CoerceViaIO: {
		auto *const cast = reinterpret_cast<CoerceViaIO *>(node);
		return cast_by_text(cast->arg, cast->resulttype);
	}
	case T_CaseTestExpr: {
		if (case_arguments_ == NIL)
			return false;
		auto *const argument = static_cast<Expr *>(llast(case_arguments_));
		List *const outer = list_truncate(list_copy(case_arguments_), list_length(case_arguments_) - 1);
		List *const inner = case_arguments_;
		case_arguments_ = outer;
		bool const printed = expression(reinterpret_cast<Node *>(argument));
		case_arguments_ = inner;
		return printed;
	}
	case T_CollateExpr: return expression(reinterpret_cast<Node *>(reinterpret_cast<CollateExpr *>(node)->arg));
	case T_BoolExpr: return boolean(reinterpret_cast<BoolExpr *>(node));
	case T_NullTest: return null_test(reinterpret_cast<NullTest *>(node));
	case T_BooleanTest: return boolean_test(reinterpret_cast<BooleanTest *>(node));
	case T_CaseExpr: return case_expression(reinterpret_cast<CaseExpr *>(node));
	case T_CoalesceExpr: return coalesce(reinterpret_cast<CoalesceExpr *>(node));
	case T_NullIfExpr: return null_if(reinterpret_cast<NullIfExpr *>(node));
	case T_MinMaxExpr: {
		auto *const choice = reinterpret_cast<MinMaxExpr *>(node);
		return has_collation(choice->inputcollid, choice->args) && min_max(choice);
	}
	case T_ScalarArrayOpExpr: return scalar_array(reinterpret_cast<ScalarArrayOpExpr *>(node));
	case T_Aggref: return aggregates && aggregate(reinterpret_cast<Aggref *>(node));
	case T_WindowFunc: return windows && window(reinterpret_cast<WindowFunc *>(node));
	default: return other(node);
	}
}

bool
Renderer::call(Oid op, Oid function_id, List *args, Oid collation, Oid type)
{
	return OidIsValid(function_id) && has_collation(collation, args) &&
	       function({function_id, op, args, collation, type, -1});
}

bool
Renderer::list(List *nodes, const char *separator)
{
	ListCell *cell;
	foreach (cell, nodes) {
		if (cell != list_head(nodes))
			print(separator);
		if (!expression(static_cast<Node *>(lfirst(cell))))
			return false;
	}
	return true;
}

bool
Renderer::scalar_array(ScalarArrayOpExpr *node)
{
	auto *const item = static_cast<Expr *>(linitial(node->args));
	auto *array = static_cast<Node *>(lsecond(node->args));
	Call const comparison = {get_opcode(node->opno), node->opno, node->args, node->inputcollid, BOOLOID, -1};
	if (!OidIsValid(comparison.function) || !has_collation(node->inputcollid, node->args))
		return false;
	if (IsA(array, Const) && !reinterpret_cast<Const *>(array)->constisnull)
		return array_list(comparison, node->useOr, item, elements_of(reinterpret_cast<Const *>(array)));
	if (IsA(array, ArrayExpr) && !reinterpret_cast<ArrayExpr *>(array)->multidims) {
		List *const elements = reinterpret_cast<ArrayExpr *>(array)->elements;
		ListCell *cell;
		foreach (cell, elements)
			if (!IsA(lfirst(cell), Const) && !is_local(static_cast<Node *>(lfirst(cell))))
				return false;
		return array_list(comparison, node->useOr, item, elements);
	}
	return !IsA(array, Const) && is_local(array) &&
	       array_parameter(comparison, node->useOr, item, reinterpret_cast<Expr *>(array));
}

Renderer *
make_renderer(remote::DatabaseType type)
{
	switch (type) {
	case remote::DatabaseType::mysql: return make_mysql_renderer();
	case remote::DatabaseType::sqlite: return make_sqlite_renderer();
	case remote::DatabaseType::postgresql: break;
	}
	return make_postgres_renderer();
}

bool
has_same_encoding(const Source *sources, int count)
{
	bool same = GetDatabaseEncoding() == PG_UTF8;
	for (int i = 0; i < count; ++i)
		same = same && sources[i].table->is_utf8;
	return same;
}

bool
is_byte_order(Oid collation)
{
	return !OidIsValid(collation) || compat::collation_is_c(collation);
}

bool
is_deterministic(Oid collation)
{
	return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

bool
whole_constant(Node *node, int *value)
{
	auto *const constant = reinterpret_cast<Const *>(node);
	if (!IsA(node, Const) || constant->constisnull || constant->consttype != INT4OID)
		return false;
	*value = DatumGetInt32(constant->constvalue);
	return true;
}

bool
ends_in_escape(const char *pattern)
{
	for (; *pattern != 0; ++pattern)
		if (*pattern == '\\' && *++pattern == 0)
			return true;
	return false;
}

bool
make_sort_key(Expr *expr, Oid sortop, bool nulls_first, SortKey *key)
{
	auto *const node = reinterpret_cast<Node *>(expr);
	TypeCacheEntry const *const type = lookup_type_cache(exprType(node), TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
	if (sortop != type->lt_opr && sortop != type->gt_opr)
		return false;
	*key = {expr, type->type_id, exprCollation(node), sortop == type->gt_opr, nulls_first};
	return true;
}

bool
is_never_null(const Renderer &renderer, const Column *column)
{
	return column != nullptr && column->not_null && renderer.source_count == 1;
}

} // namespace tenancy::fdw
