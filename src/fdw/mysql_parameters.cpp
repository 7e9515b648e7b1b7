/*
 * See mysql_renderer.hpp: values that are known when the statement runs. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

#include <cmath>

extern "C" {
#include "catalog/pg_collation.h"
#include "nodes/nodeFuncs.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
}

namespace tenancy::fdw {

namespace {

/* What DATE and DATETIME hold: the years 1 to 9999. Year 0 is below everything that can be read. */
constexpr const char *below_all = "0000-12-31 00:00:00";
constexpr const char *above_all = "9999-12-31 23:59:59.999999";

Expr *
fixed(Oid type, Datum value)
{
	int16 length;
	bool by_value;
	get_typlenbyval(type, &length, &by_value);
	return reinterpret_cast<Expr *>(
		makeConst(type, -1, type == TEXTOID ? DEFAULT_COLLATION_OID : InvalidOid, length, value, false, by_value));
}

Expr *
fixed_text(const char *text)
{
	return fixed(TEXTOID, CStringGetTextDatum(text));
}

Expr *
fixed_number(const char *text)
{
	return fixed(NUMERICOID, DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
	                                             Int32GetDatum(-1)));
}

Expr *
make_call(Oid function, Oid type, List *args)
{
	Oid const collation = type == TEXTOID ? DEFAULT_COLLATION_OID : InvalidOid;
	return reinterpret_cast<Expr *>(
		makeFuncExpr(function, type, args, collation, DEFAULT_COLLATION_OID, COERCE_EXPLICIT_CALL));
}

CaseWhen *
make_when(Expr *condition, Expr *result)
{
	auto *const when = makeNode(CaseWhen);
	when->expr = condition;
	when->result = result;
	when->location = -1;
	return when;
}

Expr *
make_case(Oid type, List *whens, Expr *otherwise)
{
	auto *const node = makeNode(CaseExpr);
	node->casetype = type;
	node->casecollid = type == TEXTOID ? DEFAULT_COLLATION_OID : InvalidOid;
	node->args = whens;
	node->defresult = otherwise;
	node->location = -1;
	return reinterpret_cast<Expr *>(node);
}

} // namespace

/* Is there room beyond every value of other? */
bool
MysqlRenderer::is_clamped(Node *other) const
{
	if (other == nullptr)
		return false;
	const Column *const column = plain_column(other);
	switch (exprType(other)) {
	case NUMERICOID: {
		Digits length;
		return digits(other, &length) && length.whole <= most_digits - most_scale - 1 && length.scale < most_scale;
	}
	case DATEOID: return true;
	case TIMESTAMPTZOID: return column != nullptr;
	case TIMESTAMPOID:
		if (IsA(other, FuncExpr)) {
			Oid const function = reinterpret_cast<FuncExpr *>(other)->funcid;
			return function == F_DATE_TRUNC_TEXT_TIMESTAMP || function == F_TIMESTAMP_DATE;
		}
		return column != nullptr && parse_native(column->native_type).scale < 6;
	default: return true;
	}
}

bool
MysqlRenderer::parameter(Expr *expr)
{
	Oid const type = exprType(reinterpret_cast<Node *>(expr));
	bool const compared = reinterpret_cast<Node *>(expr) == operand_;
	switch (type) {
	case BOOLOID:
	case INT2OID:
	case INT4OID:
	case INT8OID:
	case TEXTOID:
	case VARCHAROID:
	case BYTEAOID:
	case UUIDOID:
		add_param(expr);
		print("?");
		return true;
	case BPCHAROID:
		add_param(expr);
		print("RTRIM(?)");
		return true;
	case FLOAT4OID:
	case FLOAT8OID: {
		if (!compared || counterpart_ == nullptr)
			return false;
		Expr *const number = type == FLOAT4OID ? make_call(F_FLOAT8_FLOAT4, FLOAT8OID, list_make1(expr)) : expr;
		/* NaN is above all numbers, and infinity is above all that can be stored. */
		Expr *const nan = fixed(FLOAT8OID, Float8GetDatum(std::nan("")));
		CaseWhen *const when = make_when(make_call(F_FLOAT8EQ, BOOLOID, list_make2(number, nan)),
		                                 fixed(FLOAT8OID, Float8GetDatum(HUGE_VAL)));
		add_param(make_case(FLOAT8OID, list_make1(when), number));
		print("?");
		return true;
	}
	case NUMERICOID: return compared && is_clamped(counterpart_) && number_parameter(expr);
	case DATEOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID: return compared && is_clamped(counterpart_) && moment_parameter(expr, type);
	default: return false;
	}
}

