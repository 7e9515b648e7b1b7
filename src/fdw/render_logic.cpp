/*
 * The logic of SQL, which is the same in all dialects: AND, OR, NOT, tests of NULL and truth, and choices. PG regime.
 */
#include "fdw/render.hpp"

extern "C" {
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace tenancy::fdw {

bool
Renderer::boolean(BoolExpr *node)
{
	if (list_length(node->args) > abilities().most_beside)
		return false;
	print(node->boolop == NOT_EXPR ? "(NOT " : "(");
	bool const printed = list(node->args, node->boolop == AND_EXPR ? " AND " : " OR ");
	print(")");
	return printed;
}

bool
Renderer::null_test(NullTest *node)
{
	if (node->argisrow || type_is_rowtype(exprType(reinterpret_cast<Node *>(node->arg))))
		return false;
	print("(");
	bool const printed = expression(reinterpret_cast<Node *>(node->arg));
	print(node->nulltesttype == IS_NULL ? " IS NULL)" : " IS NOT NULL)");
	return printed;
}

bool
Renderer::boolean_test(BooleanTest *node)
{
	static const char *const texts[] = {" IS TRUE)",      " IS NOT TRUE)", " IS FALSE)",
	                                    " IS NOT FALSE)", " IS NULL)",     " IS NOT NULL)"};
	print("(");
	bool const printed = expression(reinterpret_cast<Node *>(node->arg));
	print(texts[node->booltesttype]);
	return printed;
}

/* CASE x WHEN y is printed as CASE WHEN x = y, which the parser has made of it already, with a placeholder for x. */
bool
Renderer::case_expression(CaseExpr *node)
{
	++conditional_depth_;
	if (node->arg != nullptr)
		case_arguments_ = lappend(list_copy(case_arguments_), node->arg);
	bool printed = true;
	print("CASE");
	ListCell *cell;
	foreach (cell, node->args) {
		auto *const when = lfirst_node(CaseWhen, cell);
		print(" WHEN ");
		printed = printed && expression(reinterpret_cast<Node *>(when->expr));
		print(" THEN ");
		printed = printed && expression(reinterpret_cast<Node *>(when->result));
	}
	if (node->defresult != nullptr) {
		print(" ELSE ");
		printed = printed && expression(reinterpret_cast<Node *>(node->defresult));
	}
	print(" END");
	if (node->arg != nullptr)
		case_arguments_ = list_truncate(case_arguments_, list_length(case_arguments_) - 1);
	--conditional_depth_;
	return printed;
}

bool
Renderer::coalesce(CoalesceExpr *node)
{
	/* Constants may have left over one argument; SQLite's COALESCE takes two at least. */
	if (list_length(node->args) == 1)
		return expression(static_cast<Node *>(linitial(node->args)));
	++conditional_depth_;
	print("COALESCE(");
	bool const printed = list(node->args, ", ");
	print(")");
	--conditional_depth_;
	return printed;
}

bool
Renderer::null_if(NullIfExpr *node)
{
	print("CASE WHEN ");
	if (!call(node->opno, get_opcode(node->opno), node->args, node->inputcollid, BOOLOID))
		return false;
	print(" THEN NULL ELSE ");
	bool const printed = expression(static_cast<Node *>(linitial(node->args)));
	print(" END");
	return printed;
}

} // namespace tenancy::fdw
