/*
 * See mysql_renderer.hpp: comparisons of everything but text. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

#include <algorithm>

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

constexpr const char *zero = "'0000-00-00'";

Node *
first(const Call &call)
{
	return static_cast<Node *>(linitial(call.args));
}

Node *
second(const Call &call)
{
	return static_cast<Node *>(lsecond(call.args));
}

/* a op b is b swapped(op) a. */
const char *
swapped(const char *op)
{
	switch (*op) {
	case '<': return op[1] == '=' ? ">=" : op[1] == '>' ? "<>" : ">";
	case '>': return op[1] == '=' ? "<=" : "<";
	default: return op;
	}
}

/* The whole number that a cast to a wider type leaves as it is, and that is printed without the cast. */
Node *
below_widening(Node *node)
{
	constexpr Oid widening[] = {F_INT8_INT4, F_INT8_INT2, F_INT4_INT2, F_NUMERIC_INT2, F_NUMERIC_INT4, F_NUMERIC_INT8};
	auto const *const call = reinterpret_cast<const FuncExpr *>(node);
	bool const widens = IsA(node, FuncExpr) && std::ranges::find(widening, call->funcid) != std::end(widening);
	return widens ? below_widening(static_cast<Node *>(linitial(call->args))) : node;
}

/* Is it true of the date that is before all others? */
bool
passes_zero(const char *op)
{
	return *op == '<';
}

} // namespace

/* op is one of PostgreSQL's six for types that it is built in for. */
bool
MysqlRenderer::comparison(const char *op, const Call &call)
{
	Node *const left = first(call), *const right = second(call);
	Family const family = family_of(exprType(left));
	if (family == Family::none || family != family_of(exprType(right)))
		return false;
	bool const equality = *op == '=' || strcmp(op, "<>") == 0;
	switch (family) {
	case Family::text: return text_comparison(op, call);
	case Family::moment:
	case Family::instant: return moment_comparison(op, call);
	case Family::real:
		/* The server may compare a FLOAT with what its digits say. */
		if (equality && (exprType(left) == FLOAT4OID || exprType(right) == FLOAT4OID))
			return false;
		break;
	case Family::uuid:
		if (!equality)
			return false;
		break;
	default: break;
	}
	return plain_comparison(op, left, right);
}

bool
MysqlRenderer::plain_comparison(const char *op, Node *left, Node *right)
{
	print("(");
	if (!operand(left, right))
		return false;
	appendStringInfo(out, " %s ", op);
	bool const printed = operand(right, left);
	print(")");
	return printed;
}

bool
MysqlRenderer::moment_comparison(const char *op, const Call &call)
{
	Node *const left = first(call), *const right = second(call);
	bool const at_top = call.args == top_arguments_;
	if (plain_column(left) != nullptr && !is_remote(right))
		return moment_value(op, left, right, at_top);
	if (plain_column(right) != nullptr && !is_remote(left))
		return moment_value(swapped(op), right, left, at_top);
	return plain_comparison(op, left, right);
}

/* column op value, the column bare. */
bool
MysqlRenderer::moment_half(Node *column, const char *op, Node *value)
{
	Index varno;
	const Column &at = *plain_column(column, &varno);
	bare(at, varno);
	appendStringInfo(out, " %s ", op);
	return IsA(value, Const) ? expression(value) : moment_parameter(reinterpret_cast<Expr *>(value), exprType(value));
}

/*
 * The column stands bare, so that an index serves. A zero date, which is NULL here, is put right by a second part that
 * the server's optimizer sees through: nothing is equal to zero and passes NULL.
 */
bool
MysqlRenderer::moment_value(const char *op, Node *column, Node *value, bool at_top)
{
	/* A DATETIME(6) leaves no room for a value greater than all: that one is told apart by a parameter of its own. */
	bool const edge = !IsA(value, Const) && !is_clamped(column);
	bool const splits = edge && (strcmp(op, "<") == 0 || strcmp(op, ">=") == 0);
	if (edge && (*op == '=' || strcmp(op, "<>") == 0))
		return false;
	print("((");
	if (!moment_half(column, splits && *op == '>' ? ">" : op, value))
		return false;
	if (splits) {
		print(" OR ");
		if (!moment_half(column, "=", value))
			return false;
		print(*op == '<' ? " AND " : " AND NOT ");
		beyond_parameter(reinterpret_cast<Expr *>(value), exprType(value));
	}
	print(")");
	zero_date(column, passes_zero(op), at_top);
	print(")");
	return true;
}

