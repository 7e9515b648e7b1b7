/*
 * See mysql_renderer.hpp: aggregates and window functions. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

#include <algorithm>
#include <iterator>

extern "C" {
#include "catalog/pg_aggregate.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
}

namespace tenancy::fdw {

namespace {

constexpr int most_sum_digits = 19; /* that a sum has more than its parts */

struct Template {
	Oid function;
	const char *before, *after;
	const char *framed; /* instead of before, of a window function, behind which only ")" may stand; or NULL */
};

/*
 * A sum of whole numbers is a DECIMAL there. An infinite sum is an error in PostgreSQL; adding to it makes it one
 * there too.
 */
constexpr Template templates[] = {
	{F_COUNT_ANY, "COUNT(", ")", nullptr},
	{F_SUM_INT2, "CAST(SUM(", ") AS SIGNED)", "SUM("},
	{F_SUM_INT4, "CAST(SUM(", ") AS SIGNED)", "SUM("},
	{F_SUM_INT8, "SUM(", ")", nullptr},
	{F_SUM_NUMERIC, "SUM(", ")", nullptr},
	{F_SUM_FLOAT8, "(SUM(", ") + 0e0)", nullptr},
	{F_AVG_FLOAT4, "(AVG(", ") + 0e0)", nullptr},
	{F_AVG_FLOAT8, "(AVG(", ") + 0e0)", nullptr},
	{F_BOOL_AND, "MIN(", ")", nullptr},
	{F_EVERY, "MIN(", ")", nullptr},
	{F_BOOL_OR, "MAX(", ")", nullptr},
	{F_MIN_TEXT, "CONVERT(MIN(", ") USING utf8mb4)", nullptr},
	{F_MAX_TEXT, "CONVERT(MAX(", ") USING utf8mb4)", nullptr},
};

constexpr Oid least[] = {F_MIN_INT2,   F_MIN_INT4, F_MIN_INT8,      F_MIN_NUMERIC,    F_MIN_FLOAT4,
                         F_MIN_FLOAT8, F_MIN_DATE, F_MIN_TIMESTAMP, F_MIN_TIMESTAMPTZ};
constexpr Oid greatest[] = {F_MAX_INT2,   F_MAX_INT4, F_MAX_INT8,      F_MAX_NUMERIC,    F_MAX_FLOAT4,
                            F_MAX_FLOAT8, F_MAX_DATE, F_MAX_TIMESTAMP, F_MAX_TIMESTAMPTZ};
constexpr Template least_of = {InvalidOid, "MIN(", ")", nullptr};
constexpr Template greatest_of = {InvalidOid, "MAX(", ")", nullptr};

const Template *
find(Oid function)
{
	for (const Template &known : templates)
		if (known.function == function)
			return &known;
	if (std::find(std::begin(least), std::end(least), function) != std::end(least))
		return &least_of;
	return std::find(std::begin(greatest), std::end(greatest), function) != std::end(greatest) ? &greatest_of : nullptr;
}

} // namespace

/* FILTER leaves out a row by making its argument NULL, which all aggregates here ignore. */
bool
MysqlRenderer::aggregate_argument(Node *node, Expr *filter)
{
	if (filter == nullptr)
		return family_of(exprType(node)) == Family::boolean ? expression(node) : operand(node, nullptr);
	return enclosed("CASE WHEN ", reinterpret_cast<Node *>(filter), " THEN ") && enclosed("", node, " END");
}

/* Are values of the argument equal there only when they are equal here? */
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
	const Template *const known = find(function);
	Family const family = family_of(exprType(argument));
	bool const counts = function == F_COUNT_ANY;
	bool const as_bytes = family == Family::text && (!counts || distinct);
	Digits length;
	if (known == nullptr || (distinct && !distinct_argument(argument) && !(counts && as_bytes)))
		return false;
	/* An instant must be a plain column: a CASE would not be of type TIMESTAMP any more. */
	if (family == Family::instant && plain_column(argument) == nullptr)
		return false;
	if (as_bytes && !counts && (!is_byte_order(exprCollation(argument)) || GetDatabaseEncoding() != PG_UTF8))
		return false;
	if ((function == F_SUM_INT8 || function == F_SUM_NUMERIC) &&
	    (!digits(argument, &length) || length.whole + length.scale + most_sum_digits > most_digits))
		return false;
	print(partitions_ && known->framed != nullptr ? known->framed : known->before);
	print(distinct ? "DISTINCT " : "");
	print(as_bytes ? "CAST(" : "");
	if (!aggregate_argument(argument, filter))
		return false;
	print(as_bytes ? " AS BINARY)" : "");
	print(partitions_ && known->framed != nullptr ? ")" : known->after);
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
		printed = enclosed("COUNT(CASE WHEN ", reinterpret_cast<Node *>(node->aggfilter), " THEN 1 END)");
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
	case F_COUNT_: print("COUNT(*)"); return node->aggfilter == nullptr;
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
	/* MariaDB has no ranks without an order. */
	bool const ranks = node->winfnoid == F_RANK_ || node->winfnoid == F_DENSE_RANK_;
	if (!is_deterministic(node->inputcollid) || (ranks && window_clause(node->winref)->orderClause == NIL))
		return false;
	windows = false;
	partitions_ = true;
	/*
	 * MariaDB takes a frame only for aggregates, and MySQL ignores it elsewhere. Functions that count or rank rows
	 * ignore it here, too; 16 gives them a cheap one.
	 */
	bool const printed = window_call(node) && over(node->winref, node->winagg);
	partitions_ = false;
	windows = true;
	return printed;
}

} // namespace tenancy::fdw
