/*
 * The PostgreSQL dialect above scan and join: keys, LIMIT, aggregates and window functions. PG regime.
 */
#include "fdw/postgres_renderer.hpp"

#include "fdw/postgres_functions.hpp"

extern "C" {
#include "catalog/pg_aggregate.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

bool
PostgresRenderer::group_key(Node *node)
{
	Oid const collation = exprCollation(node);
	return is_portable_type(exprType(node)) && is_deterministic(collation) && expression(node);
}

bool
PostgresRenderer::sort_key(const SortKey &key)
{
	Text const text = text_of(InvalidOid, key.collation);
	if (text == Text::refuse || !has_portable_order(key.type) || !operand(reinterpret_cast<Node *>(key.expr), text))
		return false;
	print(key.descending ? " DESC" : " ASC");
	print(key.nulls_first ? " NULLS FIRST" : " NULLS LAST");
	return true;
}

/* Counts and offsets that are known only when the statement runs go along: the server refuses what we would. */
bool
PostgresRenderer::limit(Node *count, Node *offset)
{
	if ((count == nullptr || IsA(count, Const)) && (offset == nullptr || IsA(offset, Const)))
		return Renderer::limit(count, offset);
	Node *const parts[] = {count, offset};
	const char *const words[] = {" LIMIT ", " OFFSET "};
	for (int i = 0; i < 2; ++i) {
		if (parts[i] == nullptr)
			continue;
		print(words[i]);
		if (!expression(parts[i]))
			return false;
	}
	return true;
}

bool
PostgresRenderer::aggregate(Aggref *node)
{
	if (node->aggsplit != AGGSPLIT_SIMPLE || node->aggkind != AGGKIND_NORMAL || node->aggvariadic ||
	    !is_portable_aggregate(node->aggfnoid, node->aggorder != NIL) || !is_portable_type(node->aggtype) ||
	    orders_json(node->aggfnoid, node->args))
		return false;
	Text const text = text_of(node->aggfnoid, node->inputcollid);
	if (text == Text::refuse)
		return false;
	aggregates = false;
	appendStringInfo(out, "pg_catalog.%s(%s", quote_identifier(get_func_name(node->aggfnoid)),
	                 node->aggdistinct != NIL ? "DISTINCT " : "");
	bool printed = true;
	bool first = true;
	ListCell *cell;
	foreach (cell, node->args) {
		auto *const argument = lfirst_node(TargetEntry, cell);
		if (argument->resjunk)
			continue;
		print(first ? "" : ", ");
		first = false;
		auto *const value = reinterpret_cast<Node *>(argument->expr);
		/* DISTINCT finds a key among the arguments by what is printed. */
		bool const is_key = node->aggdistinct != NIL &&
		                    get_sortgroupref_clause_noerr(argument->ressortgroupref, node->aggorder) != nullptr;
		Text const form = is_key ? text_of(InvalidOid, exprCollation(value)) : text;
		printed = printed && form != Text::refuse && operand(value, form);
	}
	if (node->aggstar)
		print("*");
	foreach (cell, node->aggorder) {
		auto *const item = lfirst_node(SortGroupClause, cell);
		SortKey key;
		print(cell == list_head(node->aggorder) ? " ORDER BY " : ", ");
		printed = printed &&
		          make_sort_key(reinterpret_cast<Expr *>(get_sortgroupclause_expr(item, node->args)), item->sortop,
		                        item->nulls_first, &key) &&
		          sort_key(key);
	}
	print(")");
	if (node->aggfilter != nullptr) {
		print(" FILTER (WHERE ");
		printed = printed && expression(reinterpret_cast<Node *>(node->aggfilter));
		print(")");
	}
	aggregates = true;
	return printed;
}

bool
PostgresRenderer::window(WindowFunc *node)
{
	bool const as_aggregate = node->winagg;
	if (!is_portable_type(node->wintype) || node->aggfilter != nullptr ||
	    !(as_aggregate ? is_portable_aggregate(node->winfnoid, true) : is_portable_window(node->winfnoid)) ||
	    orders_json(node->winfnoid, node->args))
		return false;
	Text const text = text_of(node->winfnoid, node->inputcollid);
	if (text == Text::refuse)
		return false;
	windows = false;
	appendStringInfo(out, "pg_catalog.%s(", quote_identifier(get_func_name(node->winfnoid)));
	bool const printed = operands(node->args, text);
	if (node->winstar)
		print("*");
	print(")");
	windows = true;
	return printed && over(node->winref);
}

} // namespace tenancy::fdw
