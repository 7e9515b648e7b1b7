/*
 * See sqlite_renderer.hpp: comparisons, lists, and conditions that choose rows. PG regime.
 */
#include "fdw/sqlite_renderer.hpp"

#include <cmath>

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

constexpr int longest_list = 1000; /* beyond it, one parameter */

const Var *
var_below(Node *node)
{
	while (IsA(node, RelabelType))
		node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
	return IsA(node, Var) ? reinterpret_cast<Var *>(node) : nullptr;
}

/* May value be beyond the type of the integer column that it is compared with? */
bool
may_exceed(const Column *column, Node *value)
{
	if (column == nullptr || column->type == INT8OID)
		return false;
	int64 number = 0;
	int64 const limit = column->type == INT4OID ? PG_INT32_MAX : PG_INT16_MAX;
	if (integer_constant(list_make1(value), 0, &number))
		return number > limit || number < -limit - 1;
	Oid const type = exprType(value);
	return type != column->type && type != INT2OID;
}

bool
is_finite(Node *node)
{
	Const const *const value = constant_below(node);
	return value != nullptr && value->consttype == FLOAT8OID && std::isfinite(DatumGetFloat8(value->constvalue));
}

} // namespace

const Column *
SqliteRenderer::bare_column(Node *node, Family family) const
{
	Var const *const var = var_below(node);
	Column const *const found = var == nullptr ? nullptr : column_of(var);
	return found != nullptr && reading_of(*found).family == family ? found : nullptr;
}

/* An argument of a comparison; a column stays bare as_is, and is to be guarded behind it. */
bool
SqliteRenderer::operand(Node *node, Family family, bool as_is, Sums sums)
{
	Column const *const found = as_is ? bare_column(node, family) : nullptr;
	if (found == nullptr)
		return family == Family::numeric ? decimal(node, sums) : expression(node);
	Var const *const var = var_below(node);
	bare(*found, static_cast<Index>(var->varno));
	if (!reading_of(*found).strict)
		guarded_ = list_append_unique(guarded_, const_cast<Var *>(var));
	return true;
}

/*
 * A numeric to compare with. An INTEGER is itself; a REAL x is read as the shortest decimal S(x) that is nearest to x
 * among the doubles. S grows with x, and rounds back to x. A decimal d of up to 15 digits is the only one of so few
 * digits that rounds to its double D(d), hence S(D(d)) = d; and x < D(d) means S(x) < d, because rounding never
 * exchanges the order of two decimals. So x and D(d) compare as S(x) and d do, and two columns as their readings do:
 * an INTEGER beside a REAL of the same affinity is never within its rounding, for a whole REAL was made an INTEGER.
 */
bool
SqliteRenderer::decimal(Node *node, Sums sums)
{
	if (IsA(node, Const)) {
		auto *const value = reinterpret_cast<Const *>(node);
		return !value->constisnull && is_short_decimal(value, false) && send(reinterpret_cast<Expr *>(node));
	}
	Sums const outer = sums_;
	sums_ = sums;
	bool const printed = expression(node);
	sums_ = outer;
	return printed;
}

/*
 * Behind c = 5 SQLite puts 5 for c everywhere else, in the guard of c too, which must not be asked about numbers that
 * are not in the table. Behind c IN (5, 5) it does not.
 */
bool
SqliteRenderer::wide_equality(const Call &call)
{
	for (int i = 0; i < 2; ++i) {
		auto *const side = static_cast<Node *>(list_nth(call.args, i));
		auto *const other = static_cast<Node *>(list_nth(call.args, 1 - i));
		if (!may_exceed(bare_column(side, Family::integer), other) || var_below(other) != nullptr)
			continue;
		print("(");
		bool const printed = operand(side, Family::integer, true);
		print(" IN (");
		if (!printed || !expression(other))
			return false;
		print(", ");
		(void) expression(other);
		print("))");
		return true;
	}
	return false;
}

