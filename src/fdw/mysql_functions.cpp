/*
 * See mysql_renderer.hpp: operators and functions of numbers and text. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

#include <algorithm>
#include <cmath>

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

/* The longest result that CONCAT may have: far below any max_allowed_packet, beyond which it would be NULL. */
constexpr int most_concatenated = 65535;

struct Template {
	Oid function;
	const char *text;
};

/* The same for every argument that the types here can be. */
constexpr Template templates[] = {
	{F_INT8_INT4, "%1"},
	{F_INT8_INT2, "%1"},
	{F_INT4_INT2, "%1"},
	{F_NUMERIC_INT2, "%1"},
	{F_NUMERIC_INT4, "%1"},
	{F_NUMERIC_INT8, "%1"},
	{F_FLOAT8_INT2, "(%1 + 0e0)"},
	{F_FLOAT8_INT4, "(%1 + 0e0)"},
	{F_FLOAT8_INT8, "(%1 + 0e0)"},
	{F_FLOAT8_NUMERIC, "(%1 + 0e0)"},
	{F_FLOAT8_FLOAT4, "%1"},
	{F_FLOAT8UM, "(- %1)"},
	{F_FLOAT8ABS, "ABS(%1)"},
	{F_ABS_FLOAT8, "ABS(%1)"},
	/* Overflow is an error in both; a sum or difference cannot underflow. */
	{F_FLOAT8PL, "(%1 + %2)"},
	{F_FLOAT8MI, "(%1 - %2)"},
	{F_FLOAT48PL, "(%1 + %2)"},
	{F_FLOAT48MI, "(%1 - %2)"},
	{F_FLOAT84PL, "(%1 + %2)"},
	{F_FLOAT84MI, "(%1 - %2)"},
	{F_TEXTLEN, "CHAR_LENGTH(%1)"},
	{F_LENGTH_TEXT, "CHAR_LENGTH(%1)"},
	{F_CHAR_LENGTH_TEXT, "CHAR_LENGTH(%1)"},
	{F_CHARACTER_LENGTH_TEXT, "CHAR_LENGTH(%1)"},
	{F_LENGTH_BPCHAR, "CHAR_LENGTH(%1)"},
	{F_CHAR_LENGTH_BPCHAR, "CHAR_LENGTH(%1)"},
	{F_CHARACTER_LENGTH_BPCHAR, "CHAR_LENGTH(%1)"},
	{F_OCTET_LENGTH_BYTEA, "LENGTH(%1)"},
	{F_LENGTH_BYTEA, "LENGTH(%1)"},
	{F_TEXT_BPCHAR, "%1"},
	{F_BTRIM_TEXT, "TRIM(%1)"},
	{F_LTRIM_TEXT, "LTRIM(%1)"},
	{F_RTRIM_TEXT, "RTRIM(%1)"},
	{compat::reverse_text, "REVERSE(%1)"},
	/* Numbers that are too long for DECIMAL are refused by is_representable(). */
	{F_NUMERIC_UPLUS, "%1"},
	{F_SIGN_NUMERIC, "SIGN(%1)"},
	{F_CEIL_NUMERIC, "CEILING(%1)"},
	{F_CEILING_NUMERIC, "CEILING(%1)"},
	{F_FLOOR_NUMERIC, "FLOOR(%1)"},
	{F_ROUND_NUMERIC, "ROUND(%1)"},
	{F_TRUNC_NUMERIC, "TRUNCATE(%1, 0)"},
	{F_TRUNC_NUMERIC_INT4, "TRUNCATE(%1, %2)"},
};

constexpr const char *comparisons[] = {"=", "<>", "<", "<=", ">", ">="};

bool
is_one_of(const char *op, const char *list)
{
	return op[0] != 0 && op[1] == 0 && strchr(list, *op) != nullptr;
}

char *
text_argument(List *args, int index)
{
	auto *const constant = static_cast<Const *>(list_nth(args, index));
	return IsA(constant, Const) && !constant->constisnull && constant->consttype == TEXTOID
	           ? TextDatumGetCString(constant->constvalue)
	           : nullptr;
}

} // namespace

