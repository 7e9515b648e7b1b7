/*
 * See mysql_renderer.hpp: what is known of a value before it is computed. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

#include <algorithm>

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
}

namespace tenancy::fdw {

namespace {

using Wide = __int128;

constexpr int most_sum_digits = 19; /* that a sum has more than its parts: nobody has more rows */

Wide
power_of_two(int exponent)
{
	return Wide{1} << exponent;
}

int64
whole_value(const Const *value)
{
	return value->consttype == INT2OID   ? DatumGetInt16(value->constvalue)
	       : value->consttype == INT4OID ? DatumGetInt32(value->constvalue)
	                                     : DatumGetInt64(value->constvalue);
}

const char *
built_in_operator(const OpExpr *node)
{
	const char *const name = node->opno < FirstUnpinnedObjectId ? get_opname(node->opno) : nullptr;
	return name != nullptr ? name : "";
}

/* Anything but a constant other than zero. */
bool
may_be_zero(Node *node)
{
	auto *const constant = reinterpret_cast<Const *>(node);
	if (!IsA(node, Const) || constant->constisnull || constant->consttype != NUMERICOID)
		return true;
	Datum const zero = DirectFunctionCall1(int4_numeric, Int32GetDatum(0));
	return DatumGetBool(DirectFunctionCall2(numeric_eq, constant->constvalue, zero));
}

} // namespace

MysqlRenderer::Range
MysqlRenderer::range(Node *node) const
{
	Oid const type = exprType(node);
	int const bits = type == INT2OID ? 15 : type == INT4OID ? 31 : 63;
	Range const all = {-power_of_two(bits), power_of_two(bits) - 1};
	Range known = all;
	auto *const call = reinterpret_cast<FuncExpr *>(node);
	if (IsA(node, Const) && !reinterpret_cast<Const *>(node)->constisnull) {
		known.low = known.high = whole_value(reinterpret_cast<Const *>(node));
	} else if (const Column *const column = plain_column(node)) {
		NativeType const native = parse_native(column->native_type);
		int const width = native.kind == Native::year ? 16 : native.length * 8;
		known = native.is_unsigned ? Range{0, power_of_two(width) - 1}
		                           : Range{-power_of_two(width - 1), power_of_two(width - 1) - 1};
	} else if (IsA(node, OpExpr)) {
		known = range_of(built_in_operator(reinterpret_cast<OpExpr *>(node)), reinterpret_cast<OpExpr *>(node)->args);
	} else if (IsA(node, FuncExpr) &&
	           (call->funcid == F_INT8_INT4 || call->funcid == F_INT8_INT2 || call->funcid == F_INT4_INT2)) {
		known = range(static_cast<Node *>(linitial(call->args)));
	}
	return {std::max(known.low, all.low), std::min(known.high, all.high)};
}

/* The range of exact results; PostgreSQL raises an error for those that its type cannot hold. */
MysqlRenderer::Range
MysqlRenderer::range_of(const char *op, List *args) const
{
	Range const anything = {-power_of_two(126), power_of_two(126)};
	ListCell *cell;
	foreach (cell, args)
		if (family_of(exprType(static_cast<Node *>(lfirst(cell)))) != Family::integer)
			return anything;
	Range const a = range(static_cast<Node *>(linitial(args)));
	if (list_length(args) == 1)
		return *op == '-' ? Range{-a.high, -a.low} : *op == '@' ? Range{0, std::max(-a.low, a.high)} : anything;
	Range const b = range(static_cast<Node *>(lsecond(args)));
	switch (*op) {
	case '+': return {a.low + b.low, a.high + b.high};
	case '-': return {a.low - b.high, a.high - b.low};
	case '*': {
		auto const ends = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
		return {std::min(ends), std::max(ends)};
	}
	case '/':
		if (b.low != b.high || b.low == 0)
			return anything;
		return {std::min(a.low / b.low, a.high / b.low), std::max(a.low / b.low, a.high / b.low)};
	case '%':
		if (b.low != b.high || b.low == 0)
			return anything;
		return {1 - (b.low < 0 ? -b.low : b.low), (b.low < 0 ? -b.low : b.low) - 1};
	default: return anything;
	}
}

/* The widest of several results, of which any may be the one. */
bool
MysqlRenderer::widest(List *nodes, Digits *result) const
{
	Digits all = {0, -1, true};
	ListCell *cell;
	foreach (cell, nodes) {
		auto *const node = static_cast<Node *>(lfirst(cell));
		if (IsA(node, Const) && reinterpret_cast<Const *>(node)->constisnull)
			continue;
		Digits one;
		if (!digits(node, &one))
			return false;
		all.display = all.display && one.display && (all.scale < 0 || all.scale == one.scale);
		all.whole = std::max(all.whole, one.whole);
		all.scale = std::max(all.scale, one.scale);
	}
	*result = all;
	return all.scale >= 0;
}