bool
SqliteRenderer::comparison(const Call &call, const Comparison &with, const char *op, bool as_is)
{
	bool const equality = strcmp(with.op, "=") == 0 || strcmp(with.op, "<>") == 0;
	if (with.family == Family::text && !(equality ? is_deterministic(call.collation) : is_byte_order(call.collation)))
		return false;
	print("(");
	for (int i = 0; i < 2; ++i) {
		auto *const side = static_cast<Node *>(list_nth(call.args, i));
		/* A sum that is rounded is compared only with a constant: no other value is certain to be small enough. */
		bool const beside_constant = IsA(list_nth(call.args, 1 - i), Const);
		if (i == 1)
			appendStringInfo(out, " %s ", op);
		if (!operand(side, with.family, as_is, beside_constant ? Sums::number : Sums::refuse))
			return false;
	}
	print(")");
	return true;
}

/*
 * Prints IN or NOT IN with a list. Nothing is in an empty one, not even NULL; a NULL in the list makes the answer
 * unknown, as here.
 */
bool
SqliteRenderer::array_list(const Call &call, bool any, Expr *item, List *elements)
{
	Comparison const *const with = find_comparison(call.function);
	if (with == nullptr || strcmp(with->op, any ? "=" : "<>") != 0 ||
	    (with->family == Family::text && !is_deterministic(call.collation)))
		return false;
	if (elements == NIL) {
		truth(!any);
		return true;
	}
	auto *const array = static_cast<Node *>(lsecond(call.args));
	if (list_length(elements) > longest_list)
		return IsA(array, Const) && array_parameter(call, any, item, reinterpret_cast<Expr *>(array));
	bool as_is = as_is_ && with->family != Family::boolean; /* what is not 0 or 1 may still be one here */
	as_is_ = false;
	ListCell *cell;
	foreach (cell, elements)
		as_is = as_is && (with->family != Family::real || is_finite(static_cast<Node *>(lfirst(cell))));
	print("(");
	if (!operand(reinterpret_cast<Node *>(item), with->family, as_is))
		return false;
	print(list_word(any));
	if (list_length(elements) == 1) /* which SQLite would make an equality; see wide_equality() */
		elements = list_concat_copy(elements, elements);
	foreach (cell, elements) {
		auto *const element = static_cast<Node *>(lfirst(cell));
		auto *const value = reinterpret_cast<Const *>(element);
		if (cell != list_head(elements))
			print(", ");
		if (IsA(element, Const) && value->constisnull)
			print("NULL");
		else if (!operand(element, with->family, false))
			return false;
	}
	print("))");
	return true;
}

/*
 * Sends an array as JSON, whose atoms are its elements in whatever dimensions. A NULL array makes the answer unknown.
 */
bool
SqliteRenderer::array_parameter(const Call &call, bool any, Expr *item, Expr *array)
{
	Comparison const *const with = find_comparison(call.function);
	if (with == nullptr || strcmp(with->op, any ? "=" : "<>") != 0 ||
	    (with->family != Family::integer && with->family != Family::text) ||
	    (with->family == Family::text && !is_deterministic(call.collation)))
		return false;
	bool const as_is = as_is_;
	as_is_ = false;
	Mark const start = mark();
	(void) send(reinterpret_cast<Expr *>(makeFuncExpr(F_ARRAY_TO_JSON_ANYARRAY, JSONOID, list_make1(array), InvalidOid,
	                                                  InvalidOid, COERCE_EXPLICIT_CALL)));
	int const number = sent_;
	unprint(start);
	/*
	 * For a WHERE unknown is as good as false, and only IN by itself uses an index. NOT IN is true of an empty list for
	 * NULL too.
	 */
	bool const plain = as_is && any;
	print(plain ? "(" : "CASE WHEN ");
	if (!plain)
		appendStringInfo(out, "?%d IS NOT NULL THEN ", number);
	if (!operand(reinterpret_cast<Node *>(item), with->family, plain))
		return false;
	appendStringInfo(out, " %s (SELECT atom FROM json_tree(?%d) WHERE type <> 'array')%s", any ? "IN" : "NOT IN",
	                 number, plain ? ")" : " END");
	return true;
}

