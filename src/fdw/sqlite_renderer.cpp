/*
 * See sqlite_renderer.hpp: columns, functions and comparisons. PG regime.
 */
#include "fdw/sqlite_renderer.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

constexpr Abilities sqlite_abilities = {.full_join = true,
                                        .for_update = false,
                                        .insert_returning = true,
                                        .update_returning = true,
                                        .delete_returning = true,
                                        .aggregate_filter = true,
                                        .window = true,
                                        .truncate = true,
                                        .deferred = false,
                                        .most_parameters = 32766};

constexpr int longest_list = 1000;   /* beyond it, one parameter */
constexpr int longest_min_max = 4;   /* each argument is printed as often as there are arguments */
constexpr int longest_trimmed = 256; /* bytes; remote/sqlite/function.cpp */

const Var *
var_below(Node *node)
{
	while (IsA(node, RelabelType))
		node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
	return IsA(node, Var) ? reinterpret_cast<Var *>(node) : nullptr;
}

bool
has_constants(List *args, int from)
{
	for (int i = from; i < list_length(args); ++i)
		if (constant_below(static_cast<Node *>(list_nth(args, i))) == nullptr)
			return false;
	return true;
}

bool
meets(const Call &call, Need need)
{
	int64 second = 0, third = 0;
	switch (need) {
	case Need::nothing: return true;
	case Need::divisor: return integer_constant(call.args, 1, &second) && second != 0;
	case Need::ascii: return has_ascii_case(call.collation);
	case Need::deterministic: return is_deterministic(call.collation);
	case Need::trimmed: {
		Const const *const set = constant_below(static_cast<Node *>(lsecond(call.args)));
		return set != nullptr && VARSIZE_ANY_EXHDR(DatumGetTextPP(set->constvalue)) <= longest_trimmed;
	}
	case Need::replacement: return is_deterministic(call.collation) && has_constants(call.args, 1);
	case Need::start:
		return integer_constant(call.args, 1, &second) && second > 0 &&
		       (list_length(call.args) == 2 || (integer_constant(call.args, 2, &third) && third >= 0));
	case Need::count: return integer_constant(call.args, 1, &second) && second >= 0;
	case Need::some: return integer_constant(call.args, 1, &second) && second > 0;
	}
	return false;
}

} // namespace

bool
has_ascii_case(Oid collation)
{
	return collation == C_COLLATION_OID || collation == POSIX_COLLATION_OID;
}

const Abilities &
SqliteRenderer::abilities() const
{
	return sqlite_abilities;
}

/* Nothing else in it means anything; the driver has made SQLite refuse to take an unknown name for a string. */
void
SqliteRenderer::identifier(const char *name)
{
	appendStringInfoChar(out, '"');
	for (; *name != 0; ++name) {
		if (*name == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, *name);
	}
	appendStringInfoChar(out, '"');
}

void
SqliteRenderer::name(const Column &column, Index varno)
{
	if (qualified)
		appendStringInfo(out, "r%u.", varno);
	identifier(column.name);
}

void
SqliteRenderer::bare(const Column &column, Index varno)
{
	name(column, varno);
	if (reading_of(column).family == Family::text && collates_otherwise(column))
		print(" COLLATE BINARY");
}

/* SQLite does not look into text, of strict tables neither: a zero byte in it would end it for its functions. */
bool
SqliteRenderer::column(const Column &column, Index varno)
{
	Reading const reading = reading_of(column);
	if (reading.family == Family::none)
		return false;
	if (reading.strict && reading.family != Family::text) {
		name(column, varno);
		return true;
	}
	appendStringInfo(out, "%s(", reading.guard);
	name(column, varno);
	print(")");
	return true;
}

/* Whatever a column holds, reading it is this side's business. */
bool
SqliteRenderer::output(Node *node)
{
	auto *const var = reinterpret_cast<Var *>(node);
	if (!IsA(node, Var))
		return expression(node);
	Column const *const found = column_of(var);
	if (found != nullptr)
		name(*found, static_cast<Index>(var->varno));
	return found != nullptr;
}

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