bool
MysqlRenderer::digits_of_constant(const Const *value, Digits *result)
{
	if (value->constisnull)
		return false;
	char *const text = DatumGetCString(DirectFunctionCall1(numeric_out, value->constvalue));
	char *const point = strchr(text, '.');
	int const scale = point != nullptr ? static_cast<int>(strlen(point + 1)) : 0;
	*result = {static_cast<int>(strlen(text)) - scale, scale, true};
	return text[*text == '-' ? 1 : 0] >= '0' && text[*text == '-' ? 1 : 0] <= '9';
}

bool
MysqlRenderer::digits_of_aggregate(Oid function, Node *argument, Digits *result) const
{
	if (!digits(argument, result))
		return false;
	bool const sum = function == F_SUM_NUMERIC || function == F_SUM_INT8;
	result->whole += sum ? most_sum_digits : 0;
	return sum || function == F_MIN_NUMERIC || function == F_MAX_NUMERIC;
}

bool
MysqlRenderer::digits(Node *node, Digits *result) const
{
	switch (exprType(node)) {
	case INT2OID: *result = {5, 0, true}; return true;
	case INT4OID: *result = {10, 0, true}; return true;
	case INT8OID: *result = {19, 0, true}; return true;
	case NUMERICOID: break;
	default: return false;
	}
	if (const Column *const column = plain_column(node)) {
		NativeType const native = parse_native(column->native_type);
		*result = native.kind == Native::integer ? Digits{20, 0, true}
		                                         : Digits{native.length - native.scale, native.scale, true};
		return true;
	}
	bool known = false;
	switch (nodeTag(node)) {
	case T_Const: known = digits_of_constant(reinterpret_cast<Const *>(node), result); break;
	case T_OpExpr: {
		auto *const op = reinterpret_cast<OpExpr *>(node);
		known = digits_of({get_opcode(op->opno), op->opno, op->args, InvalidOid, NUMERICOID, -1}, result);
		break;
	}
	case T_FuncExpr: {
		auto *const call = reinterpret_cast<FuncExpr *>(node);
		known = digits_of({call->funcid, InvalidOid, call->args, InvalidOid, NUMERICOID, -1}, result);
		break;
	}
	case T_CoalesceExpr: known = widest(reinterpret_cast<CoalesceExpr *>(node)->args, result); break;
	case T_MinMaxExpr: known = widest(reinterpret_cast<MinMaxExpr *>(node)->args, result); break;
	case T_NullIfExpr:
		known = digits(static_cast<Node *>(linitial(reinterpret_cast<NullIfExpr *>(node)->args)), result);
		break;
	case T_CaseExpr: {
		auto *const choice = reinterpret_cast<CaseExpr *>(node);
		List *results = choice->defresult != nullptr ? list_make1(choice->defresult) : NIL;
		ListCell *cell;
		foreach (cell, choice->args)
			results = lappend(results, lfirst_node(CaseWhen, cell)->result);
		known = widest(results, result);
		break;
	}
	case T_Aggref: {
		auto *const call = reinterpret_cast<Aggref *>(node);
		known = list_length(call->args) == 1 &&
		        digits_of_aggregate(call->aggfnoid,
		                            reinterpret_cast<Node *>(linitial_node(TargetEntry, call->args)->expr), result);
		break;
	}
	case T_WindowFunc: {
		auto *const call = reinterpret_cast<WindowFunc *>(node);
		known = list_length(call->args) == 1 &&
		        digits_of_aggregate(call->winfnoid, static_cast<Node *>(linitial(call->args)), result);
		break;
	}
	default: break;
	}
	return known && result->scale <= most_scale && result->whole + result->scale <= most_digits;
}

