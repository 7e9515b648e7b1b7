/*
 * See sqlite_renderer.hpp: constants and parameters. PG regime.
 */
#include "fdw/sqlite_renderer.hpp"

#include <cmath>

#include "bridge/param.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "nodes/nodeFuncs.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
}

namespace tenancy::fdw {

namespace {

constexpr Size longest_literal = 1000;      /* others are sent as parameters */
constexpr double whole_doubles = 1LL << 53; /* below it a double and an integer are the same number */
constexpr int kept_digits = 15;             /* DBL_DIG: decimals of so many digits are different doubles */
constexpr Oid float8_equal = 670;           /* =(float8, float8), which has no symbol */

Expr *
as_expr(Const *value)
{
	return reinterpret_cast<Expr *>(value);
}

Const *
not_a_number()
{
	return makeConst(FLOAT8OID, -1, InvalidOid, sizeof(float8), Float8GetDatum(get_float8_nan()), false,
	                 FLOAT8PASSBYVAL);
}

} // namespace

const Const *
constant_below(Node *node)
{
	auto *const value = reinterpret_cast<Const *>(node);
	return IsA(node, Const) && !value->constisnull ? value : nullptr;
}

bool
integer_constant(List *args, int index, int64 *value)
{
	if (list_length(args) <= index)
		return false;
	Const const *const number = constant_below(static_cast<Node *>(list_nth(args, index)));
	if (number == nullptr || family_of(number->consttype) != Family::integer)
		return false;
	*value = number->consttype == INT8OID   ? DatumGetInt64(number->constvalue)
	         : number->consttype == INT4OID ? DatumGetInt32(number->constvalue)
	                                        : DatumGetInt16(number->constvalue);
	return true;
}

bool
is_short_decimal(const Const *value, bool as_value)
{
	int digits = 0;
	char *const text = bridge::portable_text(NUMERICOID, value->constvalue);
	for (const char *at = text; *at != 0; ++at) {
		if (*at >= '0' && *at <= '9')
			++digits;
		else if (*at != '.' && *at != '-')
			return false; /* NaN, Infinity */
	}
	return digits <= kept_digits && !(as_value && strchr(text, '.') != nullptr && text[strlen(text) - 1] == '0');
}

bool
SqliteRenderer::constant(Const *value)
{
	Family const family = family_of(value->consttype);
	if (family == Family::none)
		return false;
	if (value->constisnull) {
		print("NULL");
		return true;
	}
	switch (family) {
	case Family::boolean: truth(DatumGetBool(value->constvalue)); return true;
	case Family::integer: {
		int64 number = 0;
		(void) integer_constant(list_make1(value), 0, &number);
		appendStringInfo(out, number < 0 ? "(" INT64_FORMAT ")" : INT64_FORMAT, number);
		return true;
	}
	case Family::real: {
		/* The library's own reading of digits is not always exact. */
		float8 const number = DatumGetFloat8(value->constvalue);
		if (std::isnan(number))
			print("'NaN'"); /* behind every number, as text is */
		else if (std::isinf(number))
			print(number < 0 ? "(-9e999)" : "9e999");
		else if (number == std::trunc(number) && std::fabs(number) < whole_doubles)
			appendStringInfo(out, std::signbit(number) ? "(%.1f)" : "%.1f", number);
		else
			return send(as_expr(value));
		return true;
	}
	case Family::numeric: return is_short_decimal(value, true) && send(as_expr(value));
	case Family::text: {
		char *const literal = TextDatumGetCString(value->constvalue);
		if (strlen(literal) > longest_literal)
			return send(as_expr(value));
		quoted(literal, '\'');
		return true;
	}
	case Family::blob: return send(as_expr(value));
	case Family::none: break;
	}
	return false;
}

void
SqliteRenderer::unprint(const Mark &mark)
{
	out->len = mark.length;
	out->data[mark.length] = 0;
}

/* The same expression keeps its number, so that SQLite knows a group's key when it sorts by it. */
bool
SqliteRenderer::send(Expr *expr)
{
	sent_ = 0;
	ListCell *cell;
	foreach (cell, params)
		if (sent_ == 0 && equal(lfirst(cell), expr))
			sent_ = foreach_current_index(cell) + 1;
	if (sent_ == 0) {
		add_param(expr);
		sent_ = list_length(params);
	}
	appendStringInfo(out, "?%d", sent_);
	return true;
}

/*
 * SQLite has no NaN. Text is above every number and equal to none, as NaN is here, so that is how one goes along:
 * the number or NULL, and the text or NULL.
 */
bool
SqliteRenderer::send_real(Expr *expr)
{
	auto *const number = makeNode(NullIfExpr);
	number->opno = float8_equal;
	number->opfuncid = F_FLOAT8EQ;
	number->opresulttype = FLOAT8OID;
	number->args = list_make2(expr, not_a_number());
	number->location = -1;
	auto *const when = makeNode(CaseWhen);
	when->expr = make_opclause(float8_equal, BOOLOID, false, static_cast<Expr *>(copyObjectImpl(expr)),
	                           reinterpret_cast<Expr *>(not_a_number()), InvalidOid, InvalidOid);
	reinterpret_cast<OpExpr *>(when->expr)->opfuncid = F_FLOAT8EQ;
	when->result = reinterpret_cast<Expr *>(
		makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum("NaN"), false, false));
	when->location = -1;
	auto *const otherwise = makeNode(CaseExpr);
	otherwise->casetype = TEXTOID;
	otherwise->casecollid = DEFAULT_COLLATION_OID;
	otherwise->args = list_make1(when);
	otherwise->defresult = reinterpret_cast<Expr *>(makeNullConst(TEXTOID, -1, DEFAULT_COLLATION_OID));
	otherwise->location = -1;
	print("ifnull(");
	(void) send(reinterpret_cast<Expr *>(number));
	print(", ");
	(void) send(reinterpret_cast<Expr *>(otherwise));
	print(")");
	return true;
}

/* Sends a value. A numeric is sent only where any type will do, as nobody knows yet how many digits it will have. */
bool
SqliteRenderer::parameter(Expr *expr)
{
	switch (family_of(exprType(reinterpret_cast<Node *>(expr)))) {
	case Family::integer:
	case Family::boolean:
	case Family::text:
	case Family::blob: return send(expr);
	case Family::real: return send_real(expr);
	case Family::numeric:
	case Family::none: break;
	}
	return any_type_ && send(expr);
}

void
SqliteRenderer::value_placeholder(const Column &, int number)
{
	appendStringInfo(out, "?%d", number);
}

} // namespace tenancy::fdw
