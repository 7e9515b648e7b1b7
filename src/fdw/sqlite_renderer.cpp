/*
 * See sqlite_renderer.hpp: columns and functions. PG regime.
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

constexpr int longest_tail = 1 << 20; /* characters; texts have 64 MB at most, see remote/sqlite/database.cpp */

constexpr Abilities sqlite_abilities = {.full_join = true,
                                        .for_update = false,
                                        .insert_returning = true,
                                        .update_returning = true,
                                        .delete_returning = true,
                                        .window = true,
                                        .most_parameters = 32766,
                                        .most_nested = 10,
                                        .most_beside = 200, /* a row of them is as deep as it is long */
                                        .most_tables = 32};

constexpr int longest_min_max = 4;   /* each argument is printed as often as there are arguments */
constexpr int longest_trimmed = 256; /* bytes; remote/sqlite/function.cpp */

bool
has_constants(List *args, int from)
{
	for (int i = from; i < list_length(args); ++i)
		if (constant_below(static_cast<Node *>(list_nth(args, i))) == nullptr)
			return false;
	return true;
}

bool
meets(const Call &call, Demand demand)
{
	int64 second = 0, third = 0;
	switch (demand) {
	case Demand::nothing: return true;
	case Demand::divisor: return integer_constant(call.args, 1, &second) && second != 0;
	case Demand::ascii: return has_ascii_case(call.collation);
	case Demand::deterministic: return is_deterministic(call.collation);
	case Demand::trimmed: {
		Const const *const set = constant_below(static_cast<Node *>(lsecond(call.args)));
		return set != nullptr && VARSIZE_ANY_EXHDR(DatumGetTextPP(set->constvalue)) <= longest_trimmed;
	}
	case Demand::replacement: return is_deterministic(call.collation) && has_constants(call.args, 1);
	case Demand::start:
		return integer_constant(call.args, 1, &second) && second > 0 &&
		       (list_length(call.args) == 2 || (integer_constant(call.args, 2, &third) && third >= 0));
	case Demand::count: return integer_constant(call.args, 1, &second) && second >= 0;
	case Demand::positive_count: /* from the end, where a count beyond the longest text finds nothing */
		return integer_constant(call.args, 1, &second) && second > 0 && second <= longest_tail;
	}
	return false;
}

} // namespace

bool
has_ascii_case(Oid collation)
{
	return collation == C_COLLATION_OID || collation == compat::posix_collation;
}

const Abilities &
SqliteRenderer::abilities() const
{
	return sqlite_abilities;
}

/*
 * In a quoted name only the quote has a meaning; the driver has made SQLite refuse to take an unknown name for a
 * string.
 */
void
SqliteRenderer::identifier(const char *name)
{
	quoted(name, '"');
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

/* SQLite does not look into texts, not even in STRICT tables: a zero byte would end one for its functions. */
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

/* Prints a column to be read without guards: this side judges what it holds. */
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

bool
SqliteRenderer::call_template(const Call &call, const Template &with)
{
	if (!meets(call, with.demand) || family_of(call.type) == Family::none)
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

Renderer *
make_sqlite_renderer()
{
	return new (palloc0(sizeof(SqliteRenderer))) SqliteRenderer();
}

} // namespace tenancy::fdw