bool
SqliteRenderer::comparison(const Call &call, const Comparison &with, const char *op, bool as_is)
{
	bool const equality = strcmp(with.op, "=") == 0 || strcmp(with.op, "<>") == 0;
	if (with.family == Family::text && !(equality ? is_deterministic(call.collation) : is_byte_order(call.collation)))
		return false;
	print("(");
	for (int i = 0; i < 2; ++i) {
		auto *const side = static_cast<Node *>(list_nth(call.args, i));
		/* Only a constant is small enough to compare with a sum that is rounded. */
		bool const beside_constant = IsA(list_nth(call.args, 1 - i), Const);
		if (i == 1)
			appendStringInfo(out, " %s ", op);
		if (!operand(side, with.family, as_is, beside_constant ? Sums::number : Sums::refuse))
			return false;
	}
	print(")");
	return true;
}

bool
SqliteRenderer::call_template(const Call &call, const Template &with)
{
	if (!meets(call, with.need) || family_of(call.type) == Family::none)
		return false;
	Sums const outer = sums_;
	sums_ = Sums::refuse;
	bool const printed = print_template(with.text, call.args);
	sums_ = outer;
	return printed;
}

bool
SqliteRenderer::function(const Call &call)
{
	if (Comparison const *const with = find_comparison(call.function); with != nullptr)
		return comparison(call, *with, with->op, false);
	if (Template const *const with = find_template(call.function); with != nullptr)
		return call_template(call, *with);
	return pattern(call, false);
}

bool
SqliteRenderer::distinct_from(const Call &equality)
{
	Comparison const *const with = find_comparison(equality.function);
	return with != nullptr && comparison(equality, *with, "IS NOT", false);
}

/* Nothing is in an empty list, not even NULL; with a NULL among the elements the answer is unknown, as here. */
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
	bool const as_is = as_is_;
	as_is_ = false;
	print("(");
	if (!operand(reinterpret_cast<Node *>(item), with->family, as_is))
		return false;
	print(any ? " IN (" : " NOT IN (");
	ListCell *cell;
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

/* As JSON, whose atoms are those of the array, in whatever dimensions. An absent array makes the answer unknown. */
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
	/* Where rows are chosen, unknown is as good as false, and an index serves IN alone. NOT IN is true of NULL too. */
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

/*
 * max(a, b) of SQLite is NULL when one of them is, so each NULL is replaced by the first of the others. Of equal
 * values (0.0 and -0.0) the first is PostgreSQL's answer, as it is of SQLite's max, and the last is its min's.
 */
bool
SqliteRenderer::min_max(MinMaxExpr *node)
{
	Family const family = family_of(node->minmaxtype);
	int const count = list_length(node->args);
	if (family == Family::none || count > longest_min_max ||
	    (family == Family::text && !is_byte_order(node->inputcollid)))
		return false;
	if (count == 1)
		return expression(static_cast<Node *>(linitial(node->args)));
	bool const greatest = node->op == IS_GREATEST;
	Sums const outer = sums_;
	sums_ = Sums::refuse;
	print(greatest ? "max(" : "min(");
	bool printed = true;
	for (int i = 0; i < count; ++i) {
		int const index = greatest ? i : count - 1 - i;
		print(i == 0 ? "COALESCE(" : ", COALESCE(");
		printed = printed && expression(static_cast<Node *>(list_nth(node->args, index)));
		print(", ");
		printed = printed && list(node->args, ", ");
		print(")");
	}
	print(")");
	sums_ = outer;
	return printed;
}

bool
SqliteRenderer::relabel(Expr *arg, Oid type, int32)
{
	return family_of(type) == Family::text && family_of(exprType(reinterpret_cast<Node *>(arg))) == Family::text &&
	       expression(reinterpret_cast<Node *>(arg));
}

bool
SqliteRenderer::cast_by_text(Expr *arg, Oid type)
{
	Family const from = family_of(exprType(reinterpret_cast<Node *>(arg)));
	if (family_of(type) != Family::text || (from != Family::integer && from != Family::text))
		return false;
	if (from == Family::text)
		return expression(reinterpret_cast<Node *>(arg));
	print("CAST(");
	bool const printed = expression(reinterpret_cast<Node *>(arg));
	print(" AS TEXT)");
	return printed;
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
		/* What is not 0 or 1 may still be a boolean here. */
		if (with->family == Family::boolean || list_length(call.args) != 2)
			return false;
		Mark const start = mark();
		if (!coarse_equality(call))
			rewind(start);
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

/* What is no NULL there is none here, whatever it is. */
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

/* Where rejected rows are seen, the guards come first; what has none is NULL or not without them. */
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

Renderer *
make_sqlite_renderer()
{
	return new (palloc0(sizeof(SqliteRenderer))) SqliteRenderer();
}

} // namespace tenancy::fdw
