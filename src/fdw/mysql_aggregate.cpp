/*
 * See mysql_renderer.hpp: aggregates and window functions. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

extern "C" {
#include "catalog/pg_aggregate.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
}

namespace tenancy::fdw {

namespace {

bool
has_frame(const PlannerInfo *root, Index window)
{
	ListCell *cell;
	foreach (cell, root->parse->windowClause)
		if (lfirst_node(WindowClause, cell)->winref == window)
			return (lfirst_node(WindowClause, cell)->frameOptions & FRAMEOPTION_NONDEFAULT) != 0;
	return true;
}

} // namespace

/* FILTER leaves out a row by making its argument NULL, which all aggregates here ignore. */
bool
MysqlRenderer::aggregate_argument(Node *node, Expr *filter)
{
	if (filter == nullptr)
		return family_of(exprType(node)) == Family::boolean ? expression(node) : operand(node, nullptr);
	return suffixed("CASE WHEN ", reinterpret_cast<Node *>(filter), " THEN ") && suffixed("", node, " END");
}

/* Equal there is equal here. */
bool
MysqlRenderer::distinct_argument(Node *node)
{
	switch (family_of(exprType(node))) {
	case Family::integer:
	case Family::number:
	case Family::boolean:
	case Family::moment:
	case Family::instant: return true;
	default: return false;
	}
}

bool
MysqlRenderer::aggregate_call(Oid function, Node *argument, Expr *filter, bool distinct)
{
	const char *before = nullptr, *after = ")";
	bool as_bytes = false;
	if (distinct && function != F_COUNT_ANY && !distinct_argument(argument))
		return false;
	switch (function) {
	case F_COUNT_ANY:
		as_bytes = distinct && family_of(exprType(argument)) == Family::text;
		if (distinct && !as_bytes && !distinct_argument(argument))
			return false;
		before = "COUNT(";
		break;
	case F_SUM_INT2:
	case F_SUM_INT4:
		/* A DECIMAL to the server. */
		before = partitions_ ? "SUM(" : "CAST(SUM(";
		after = partitions_ ? ")" : ") AS SIGNED)";
		break;
	case F_SUM_INT8:
	case F_SUM_NUMERIC: {
		constexpr int most_digits = 65, most_sum_digits = 19;
		Digits length;
		if (!digits(argument, &length) || length.whole + length.scale + most_sum_digits > most_digits)
			return false;
		before = "SUM(";
		break;
	}
	/* An infinite sum is an error in PostgreSQL; adding to it makes it one there too. */
	case F_SUM_FLOAT8:
		before = "(SUM(";
		after = ") + 0e0)";
		break;
	case F_AVG_FLOAT4:
	case F_AVG_FLOAT8:
		before = "(AVG(";
		after = ") + 0e0)";
		break;
	case F_MIN_INT2:
	case F_MIN_INT4:
	case F_MIN_INT8:
	case F_MIN_NUMERIC:
	case F_MIN_FLOAT4:
	case F_MIN_FLOAT8:
	case F_MIN_DATE:
	case F_MIN_TIMESTAMP:
	case F_MIN_TIMESTAMPTZ:
	case F_BOOL_AND:
	case F_EVERY: before = "MIN("; break;
	case F_MAX_INT2:
	case F_MAX_INT4:
	case F_MAX_INT8:
	case F_MAX_NUMERIC:
	case F_MAX_FLOAT4:
	case F_MAX_FLOAT8:
	case F_MAX_DATE:
	case F_MAX_TIMESTAMP:
	case F_MAX_TIMESTAMPTZ:
	case F_BOOL_OR: before = "MAX("; break;
	case F_MIN_TEXT:
	case F_MAX_TEXT:
		if (!is_byte_order(exprCollation(argument)) || GetDatabaseEncoding() != PG_UTF8)
			return false;
		before = function == F_MIN_TEXT ? "CONVERT(MIN(" : "CONVERT(MAX(";
		after = ") USING utf8mb4)";
		as_bytes = true;
		break;
	default: return false;
	}
	/* Only a column keeps the type TIMESTAMP through a choice. */
	if (family_of(exprType(argument)) == Family::instant && plain_column(argument) == nullptr)
		return false;
	print(before);
	print(distinct ? "DISTINCT " : "");
	print(as_bytes ? "CAST(" : "");
	if (!aggregate_argument(argument, filter))
		return false;
	print(as_bytes ? " AS BINARY)" : "");
	print(after);
	return true;
}