bool
MysqlRenderer::function(const Call &call)
{
	if (call.function >= FirstUnpinnedObjectId || !is_deterministic(call.collation) || call.args == NIL)
		return false;
	const char *const op = call.op < FirstUnpinnedObjectId && OidIsValid(call.op) ? get_opname(call.op) : "";
	bool const two = list_length(call.args) == 2;
	if (call.type == BOOLOID && two)
		for (const char *const name : comparisons)
			if (strcmp(op, name) == 0)
				return comparison(name, call);
	if (is_one_of(op, "+-*/%@") && family_of(call.type) == Family::integer)
		return arithmetic(op, call);
	if (call.function == F_ABS_INT2 || call.function == F_ABS_INT4 || call.function == F_ABS_INT8)
		return arithmetic("@", call);
	/* In a database in SQL_ASCII each byte is a character. */
	if (GetDatabaseEncoding() == PG_SQL_ASCII && OidIsValid(call.collation))
		return false;
	switch (call.function) {
	case F_MOD_INT2_INT2:
	case F_MOD_INT4_INT4:
	case F_MOD_INT8_INT8: return arithmetic("%", call);
	case F_TEXTLIKE:
	case F_LIKE_TEXT_TEXT: return like(call, false);
	case F_TEXTNLIKE:
	case F_NOTLIKE_TEXT_TEXT: return like(call, true);
	default: break;
	}
	for (const Template &known : templates)
		if (known.function == call.function)
			return is_representable(call) && print_template(known.text, call.args);
	return number_function(call) || text_function(call) || date_function(call);
}

/* Does the result fit into a type there? Only a numeric may not: it has to be certain to fit into a DECIMAL. */
bool
MysqlRenderer::is_representable(const Call &call) const
{
	if (call.type != NUMERICOID)
		return true;
	Digits length;
	return digits_of(call, &length) && length.scale <= most_scale && length.whole + length.scale <= most_digits;
}

/* Can args[first] minus the other be 0 minus the least BIGINT? To MariaDB that is the least BIGINT, and no overflow. */
bool
MysqlRenderer::loses_overflow(List *args, int first) const
{
	Range const from = range(static_cast<Node *>(list_nth(args, first)));
	Range const what = range(static_cast<Node *>(list_nth(args, 1 - first)));
	return from.low <= 0 && from.high >= 0 && what.low <= PG_INT64_MIN;
}

/* Whole numbers are BIGINT there; PostgreSQL's smaller types, and division, are put right. */
bool
MysqlRenderer::arithmetic(const char *op, const Call &call)
{
	ListCell *cell;
	foreach (cell, call.args)
		if (family_of(exprType(static_cast<Node *>(lfirst(cell)))) != Family::integer)
			return false;
	int const start = out->len;
	bool const unary = list_length(call.args) == 1;
	if (unary ? !is_one_of(op, "-@+") : *op == '@')
		return false;
	if (*op == '/' || *op == '%') {
		/* Division by zero is NULL there. */
		Range const divisor = range(static_cast<Node *>(lsecond(call.args)));
		if (divisor.low != divisor.high || divisor.low == 0)
			return false;
	}
	bool const swapped = !unary && *op == '-' && loses_overflow(call.args, 0);
	if (swapped && loses_overflow(call.args, 1))
		return false;
	print(*op == '@' ? "ABS(" : swapped ? "(- (" : "(");
	bool printed;
	if (swapped) {
		printed = list(list_make2(lsecond(call.args), linitial(call.args)), " - ");
		print(")");
	} else if (unary) {
		print(*op == '-' ? "- " : "");
		printed = expression(static_cast<Node *>(linitial(call.args)));
	} else {
		printed = list(call.args, *op == '/' ? " DIV " : psprintf(" %s ", op));
	}
	print(")");
	return printed &&
	       checked(*op == '+' && unary ? range(static_cast<Node *>(linitial(call.args))) : range_of(op, call.args),
	               call.type, start);
}

