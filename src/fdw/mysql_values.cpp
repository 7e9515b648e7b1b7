/*
 * See mysql_renderer.hpp: constants, and values that are known when the statement runs. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

#include <cmath>

#include "bridge/param.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
}

namespace tenancy::fdw {

namespace {

constexpr int most_digits = 65;
constexpr int most_scale = 30;

/* What DATE and DATETIME hold: the years 1 to 9999. Year 0 is below everything that can be read. */
constexpr const char *below_all = "0000-12-31 00:00:00";
constexpr const char *above_all = "9999-12-31 23:59:59.999999";

DateADT
day(int year, int month, int day_of_month)
{
	return date2j(year, month, day_of_month) - POSTGRES_EPOCH_JDATE;
}

Timestamp
start_of(DateADT date)
{
	return date * USECS_PER_DAY;
}

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

bool
computed_there(Node *node, void *context)
{
	if (node == nullptr)
		return false;
	if (IsA(node, Aggref) || IsA(node, WindowFunc) || IsA(node, CaseTestExpr))
		return true;
	return compat::walk_expression(node, computed_there, context);
}

} // namespace

bool
MysqlRenderer::is_remote(Node *node) const
{
	return bms_overlap(pull_varnos(root, node), relids) || computed_there(node, nullptr);
}

MysqlRenderer::Family
MysqlRenderer::family_of(Oid type)
{
	switch (type) {
	case INT2OID:
	case INT4OID:
	case INT8OID: return Family::integer;
	case NUMERICOID: return Family::number;
	case FLOAT4OID:
	case FLOAT8OID: return Family::real;
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID: return Family::text;
	case DATEOID:
	case TIMESTAMPOID: return Family::moment;
	case TIMESTAMPTZOID: return Family::instant;
	case BOOLOID: return Family::boolean;
	case BYTEAOID: return Family::bytes;
	case UUIDOID: return Family::uuid;
	default: return Family::none;
	}
}

/* The sessions of the driver read a backslash as itself. */
void
MysqlRenderer::quoted(const char *text)
{
	appendStringInfoChar(out, '\'');
	for (; *text != 0; ++text) {
		if (*text == '\'')
			appendStringInfoChar(out, '\'');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '\'');
}

bool
MysqlRenderer::number_constant(Datum value)
{
	char *const text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
	const char *const point = strchr(text, '.');
	int const count = static_cast<int>(strlen(text)) - (*text == '-' ? 1 : 0) - (point != nullptr ? 1 : 0);
	if (numeric_is_nan(DatumGetNumeric(value)) || numeric_is_inf(DatumGetNumeric(value)) || count > most_digits ||
	    (point != nullptr && strlen(point + 1) > static_cast<size_t>(most_scale)))
		return false;
	appendStringInfo(out, *text == '-' ? "(%s)" : "%s", text);
	return true;
}

bool
MysqlRenderer::moment_constant(Oid type, Datum value)
{
	if (type == DATEOID) {
		DateADT const date = DatumGetDateADT(value);
		if (date < day(1, 1, 1) || date > day(9999, 12, 31))
			return false;
	} else {
		Timestamp const stamp = DatumGetTimestamp(value);
		if (stamp < start_of(day(1, 1, 1)) || stamp >= start_of(day(10000, 1, 1)))
			return false;
	}
	char *const text = bridge::portable_text(type, value);
	if (type == TIMESTAMPTZOID) {
		char *const offset = strrchr(text, '+');
		if (offset == nullptr || strcmp(offset, "+00") != 0)
			return false;
		*offset = 0;
	}
	/* MariaDB cuts a literal, but not a cast, to the precision of the column that it is to be equal to. */
	if (type != DATEOID && strchr(text, '.') != nullptr)
		appendStringInfo(out, "CAST('%s' AS DATETIME(6))", text);
	else
		appendStringInfo(out, "%s '%s'", type == DATEOID ? "DATE" : "TIMESTAMP", text);
	return true;
}