/* Called behind a condition on column that is true or false of a zero date: makes it NULL. */
void
MysqlRenderer::zero_date(Node *column, bool passes, bool at_top)
{
	Index varno;
	const Column &at = *plain_column(column, &varno);
	if (!passes && at_top)
		return;
	print(passes ? (at_top ? " AND " : " AND (") : " OR ");
	bare(at, varno);
	appendStringInfo(out, " %s %s", passes ? "<>" : "=", zero);
	if (!at_top)
		print(passes ? " OR NULL)" : " AND NULL");
}

bool
MysqlRenderer::distinct_from(const Call &equality)
{
	Node *const left = first(equality), *const right = second(equality);
	Family const family = family_of(exprType(left));
	bool const single = exprType(left) == FLOAT4OID || exprType(right) == FLOAT4OID;
	if (family == Family::none || family != family_of(exprType(right)) || single ||
	    !is_deterministic(equality.collation))
		return false;
	print("(NOT (");
	if (!(family == Family::text ? bytes(left) : operand(left, right)))
		return false;
	print(" <=> ");
	bool const printed = family == Family::text ? bytes(right) : operand(right, left);
	print("))");
	return printed;
}

bool
MysqlRenderer::array_list(const Call &call, bool any, Expr *item, List *elements)
{
	const char *const op = call.op < FirstUnpinnedObjectId ? get_opname(call.op) : nullptr;
	auto *const node = reinterpret_cast<Node *>(item);
	Family const family = family_of(exprType(node));
	if (op == nullptr || strcmp(op, any ? "=" : "<>") != 0 || family == Family::none || exprType(node) == FLOAT4OID ||
	    !is_deterministic(call.collation))
		return false;
	if (elements == NIL) {
		truth(!any);
		return true;
	}
	Oid const type = exprType(static_cast<Node *>(linitial(elements)));
	if (family_of(type) != family || type == FLOAT4OID)
		return false;
	if (family == Family::text)
		return text_list(any, node, elements);
	if (family == Family::moment || family == Family::instant)
		return moment_list(any, node, elements, call.args == top_arguments_);
	return elements_list(any, node, elements);
}

/*
 * Must MariaDB not use an index? With NOT IN a list that has a number below all that the column holds, it then misses
 * the first value.
 */
bool
MysqlRenderer::is_unindexed(bool any, Node *item, List *elements) const
{
	Node *const named = below_widening(item);
	if (any || plain_column(named) == nullptr || family_of(exprType(named)) != Family::integer)
		return false;
	if (exprType(item) == NUMERICOID)
		return true;
	Range const column = range(named);
	ListCell *cell;
	foreach (cell, elements) {
		auto *const element = static_cast<Node *>(lfirst(cell));
		Range const value = range(element);
		if (value.low < column.low || value.high > column.high)
			return true;
	}
	return false;
}

bool
MysqlRenderer::operands(List *nodes, Node *partner)
{
	ListCell *cell;
	foreach (cell, nodes) {
		print(cell == list_head(nodes) ? "" : ", ");
		if (!operand(static_cast<Node *>(lfirst(cell)), partner))
			return false;
	}
	return true;
}

bool
MysqlRenderer::elements_list(bool any, Node *item, List *elements)
{
	bool const unindexed = is_unindexed(any, item, elements);
	print(unindexed ? "((" : "(");
	if (!operand(item, nullptr))
		return false;
	print(unindexed ? " + 0)" : "");
	print(list_word(any));
	if (!operands(elements, item))
		return false;
	print("))");
	return true;
}

bool
MysqlRenderer::moment_list(bool any, Node *item, List *elements, bool at_top)
{
	Index varno;
	const Column *const column = plain_column(item, &varno);
	if (column == nullptr)
		return elements_list(any, item, elements);
	print("(");
	bare(*column, varno);
	print(list_word(any));
	if (!operands(elements, item))
		return false;
	print(")");
	zero_date(item, !any, at_top);
	print(")");
	return true;
}

Ship
MysqlRenderer::leaf_condition(Node *node)
{
	top_arguments_ = IsA(node, OpExpr)              ? reinterpret_cast<OpExpr *>(node)->args
	                 : IsA(node, ScalarArrayOpExpr) ? reinterpret_cast<ScalarArrayOpExpr *>(node)->args
	                                                : nullptr;
	Ship const ship = Renderer::leaf_condition(node);
	top_arguments_ = nullptr;
	return ship;
}

} // namespace tenancy::fdw