/* A number with more digits than the counterpart has is moved, but not past one that the counterpart can be. */
bool
MysqlRenderer::number_parameter(Expr *expr)
{
	Expr *const most = fixed_number("1e34"), *const least = fixed_number("-1e34");
	Expr *const scale = fixed(INT4OID, Int32GetDatum(most_scale - 1));
	Expr *const rounded = make_call(F_TRUNC_NUMERIC_INT4, NUMERICOID, list_make2(expr, scale));
	Expr *const sign = make_call(F_SIGN_NUMERIC, NUMERICOID, list_make1(expr));
	Expr *const half = make_call(F_NUMERIC_MUL, NUMERICOID, list_make2(sign, fixed_number("5e-30")));
	List *const whens = list_make3(make_when(make_call(F_NUMERIC_GE, BOOLOID, list_make2(expr, most)), most),
	                               make_when(make_call(F_NUMERIC_LE, BOOLOID, list_make2(expr, least)), least),
	                               make_when(make_call(F_NUMERIC_EQ, BOOLOID, list_make2(expr, rounded)), rounded));
	add_param(make_case(NUMERICOID, whens, make_call(F_NUMERIC_ADD, NUMERICOID, list_make2(rounded, half))));
	print("CAST(? AS DECIMAL(65,30))");
	return true;
}

/* How the types of dates compare here, and which of their values the other side can hold. */
struct MysqlRenderer::Limits {
	Oid greater, less;
	Expr *most, *least;
};

MysqlRenderer::Limits
MysqlRenderer::limits_of(Oid type)
{
	if (type == DATEOID)
		return {F_DATE_GT, F_DATE_LT, fixed(type, DateADTGetDatum(day(9999, 12, 31))),
		        fixed(type, DateADTGetDatum(day(1, 1, 1)))};
	Expr *const most = fixed(type, TimestampGetDatum(start_of(day(10000, 1, 1)) - 1));
	Expr *const least = fixed(type, TimestampGetDatum(start_of(day(1, 1, 1))));
	if (type == TIMESTAMPTZOID)
		return {F_TIMESTAMPTZ_GT, F_TIMESTAMPTZ_LT, most, least};
	return {F_TIMESTAMP_GT, F_TIMESTAMP_LT, most, least};
}

/* Sends it as text, in UTC where that matters; what is out of range, infinity too, is moved just beyond the range. */
bool
MysqlRenderer::moment_parameter(Expr *expr, Oid type)
{
	Limits const limits = limits_of(type);
	Expr *stamp = expr;
	if (type == DATEOID)
		stamp = make_call(F_TIMESTAMP_DATE, TIMESTAMPOID, list_make1(expr));
	else if (type == TIMESTAMPTZOID)
		stamp = make_call(F_TIMEZONE_TEXT_TIMESTAMPTZ, TIMESTAMPOID, list_make2(fixed_text("UTC"), expr));
	Expr *const text =
		make_call(F_TO_CHAR_TIMESTAMP_TEXT, TEXTOID, list_make2(stamp, fixed_text("YYYY-MM-DD HH24:MI:SS.US")));
	List *const whens =
		list_make2(make_when(make_call(limits.greater, BOOLOID, list_make2(expr, limits.most)), fixed_text(above_all)),
	               make_when(make_call(limits.less, BOOLOID, list_make2(expr, limits.least)), fixed_text(below_all)));
	add_param(make_case(TEXTOID, whens, text));
	print("CAST(? AS DATETIME(6))");
	return true;
}

void
MysqlRenderer::beyond_parameter(Expr *expr, Oid type)
{
	Limits const limits = limits_of(type);
	add_param(make_call(limits.greater, BOOLOID, list_make2(expr, limits.most)));
	print("?");
}

} // namespace tenancy::fdw
