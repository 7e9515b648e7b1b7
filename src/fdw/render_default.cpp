/*
 * Conditions and what an expression stands in, as most dialects have them. PG regime.
 */
#include "fdw/render.hpp"

namespace tenancy::fdw {

/*
 * AND keeps what its parts let through, so a part that cannot be printed makes it a superset; OR needs all its parts.
 * NOT turns a superset into too little, so below it only exact parts count, which expression() sees to.
 */
Ship
Renderer::condition(Node *node)
{
	auto *const both = reinterpret_cast<BoolExpr *>(node);
	if (!IsA(node, BoolExpr) || both->boolop == NOT_EXPR)
		return leaf_condition(node);
	if (list_length(both->args) > abilities().most_beside)
		return Ship::none;
	Mark const start = mark();
	if (both->boolop == OR_EXPR && expression(node))
		return Ship::exact;
	rewind(start);
	bool const is_and = both->boolop == AND_EXPR;
	Ship whole = Ship::exact;
	int printed = 0;
	print("(");
	ListCell *cell;
	foreach (cell, both->args) {
		Mark const before = mark();
		if (printed > 0)
			print(is_and ? " AND " : " OR ");
		Ship const part = condition(static_cast<Node *>(lfirst(cell)));
		if (part != Ship::exact)
			whole = Ship::superset;
		if (part == Ship::none)
			rewind(before);
		else
			++printed;
		if (part == Ship::none && !is_and)
			return Ship::none;
	}
	print(")");
	return printed == 0 || !fits_parser(start) ? Ship::none : whole;
}

Ship
Renderer::leaf_condition(Node *node)
{
	Mark const start = mark();
	if (expression(node))
		return Ship::exact;
	rewind(start);
	return superset(node) ? Ship::superset : Ship::none;
}

bool
Renderer::output(Node *node)
{
	return expression(node);
}

bool
Renderer::group_clause(Node *, int position)
{
	appendStringInfo(out, "%d", position);
	return true;
}

bool
Renderer::limit(Node *count, Node *offset)
{
	Node *const parts[] = {count, offset};
	const char *const words[] = {" LIMIT ", " OFFSET "};
	for (int i = 0; i < 2; ++i) {
		auto *const number = reinterpret_cast<Const *>(parts[i]);
		if (number == nullptr || (IsA(number, Const) && number->constisnull))
			continue;
		if (!IsA(number, Const) || DatumGetInt64(number->constvalue) < 0 || (i == 1 && count == nullptr))
			return false;
		appendStringInfo(out, "%s" INT64_FORMAT, words[i], DatumGetInt64(number->constvalue));
	}
	return true;
}

void
Renderer::relation(const Table &table)
{
	if (table.query != nullptr) {
		appendStringInfo(out, "(%s\n)", table.query); /* the line break ends a comment in it */
		return;
	}
	if (table.schema_name != nullptr) {
		identifier(table.schema_name);
		print(".");
	}
	identifier(table.table_name);
}

void
Renderer::quoted(const char *text, char quote)
{
	appendStringInfoChar(out, quote);
	for (; *text != 0; ++text) {
		if (*text == quote)
			appendStringInfoChar(out, quote);
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, quote);
}

bool
Renderer::print_template(const char *text, List *args)
{
	for (const char *at = text; *at != 0; ++at) {
		if (*at != '%') {
			appendStringInfoChar(out, *at);
			continue;
		}
		++at;
		int const index = *at - '1';
		if (*at == '%')
			appendStringInfoChar(out, '%');
		else if (index < 0 || index >= list_length(args) || !expression(static_cast<Node *>(list_nth(args, index))))
			return false;
	}
	return true;
}

bool
Renderer::array_parameter(const Call &, bool, Expr *, Expr *)
{
	return false;
}

bool
Renderer::window(WindowFunc *)
{
	return false;
}

bool
Renderer::other(Node *)
{
	return false;
}

bool
Renderer::superset(Node *)
{
	return false;
}

} // namespace tenancy::fdw