/* An index of the column's own collation finds the rows, and the second half keeps those that are equal. */
bool
SqliteRenderer::coarse_equality(const Call &call)
{
	auto *const left = static_cast<Node *>(linitial(call.args));
	auto *const right = static_cast<Node *>(lsecond(call.args));
	Column const *const first = bare_column(left, Family::text), *const second = bare_column(right, Family::text);
	if (call.function != F_TEXTEQ || (first == nullptr) == (second == nullptr))
		return false;
	Column const *const found = first != nullptr ? first : second;
	if (!collates_coarsely(*found))
		return false;
	name(*found, static_cast<Index>(var_below(first != nullptr ? left : right)->varno));
	print(" = ");
	if (!expression(first != nullptr ? right : left))
		return false;
	print(" AND ");
	return true;
}

/*
 * A text in a REAL column may be a NaN, in one of many spellings. Beside a finite number it is greater here and there.
 */
bool
SqliteRenderer::compares_reals(List *args) const
{
	ListCell *cell;
	foreach (cell, args)
		if (is_finite(static_cast<Node *>(lfirst(cell))))
			return true;
	foreach (cell, args) {
		Column const *const found = bare_column(static_cast<Node *>(lfirst(cell)), Family::real);
		if (found != nullptr && !reading_of(*found).strict)
			return false;
	}
	return true;
}

/* A condition that chooses rows, with bare columns where that helps. */
bool
SqliteRenderer::bare_test(Node *node)
{
	switch (nodeTag(node)) {
	case T_OpExpr: {
		auto *const op = reinterpret_cast<OpExpr *>(node);
		Call const call = {get_opcode(op->opno), op->opno, op->args, op->inputcollid, BOOLOID, -1};
		Comparison const *const with = find_comparison(call.function);
		if (with == nullptr)
			return pattern(call, true);
		/* A number other than 0 and 1 may still be a boolean here. */
		if (with->family == Family::boolean || list_length(call.args) != 2)
			return false;
		if (with->family == Family::real && !compares_reals(call.args))
			return false;
		Mark const start = mark();
		if (!coarse_equality(call))
			rewind(start);
		if (with->family == Family::integer && strcmp(with->op, "=") == 0) {
			if (wide_equality(call))
				return true;
			rewind(start);
			guarded_ = NIL;
		}
		return comparison(call, *with, with->op, true);
	}
	case T_ScalarArrayOpExpr: {
		as_is_ = true;
		bool const printed = expression(node);
		as_is_ = false;
		return printed;
	}
	case T_NullTest: return reinterpret_cast<NullTest *>(node)->nulltesttype == IS_NULL && bare_null_test(node);
	default: return false;
	}
}

/* Tests a column for NULL without the guards: what is not NULL there is not NULL here, whatever it is. */
bool
SqliteRenderer::bare_null_test(Node *node)
{
	auto *const test = reinterpret_cast<NullTest *>(node);
	auto *const var = reinterpret_cast<Var *>(test->arg);
	Column const *const found = IsA(var, Var) && !test->argisrow ? column_of(var) : nullptr;
	if (found == nullptr || found->native_type == nullptr)
		return false;
	name(*found, static_cast<Index>(var->varno));
	print(test->nulltesttype == IS_NULL ? " IS NULL" : " IS NOT NULL");
	return true;
}

/*
 * Prints one condition. Where rejected rows are seen, it is printed with guards if it can be; without them only a test
 * for NULL is right then.
 */
Ship
SqliteRenderer::leaf_condition(Node *node)
{
	Mark const start = mark();
	if (must_look && expression(node))
		return Ship::exact;
	rewind(start);
	guarded_ = NIL;
	print("(");
	if (!(must_look && !IsA(node, NullTest)) && bare_test(node)) {
		ListCell *cell;
		foreach (cell, guarded_) {
			auto *const var = static_cast<Var *>(lfirst(cell));
			print(" AND ");
			(void) column(*column_of(var), static_cast<Index>(var->varno));
			print(" IS NOT NULL");
		}
		print(")");
		return Ship::exact;
	}
	rewind(start);
	return Renderer::leaf_condition(node);
}

} // namespace tenancy::fdw