/*
 * Makes a result beyond PostgreSQL's type an error. What was printed since start is of that range: the gap between the
 * greatest numbers of BIGINT and of the type is added and subtracted, which overflows exactly for what PostgreSQL
 * refuses.
 */
bool
MysqlRenderer::checked(const Range &range, Oid type, int start)
{
	int64 const most = type == INT2OID ? PG_INT16_MAX : type == INT4OID ? PG_INT32_MAX : PG_INT64_MAX;
	if (type == INT8OID || (range.low >= -most - 1 && range.high <= most))
		return true;
	int64 const gap = PG_INT64_MAX - most;
	insert(start, "(");
	appendStringInfo(out, " + " INT64_FORMAT " - " INT64_FORMAT " - " INT64_FORMAT " + " INT64_FORMAT ")", gap, gap,
	                 gap, gap);
	return true;
}

/*
 * Makes sure that an argument is a DECIMAL: without a fraction all of them might be BIGINT there, or even BIGINT
 * UNSIGNED, and then the result would be one too.
 */
bool
MysqlRenderer::decimals(const Call &call, const char *before, const char *between, const char *after)
{
	if (!is_representable(call))
		return false;
	/* MariaDB does not count the digit that rounding up may add. */
	int const more = call.function == F_ROUND_NUMERIC_INT4 ? 1 : 0;
	bool is_decimal = false;
	Digits length;
	ListCell *cell;
	foreach (cell, call.args)
		is_decimal = is_decimal || (digits(static_cast<Node *>(lfirst(cell)), &length) && length.scale > 0);
	print(before);
	foreach (cell, call.args) {
		auto *const node = static_cast<Node *>(lfirst(cell));
		bool const casts = cell == list_head(call.args) && !is_decimal && digits(node, &length);
		print(cell == list_head(call.args) ? (casts ? "CAST(" : "") : between);
		if (!expression(node))
			return false;
		if (casts)
			appendStringInfo(out, " AS DECIMAL(%d,0))", length.whole + more);
	}
	print(after);
	return true;
}

bool
MysqlRenderer::number_function(const Call &call)
{
	auto *const left = static_cast<Node *>(linitial(call.args));
	switch (call.function) {
	case F_NUMERIC_ADD: return decimals(call, "(", " + ", ")");
	case F_NUMERIC_SUB: return decimals(call, "(", " - ", ")");
	case F_NUMERIC_MUL: return decimals(call, "(", " * ", ")");
	case F_NUMERIC_MOD:
	case F_MOD_NUMERIC_NUMERIC: return decimals(call, "((", " % ", ") + 0)"); /* MariaDB's -6.00 % 3 is a negative zero */
	case F_NUMERIC_UMINUS: return decimals(call, "(- ", "", ")");
	case F_NUMERIC_ABS:
	case F_ABS_NUMERIC: return decimals(call, "ABS(", "", ")");
	case F_ROUND_NUMERIC_INT4: return decimals(call, "ROUND(", ", ", ")");
	case F_INT2_NUMERIC:
	case F_INT4_NUMERIC:
	case F_INT8_NUMERIC: {
		/* Both round half away from zero. */
		Digits length;
		if (!digits(left, &length) || length.whole > 18)
			return false;
		int const start = out->len;
		__int128 most = 1;
		for (int i = 0; i < length.whole; ++i)
			most *= 10;
		return enclosed("CAST(", left, " AS SIGNED)") && checked({-most, most}, call.type, start);
	}
	case F_FLOAT8MUL:
	case F_FLOAT8DIV: {
		/* PostgreSQL raises an error where a result becomes zero by underflow: this one cannot become smaller. */
		auto *const factor = static_cast<Const *>(lsecond(call.args));
		if (!IsA(factor, Const) || factor->constisnull || factor->consttype != FLOAT8OID)
			return false;
		double const size = std::fabs(DatumGetFloat8(factor->constvalue));
		bool const multiplies = call.function == F_FLOAT8MUL;
		if (!(multiplies ? size >= 1 : size > 0 && size <= 1))
			return false;
		return print_template(multiplies ? "(%1 * %2)" : "(%1 / %2)", call.args);
	}
	default: return false;
	}
}