bool
MysqlRenderer::constant(Const *value)
{
	if (value->constisnull) {
		print("NULL");
		return family_of(value->consttype) != Family::none;
	}
	switch (value->consttype) {
	case BOOLOID: truth(DatumGetBool(value->constvalue)); return true;
	case INT2OID:
	case INT4OID:
	case INT8OID: {
		int64 const number = value->consttype == INT2OID   ? DatumGetInt16(value->constvalue)
		                     : value->consttype == INT4OID ? DatumGetInt32(value->constvalue)
		                                                   : DatumGetInt64(value->constvalue);
		appendStringInfo(out, number < 0 ? "(" INT64_FORMAT ")" : INT64_FORMAT, number);
		return true;
	}
	case NUMERICOID: return number_constant(value->constvalue);
	case FLOAT4OID:
	case FLOAT8OID: {
		double const number = value->consttype == FLOAT4OID ? static_cast<double>(DatumGetFloat4(value->constvalue))
		                                                    : DatumGetFloat8(value->constvalue);
		/* With an exponent it is a DOUBLE, and 17 digits are this one. */
		appendStringInfo(out, std::signbit(number) ? "(%.16e)" : "%.16e", number);
		return std::isfinite(number);
	}
	case TEXTOID:
	case VARCHAROID: quoted(TextDatumGetCString(value->constvalue)); return true;
	case BPCHAROID: {
		char *const padded = TextDatumGetCString(value->constvalue);
		size_t length = strlen(padded);
		while (length > 0 && padded[length - 1] == ' ')
			padded[--length] = 0;
		quoted(padded);
		return true;
	}
	case BYTEAOID: {
		bytea *const bytes = DatumGetByteaPP(value->constvalue);
		auto const size = static_cast<int>(VARSIZE_ANY_EXHDR(bytes));
		print("X'");
		enlargeStringInfo(out, 2 * size);
		out->len += static_cast<int>(hex_encode(VARDATA_ANY(bytes), static_cast<size_t>(size), out->data + out->len));
		out->data[out->len] = 0;
		print("'");
		return true;
	}
	case DATEOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID: return moment_constant(value->consttype, value->constvalue);
	case UUIDOID: quoted(bridge::portable_text(UUIDOID, value->constvalue)); return true;
	default: return false;
	}
}

/*
 * Print what is compared with counterpart. A value that PostgreSQL has and MySQL has not may then be replaced by one
 * that compares in the same way with whatever the counterpart can be; elsewhere it cannot be sent.
 */
bool
MysqlRenderer::operand(Node *node, Node *counterpart)
{
	Index varno;
	const Column *const column = plain_column(node, &varno);
	if (column != nullptr && column->type != BOOLOID) {
		Native const kind = parse_native(column->native_type).kind;
		if (kind == Native::integer || kind == Native::decimal || kind == Native::single || kind == Native::real) {
			bare(*column, varno);
			return true;
		}
	}
	if (counterpart != nullptr && IsA(node, Const) && exprType(node) == NUMERICOID)
		return number_beside(reinterpret_cast<Const *>(node), counterpart);
	Node *const outer_operand = operand_, *const outer_counterpart = counterpart_;
	operand_ = node;
	counterpart_ = counterpart;
	bool const printed = expression(node);
	operand_ = outer_operand;
	counterpart_ = outer_counterpart;
	return printed;
}

/* To find it in an index, MariaDB rounds a literal, but not a cast, to the scale of the column that it equals. */
bool
MysqlRenderer::number_beside(Const *value, Node *counterpart)
{
	Digits column, number;
	if (value->constisnull || !digits(counterpart, &column) ||
	    (digits(reinterpret_cast<Node *>(value), &number) && number.scale <= column.scale))
		return constant(value);
	if (number.whole > most_digits - most_scale)
		return false;
	return suffixed("CAST(", reinterpret_cast<Node *>(value), " AS DECIMAL(65,30))");
}

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

/* How the types of dates compare here, and what the other side can hold of them. */
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

/* As text, in UTC where that matters; what is out of range, infinity too, is moved just beyond the range. */
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
