/*
 * What stands above a scan in SQLite: keys of groups and orders, aggregates, window functions, LIMIT. PG regime.
 */
#include "fdw/sqlite_renderer.hpp"

extern "C" {
#include "catalog/pg_aggregate.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
}

namespace tenancy::fdw {

namespace {

/* How an aggregate is called there. */
enum class Form : uint8 {
	count, /* of anything */
	same,  /* a value of the argument's own kind */
	order, /* the least or the greatest in the order of the argument */
	sum,   /* beyond int64 too */
	real,  /* of float8 */
	final  /* nothing may be made of it there, for it is text */
};

struct Aggregate {
	Oid function;
	const char *name;
	Form form;
};

/* The sums and averages of the driver are PostgreSQL's, digit by digit (remote/sqlite/exact.cpp). */
constexpr Aggregate aggregates_table[] = {
	{F_COUNT_, "count", Form::count},         {F_COUNT_ANY, "count", Form::count},
	{F_SUM_INT2, "sum", Form::same},          {F_SUM_INT4, "sum", Form::same},
	{F_SUM_INT8, "tenancy_sum", Form::sum},   {F_SUM_FLOAT8, "tenancy_sum_real", Form::real},
	{F_AVG_INT2, "tenancy_avg", Form::final}, {F_AVG_INT4, "tenancy_avg", Form::final},
	{F_AVG_INT8, "tenancy_avg", Form::final}, {F_AVG_FLOAT8, "tenancy_avg_real", Form::real},
	{F_MIN_INT2, "min", Form::order},         {F_MIN_INT4, "min", Form::order},
	{F_MIN_INT8, "min", Form::order},         {F_MIN_FLOAT8, "min", Form::order},
	{F_MIN_NUMERIC, "min", Form::order},      {F_MIN_TEXT, "min", Form::order},
	{F_MAX_INT2, "max", Form::order},         {F_MAX_INT4, "max", Form::order},
	{F_MAX_INT8, "max", Form::order},         {F_MAX_FLOAT8, "max", Form::order},
	{F_MAX_NUMERIC, "max", Form::order},      {F_MAX_TEXT, "max", Form::order},
	{F_BOOL_AND, "min", Form::order},         {F_EVERY, "min", Form::order},
	{F_BOOL_OR, "max", Form::order},
};

/* Window functions proper, and aggregates that SQLite itself has. */
constexpr Aggregate window_table[] = {
	{F_ROW_NUMBER, "row_number", Form::same},     {F_RANK_, "rank", Form::same},
	{F_DENSE_RANK_, "dense_rank", Form::same},    {F_LAG_ANYELEMENT, "lag", Form::same},
	{F_LAG_ANYELEMENT_INT4, "lag", Form::same},   {F_LEAD_ANYELEMENT, "lead", Form::same},
	{F_LEAD_ANYELEMENT_INT4, "lead", Form::same}, {F_FIRST_VALUE, "first_value", Form::same},
	{F_LAST_VALUE, "last_value", Form::same},
};

template <std::size_t Size>
const Aggregate *
find(const Aggregate (&table)[Size], Oid function)
{
	for (const Aggregate &row : table)
		if (row.function == function)
			return &row;
	return nullptr;
}

bool
is_sum_of_int8(Node *node)
{
	return IsA(node, Aggref) && reinterpret_cast<Aggref *>(node)->aggfnoid == F_SUM_INT8;
}

/* The offset of lag() and lead(): SQLite takes no negative one. */
bool
is_plain_offset(Node *node)
{
	auto *const value = reinterpret_cast<Const *>(node);
	return IsA(node, Const) && !value->constisnull && DatumGetInt32(value->constvalue) >= 0;
}

} // namespace

/* A value to group or sort by: a column as it is where SQLite vouches for it. */
bool
SqliteRenderer::key(Node *node)
{
	auto *const var = reinterpret_cast<Var *>(node);
	Column const *const found = IsA(node, Var) ? column_of(var) : nullptr;
	if (found == nullptr || !reading_of(*found).strict)
		return expression(node);
	bare(*found, static_cast<Index>(var->varno));
	return true;
}

/* Equal keys print alike: SQLite has made 1.0 in a column of numbers the integer 1. */
bool
SqliteRenderer::group_key(Node *node)
{
	Family const family = family_of(exprType(node));
	return family != Family::none && (family != Family::text || is_deterministic(exprCollation(node))) && key(node);
}

bool
SqliteRenderer::sort_key(const SortKey &sort)
{
	Family const family = family_of(sort.type);
	auto *const node = reinterpret_cast<Node *>(sort.expr);
	if (family == Family::none || (family == Family::text && !is_byte_order(sort.collation)))
		return false;
	Sums const outer = sums_;
	sums_ = is_sum_of_int8(node) ? Sums::order : Sums::refuse;
	bool const printed = key(node);
	sums_ = outer;
	if (!printed)
		return false;
	print(sort.descending ? " DESC" : "");
	/* NULL is the least value there; and an index serves only an order that it has. */
	Column const *const found = IsA(node, Var) ? column_of(reinterpret_cast<Var *>(node)) : nullptr;
	if (sort.nulls_first == sort.descending && !is_never_null(*this, found))
		print(sort.nulls_first ? " NULLS FIRST" : " NULLS LAST");
	return true;
}

/*
 * Prints LIMIT and OFFSET. No count is LIMIT -1 there; a negative one means no limit instead of an error, so a guard
 * raises the error. Both are known only when the statement runs.
 */
bool
SqliteRenderer::limit(Node *count, Node *offset)
{
	Node *const parts[] = {count, offset};
	const char *const words[] = {" LIMIT ", " OFFSET "};
	const char *const without[] = {"-1", "0"};
	for (int i = 0; i < 2; ++i) {
		auto *const number = reinterpret_cast<Const *>(parts[i]);
		bool const absent = number == nullptr || (IsA(number, Const) && number->constisnull);
		print(words[i]);
		if (absent)
			print(without[i]);
		else if (IsA(number, Const)) {
			if (DatumGetInt64(number->constvalue) < 0)
				return false;
			appendStringInfo(out, INT64_FORMAT, DatumGetInt64(number->constvalue));
		} else {
			Mark const start = mark();
			if (!expression(parts[i]))
				return false;
			int const sent = sent_;
			unprint(start);
			appendStringInfo(out,
			                 "CASE WHEN ?%d IS NULL THEN %s WHEN ?%d >= 0 THEN ?%d ELSE tenancy_int(?%d || '') END",
			                 sent, without[i], sent, sent, sent);
		}
	}
	return true;
}

bool
SqliteRenderer::aggregate_call(const char *function_name, Aggref *node, Family family)
{
	appendStringInfo(out, "%s(%s", function_name, node->aggdistinct != NIL ? "DISTINCT " : "");
	bool printed = true;
	if (node->aggstar)
		print("*");
	else {
		auto *const argument = reinterpret_cast<Node *>(linitial_node(TargetEntry, node->args)->expr);
		printed = family == Family::none ? false : key(argument);
	}
	print(")");
	if (node->aggfilter != nullptr) {
		print(" FILTER (WHERE ");
		printed = printed && expression(reinterpret_cast<Node *>(node->aggfilter));
		print(")");
	}
	return printed;
}

bool
SqliteRenderer::aggregate(Aggref *node)
{
	Aggregate const *const with = find(aggregates_table, node->aggfnoid);
	if (with == nullptr || node->aggsplit != AGGSPLIT_SIMPLE || node->aggkind != AGGKIND_NORMAL || node->aggvariadic ||
	    node->aggorder != NIL || (!node->aggstar && list_length(node->args) != 1))
		return false;
	Family family = Family::none;
	if (!node->aggstar) {
		auto *const argument = reinterpret_cast<Node *>(linitial_node(TargetEntry, node->args)->expr);
		family = family_of(exprType(argument));
		if (family == Family::text && (node->aggdistinct != NIL || with->form == Form::order) &&
		    !(with->form == Form::order ? is_byte_order(node->inputcollid) : is_deterministic(exprCollation(argument))))
			return false;
	}
	if (with->form == Form::final && sums_ != Sums::digits)
		return false;
	const char *function_name = with->name;
	if (with->form == Form::sum) {
		if (sums_ == Sums::refuse)
			return false;
		if (sums_ != Sums::digits)
			function_name = sums_ == Sums::number ? "tenancy_sum_number" : "tenancy_sum_order";
	}
	aggregates = false;
	Sums const outer = sums_;
	sums_ = Sums::refuse;
	bool const printed = aggregate_call(function_name, node, family);
	sums_ = outer;
	aggregates = true;
	return printed;
}

bool
SqliteRenderer::window(WindowFunc *node)
{
	if (node->aggfilter != nullptr || list_length(node->args) > 2)
		return false;
	Aggregate const *with = find(window_table, node->winfnoid);
	if (with == nullptr && node->winagg)
		with = find(aggregates_table, node->winfnoid);
	if (with == nullptr || with->form == Form::sum || with->form == Form::real || with->form == Form::final)
		return false;
	if (list_length(node->args) == 2 && !is_plain_offset(static_cast<Node *>(lsecond(node->args))))
		return false;
	if (node->args != NIL) {
		auto *const argument = static_cast<Node *>(linitial(node->args));
		Family const family = family_of(exprType(argument));
		if (family == Family::none ||
		    (family == Family::text && with->form == Form::order && !is_byte_order(node->inputcollid)))
			return false;
	}
	windows = false;
	appendStringInfo(out, "%s(%s", with->name, node->winstar ? "*" : "");
	bool const printed = list(node->args, ", ");
	print(")");
	windows = true;
	return printed && over(node->winref);
}

} // namespace tenancy::fdw