bool
MysqlRenderer::digits_of(const Call &call, Digits *result) const
{
	Digits a = {}, b = {};
	int places = 0;
	if (call.args == NIL || call.function >= FirstUnpinnedObjectId)
		return false;
	auto *const left = static_cast<Node *>(linitial(call.args));
	Node *const right = list_length(call.args) > 1 ? static_cast<Node *>(lsecond(call.args)) : nullptr;
	if (call.function == F_EXTRACT_TEXT_TIMESTAMP || call.function == F_EXTRACT_TEXT_DATE) {
		auto *const field = reinterpret_cast<Const *>(left);
		bool const epoch = IsA(left, Const) && !field->constisnull &&
		                   pg_strcasecmp(TextDatumGetCString(field->constvalue), "epoch") == 0;
		bool const second = IsA(left, Const) && !field->constisnull &&
		                    pg_strcasecmp(TextDatumGetCString(field->constvalue), "second") == 0;
		*result = {epoch ? 12 : 4, second || (epoch && call.function == F_EXTRACT_TEXT_TIMESTAMP) ? 6 : 0, true};
		return true;
	}
	if (!digits(left, &a))
		return false;
	switch (call.function) {
	case F_NUMERIC_INT2:
	case F_NUMERIC_INT4:
	case F_NUMERIC_INT8:
	case F_NUMERIC_UMINUS:
	case F_NUMERIC_UPLUS:
	case F_NUMERIC_ABS:
	case F_ABS_NUMERIC: *result = a; return true;
	case F_SIGN_NUMERIC: *result = {1, 0, true}; return true;
	case F_CEIL_NUMERIC:
	case F_CEILING_NUMERIC:
	case F_FLOOR_NUMERIC:
	case F_ROUND_NUMERIC:
	case F_TRUNC_NUMERIC: *result = {a.whole + 1, 0, true}; return true;
	case F_ROUND_NUMERIC_INT4:
	case F_TRUNC_NUMERIC_INT4:
		/* A number with fewer digits than asked for gets zeros from PostgreSQL, but not there. */
		if (!whole_constant(right, &places) || places > a.scale || places < -most_digits || !a.display)
			return false;
		*result = {std::max(a.whole, -places) + 1, std::max(places, 0), true};
		return true;
	case F_NUMERIC_ADD:
	case F_NUMERIC_SUB:
	case F_NUMERIC_MUL:
		if (!digits(right, &b))
			return false;
		*result = call.function == F_NUMERIC_MUL
		              ? Digits{a.whole + b.whole, a.scale + b.scale, a.display && b.display}
		              : Digits{std::max(a.whole, b.whole) + 1, std::max(a.scale, b.scale), a.display && b.display};
		return true;
	case F_NUMERIC_MOD:
	case F_MOD_NUMERIC_NUMERIC:
		if (may_be_zero(right) || !digits(right, &b))
			return false;
		*result = {std::max(a.whole, b.whole), std::max(a.scale, b.scale), a.display && b.display};
		return true;
	default: return false;
	}
}

bool
MysqlRenderer::has_display(Node *node) const
{
	Digits length;
	return digits(node, &length) && length.display;
}

int
MysqlRenderer::most_characters(Node *node) const
{
	if (const Column *const column = plain_column(node))
		return parse_native(column->native_type).length;
	switch (nodeTag(node)) {
	case T_RelabelType: return most_characters(reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg));
	case T_CoerceViaIO: return most_digits + 2;
	case T_Const: {
		auto *const constant = reinterpret_cast<Const *>(node);
		return constant->constisnull || family_of(constant->consttype) != Family::text
		           ? 0
		           : static_cast<int>(VARSIZE_ANY_EXHDR(DatumGetTextPP(constant->constvalue)));
	}
	case T_CoalesceExpr: {
		int most = 0;
		ListCell *cell;
		foreach (cell, reinterpret_cast<CoalesceExpr *>(node)->args) {
			int const one = most_characters(static_cast<Node *>(lfirst(cell)));
			most = one < 0 || most < 0 ? -1 : std::max(most, one);
		}
		return most;
	}
	case T_OpExpr: {
		auto *const op = reinterpret_cast<OpExpr *>(node);
		return most_characters_of(get_opcode(op->opno), op->args);
	}
	case T_FuncExpr: {
		auto *const call = reinterpret_cast<FuncExpr *>(node);
		return most_characters_of(call->funcid, call->args);
	}
	default: return -1;
	}
}

int
MysqlRenderer::most_characters_of(Oid function, List *args) const
{
	if (args == NIL)
		return -1;
	int const length = most_characters(static_cast<Node *>(linitial(args)));
	auto *const last = static_cast<Node *>(llast(args));
	int count = 0;
	switch (function) {
	case F_TEXTCAT: {
		int const other = most_characters(last);
		return length < 0 || other < 0 ? -1 : length + other;
	}
	case F_LEFT:
	case F_RIGHT:
	case F_SUBSTRING_TEXT_INT4_INT4:
	case F_SUBSTR_TEXT_INT4_INT4:
		if (!whole_constant(last, &count) || count < 0)
			return -1;
		return length < 0 ? count : std::min(length, count);
	case F_SUBSTRING_TEXT_INT4:
	case F_SUBSTR_TEXT_INT4:
	case F_BTRIM_TEXT:
	case F_LTRIM_TEXT:
	case F_RTRIM_TEXT:
	case compat::reverse_text:
	case F_TEXT_BPCHAR: return length;
	default: return -1;
	}
}

} // namespace tenancy::fdw