/* A zero date is the greatest only where there is no other, and then it is read as the NULL that it is. */
bool
MysqlRenderer::greatest_moment(Node *node)
{
	auto *const call = reinterpret_cast<Aggref *>(node);
	if (!IsA(node, Aggref) || call->aggsplit != AGGSPLIT_SIMPLE || call->aggfilter != nullptr ||
	    (call->aggfnoid != F_MAX_DATE && call->aggfnoid != F_MAX_TIMESTAMP && call->aggfnoid != F_MAX_TIMESTAMPTZ))
		return false;
	Index varno;
	const Column *const column =
		plain_column(reinterpret_cast<Node *>(linitial_node(TargetEntry, call->args)->expr), &varno);
	if (column == nullptr)
		return false;
	print("MAX(");
	bare(*column, varno);
	print(")");
	return true;
}

/* The order of the input makes no difference to any of them. */
bool
MysqlRenderer::aggregate(Aggref *node)
{
	if (node->aggsplit != AGGSPLIT_SIMPLE || node->aggkind != AGGKIND_NORMAL || node->aggvariadic ||
	    !is_deterministic(node->inputcollid))
		return false;
	bool printed;
	aggregates = false;
	if (node->aggfnoid == F_COUNT_ && node->aggfilter != nullptr) {
		printed = suffixed("COUNT(CASE WHEN ", reinterpret_cast<Node *>(node->aggfilter), " THEN 1 END)");
	} else if (node->aggfnoid == F_COUNT_) {
		print("COUNT(*)");
		printed = true;
	} else {
		auto *const argument = node->args != NIL ? linitial_node(TargetEntry, node->args) : nullptr;
		printed = argument != nullptr && !argument->resjunk &&
		          aggregate_call(node->aggfnoid, reinterpret_cast<Node *>(argument->expr), node->aggfilter,
		                         node->aggdistinct != NIL);
	}
	aggregates = true;
	return printed;
}

/* Aggregates over a frame, but not those of doubles, whose sums depend on how a frame moves. */
bool
MysqlRenderer::window_call(WindowFunc *node)
{
	switch (node->winfnoid) {
	case F_ROW_NUMBER: print("ROW_NUMBER()"); return true;
	case F_RANK_: print("RANK()"); return true;
	case F_DENSE_RANK_: print("DENSE_RANK()"); return true;
	case F_COUNT_:
		print("COUNT(*)");
		return node->aggfilter == nullptr;
	case F_COUNT_ANY:
	case F_SUM_INT2:
	case F_SUM_INT4:
	case F_SUM_INT8:
	case F_SUM_NUMERIC:
	case F_MIN_INT2:
	case F_MIN_INT4:
	case F_MIN_INT8:
	case F_MIN_NUMERIC:
	case F_MIN_DATE:
	case F_MIN_TIMESTAMP:
	case F_MAX_INT2:
	case F_MAX_INT4:
	case F_MAX_INT8:
	case F_MAX_NUMERIC:
	case F_MAX_DATE:
	case F_MAX_TIMESTAMP:
		return aggregate_call(node->winfnoid, static_cast<Node *>(linitial(node->args)), node->aggfilter, false);
	default: return false;
	}
}

bool
MysqlRenderer::window(WindowFunc *node)
{
	if (!is_deterministic(node->inputcollid))
		return false;
	/* Neither server takes a frame for what counts rows; here it is without effect. */
	if (!node->winagg && has_frame(root, node->winref))
		return false;
	windows = false;
	partitions_ = true;
	bool const printed = window_call(node) && over(node->winref);
	partitions_ = false;
	windows = true;
	return printed;
}

} // namespace tenancy::fdw