bool
MysqlRenderer::text_function(const Call &call)
{
	auto *const subject = static_cast<Node *>(linitial(call.args));
	int from = 0, count = 0;
	switch (call.function) {
	case F_OCTET_LENGTH_TEXT: return GetDatabaseEncoding() == PG_UTF8 && enclosed("LENGTH(", subject, ")");
	case F_TEXTCAT: {
		auto *const other = static_cast<Node *>(lsecond(call.args));
		int const one = most_characters(subject), two = most_characters(other);
		if (one < 0 || two < 0 || one + two > most_concatenated)
			return false;
		bool const outer = mixes_text_;
		mixes_text_ = true;
		bool const printed = print_template("CONCAT(%1, %2)", call.args);
		mixes_text_ = outer;
		return printed;
	}
	case F_LEFT:
	case F_RIGHT:
		/* A negative count means all but so many here. */
		return whole_constant(static_cast<Node *>(lsecond(call.args)), &count) && count >= 0 &&
		       print_template(call.function == F_LEFT ? "LEFT(%1, %2)" : "RIGHT(%1, %2)", call.args);
	case F_SUBSTRING_TEXT_INT4:
	case F_SUBSTR_TEXT_INT4:
		if (!whole_constant(static_cast<Node *>(lsecond(call.args)), &from))
			return false;
		return enclosed("SUBSTRING(", subject, psprintf(", %d)", std::max(from, 1)));
	case F_SUBSTRING_TEXT_INT4_INT4:
	case F_SUBSTR_TEXT_INT4_INT4: {
		/* Here the start may lie before the text; there such a start is counted from the text's end. */
		if (!whole_constant(static_cast<Node *>(lsecond(call.args)), &from) ||
		    !whole_constant(static_cast<Node *>(lthird(call.args)), &count) || count < 0)
			return false;
		int64 const first = std::max(from, 1), end = std::max(static_cast<int64>(from) + count, first);
		return enclosed("SUBSTRING(", subject, psprintf(", " INT64_FORMAT ", " INT64_FORMAT ")", first, end - first));
	}
	case F_STRPOS:
	case F_POSITION_TEXT_TEXT: {
		print("LOCATE(");
		if (!expression(static_cast<Node *>(lsecond(call.args))))
			return false;
		return enclosed(", ", subject, " COLLATE utf8mb4_bin)");
	}
	case F_STARTS_WITH: return starts_with(call);
	case F_REPLACE: return replacement(call);
	default: return false;
	}
}

bool
MysqlRenderer::starts_with(const Call &call)
{
	const char *const prefix = text_argument(call.args, 1);
	if (prefix == nullptr)
		return false;
	auto *const subject = static_cast<Node *>(linitial(call.args));
	print("(CAST(LEFT(");
	if (!enclosed("", subject, psprintf(", %d) AS BINARY) = CAST(", pg_mbstrlen(prefix))))
		return false;
	quoted(prefix, '\'');
	print(" AS BINARY))");
	return true;
}

bool
MysqlRenderer::replacement(const Call &call)
{
	auto *const subject = static_cast<Node *>(linitial(call.args));
	const char *const what = text_argument(call.args, 1), *const by = text_argument(call.args, 2);
	int const length = most_characters(subject);
	if (what == nullptr || by == nullptr || length < 0 ||
	    length * static_cast<int64>(std::max<size_t>(strlen(by), 1)) > most_concatenated)
		return false;
	return enclosed("REPLACE(", subject, " COLLATE utf8mb4_bin, ") &&
	       (quoted(what, '\''), print(", "), quoted(by, '\''), print(")"), true);
}

} // namespace tenancy::fdw
