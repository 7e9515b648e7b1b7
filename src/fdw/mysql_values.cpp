/*
 * See mysql_renderer.hpp: constants, and what is compared with what. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

#include <cmath>

#include "bridge/param.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/numeric.h"
}

namespace tenancy::fdw {

namespace {

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
		/* The exponent makes it a DOUBLE, and 17 digits are enough for exactly this one. */
		appendStringInfo(out, std::signbit(number) ? "(%.16e)" : "%.16e", number);
		return std::isfinite(number);
	}
	case TEXTOID:
	case VARCHAROID: quoted(TextDatumGetCString(value->constvalue), '\''); return true;
	case BPCHAROID: {
		char *const padded = TextDatumGetCString(value->constvalue);
		size_t length = strlen(padded);
		while (length > 0 && padded[length - 1] == ' ')
			padded[--length] = 0;
		quoted(padded, '\'');
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
	case UUIDOID: quoted(bridge::portable_text(UUIDOID, value->constvalue), '\''); return true;
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
		NativeType const native = parse_native(column->native_type);
		bool const is_float = native.kind == Native::single || native.kind == Native::real;
		if (native.kind == Native::integer || native.kind == Native::decimal || (is_float && !native.rounds)) {
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

/*
 * Prints a number that a column equals: to find a literal in an index, MariaDB rounds it to the scale of the column. A
 * cast is not rounded.
 */
bool
MysqlRenderer::number_beside(Const *value, Node *counterpart)
{
	Digits column, number;
	if (value->constisnull || !digits(counterpart, &column) ||
	    (digits(reinterpret_cast<Node *>(value), &number) && number.scale <= column.scale))
		return constant(value);
	if (number.whole > most_digits - most_scale)
		return false;
	return enclosed("CAST(", reinterpret_cast<Node *>(value), " AS DECIMAL(65,30))");
}

} // namespace tenancy::fdw
