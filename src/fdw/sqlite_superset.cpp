/*
 * Conditions of SQLite that let through all the rows that are wanted, and some more: of dates, which are text of any
 * form there, and of numbers whose digits are not known yet. PG regime.
 */
#include "fdw/sqlite_renderer.hpp"

#include <cstdio>

#include "bridge/param.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

struct DatedComparison {
	Oid function;
	Oid type; /* of both sides */
	const char *op;
};

constexpr DatedComparison dated_comparisons[] = {
	{F_DATE_EQ, DATEOID, "="},
	{F_DATE_LT, DATEOID, "<"},
	{F_DATE_LE, DATEOID, "<="},
	{F_DATE_GT, DATEOID, ">"},
	{F_DATE_GE, DATEOID, ">="},
	{F_TIMESTAMP_EQ, TIMESTAMPOID, "="},
	{F_TIMESTAMP_LT, TIMESTAMPOID, "<"},
	{F_TIMESTAMP_LE, TIMESTAMPOID, "<="},
	{F_TIMESTAMP_GT, TIMESTAMPOID, ">"},
	{F_TIMESTAMP_GE, TIMESTAMPOID, ">="},
	{F_TIMESTAMPTZ_EQ, TIMESTAMPTZOID, "="},
	{F_TIMESTAMPTZ_LT, TIMESTAMPTZOID, "<"},
	{F_TIMESTAMPTZ_LE, TIMESTAMPTZOID, "<="},
	{F_TIMESTAMPTZ_GT, TIMESTAMPTZOID, ">"},
	{F_TIMESTAMPTZ_GE, TIMESTAMPTZOID, ">="},
};

const DatedComparison *
find_dated(Oid function)
{
	for (const DatedComparison &row : dated_comparisons)
		if (row.function == function)
			return &row;
	return nullptr;
}

/* The text of a constant, as it is sent for a parameter too. */
char *
dated_text(const Const *value)
{
	return value->constisnull ? nullptr : bridge::portable_text(value->consttype, value->constvalue);
}

/* The day of a text in UTC, off days away. False where that takes more, or less, than four digits of a year. */
bool
print_day(StringInfo out, const char *text, int off)
{
	int year = 0, month = 0, day = 0, length = 0;
	if (sscanf(text, "%4d-%2d-%2d %n", &year, &month, &day, &length) != 3 || length != 11 ||
	    strstr(text, "BC") != nullptr)
		return false;
	j2date(date2j(year, month, day) + off, &year, &month, &day);
	appendStringInfo(out, "'%04d-%02d-%02d'", year, month, day);
	return year >= 1 && year <= 9999;
}

} // namespace

/*
 * Text of the one plain form of years 1 to 9999 compares as its dates do, if the other side has that form too. Text of
 * any other form is let through.
 */
bool
SqliteRenderer::dated_bounds(const Column &column, Index varno, const char *op, Node *value)
{
	if (column.type == TIMESTAMPTZOID)
		return zoned_bounds(column, varno, op, value);
	const char *const form = column.type == DATEOID ? "tenancy_is_date" : "tenancy_is_timestamp";
	print("(");
	name(column, varno);
	appendStringInfo(out, " %s ", op);
	if (IsA(value, Const)) {
		char *const text = dated_text(reinterpret_cast<Const *>(value));
		if (text == nullptr || text[0] < '0' || text[0] > '9' || strchr(text, '-') != text + 4 ||
		    strstr(text, "BC") != nullptr)
			return false;
		quoted(text, '\'');
	} else if (!any_parameter(value))
		return false;
	else
		appendStringInfo(out, " OR NOT %s(?%d)", form, sent_);
	appendStringInfo(out, " OR NOT %s(", form);
	name(column, varno);
	print("))");
	return true;
}

/* Compares by days, and lets the days beside through, too: the text on the other side has an offset behind it. */
bool
SqliteRenderer::zoned_bounds(const Column &column, Index varno, const char *op, Node *value)
{
	auto *const known = IsA(value, Const) ? reinterpret_cast<Const *>(value) : nullptr;
	char *const text = known != nullptr ? dated_text(known) : nullptr;
	if (known != nullptr && text == nullptr)
		return false;
	Mark const start = mark();
	if (known == nullptr && !any_parameter(value))
		return false;
	int const number = sent_;
	unprint(start);
	auto const bound = [&](const char *comparison, int off) {
		name(column, varno);
		appendStringInfo(out, " %s ", comparison);
		if (known != nullptr)
			return print_day(out, text, off);
		/* A letter is above all years, where there is no such day. */
		appendStringInfo(out, "ifnull(date(substr(?%d, 1, 10), '%+d day'), 'A')", number, off);
		return true;
	};
	print("(");
	if (op[0] != '<' && !bound(">=", -1))
		return false;
	print(op[0] == '=' ? " AND " : "");
	if (op[0] != '>' && !bound("<", 2))
		return false;
	if (known == nullptr)
		appendStringInfo(out, " OR ?%d NOT GLOB '[0-9][0-9][0-9][0-9]-*+00'", number);
	print(" OR NOT tenancy_is_timestamp(");
	name(column, varno);
	print("))");
	return true;
}

/*
 * Prints value, of any type, as exactly one parameter and nothing beside it: that parameter's number is then all of it.
 */
bool
SqliteRenderer::any_parameter(Node *value)
{
	any_type_ = true;
	bool const sent = !IsA(value, Const) && is_local(value) && expression(value);
	any_type_ = false;
	return sent;
}

bool
SqliteRenderer::dated(const Call &call)
{
	DatedComparison const *const with = find_dated(call.function);
	if (with == nullptr)
		return false;
	for (int i = 0; i < 2; ++i) {
		auto *const var = static_cast<Var *>(list_nth(call.args, i));
		Column const *const found = IsA(var, Var) ? column_of(var) : nullptr;
		if (found != nullptr && found->type == with->type && is_dated(*found))
			return dated_bounds(*found, static_cast<Index>(var->varno), i == 0 ? with->op : commuted(with->op),
			                    static_cast<Node *>(list_nth(call.args, 1 - i)));
	}
	return false;
}

/* A number that is sent as text has more digits than a double keeps. */
bool
SqliteRenderer::decimal_parameter(const Call &call, const Comparison &with)
{
	if (with.family != Family::numeric)
		return false;
	for (int i = 0; i < 2; ++i) {
		auto *const side = static_cast<Node *>(list_nth(call.args, i));
		auto *const other = static_cast<Node *>(list_nth(call.args, 1 - i));
		Column const *const found = bare_column(side, Family::numeric);
		if (found == nullptr || IsA(other, Const))
			continue;
		print("(");
		name(*found, static_cast<Index>(reinterpret_cast<Var *>(side)->varno));
		appendStringInfo(out, " %s ", i == 0 ? with.op : commuted(with.op));
		bool const sent = any_parameter(other);
		appendStringInfo(out, " OR typeof(?%d) = 'text')", sent_);
		return sent;
	}
	return false;
}

bool
SqliteRenderer::superset(Node *node)
{
	if (IsA(node, NullTest)) {
		print("(");
		bool const printed = bare_null_test(node);
		print(")");
		return printed;
	}
	auto *const op = reinterpret_cast<OpExpr *>(node);
	if (!IsA(node, OpExpr) || list_length(op->args) != 2)
		return false;
	Call const call = {get_opcode(op->opno), op->opno, op->args, op->inputcollid, BOOLOID, -1};
	Comparison const *const with = find_comparison(call.function);
	return with != nullptr ? decimal_parameter(call, *with) : dated(call) || loose_pattern(call);
}

} // namespace tenancy::fdw
