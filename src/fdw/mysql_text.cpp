/*
 * See mysql_renderer.hpp: comparisons and patterns of text. PG regime.
 *
 * The collation of a column folds what PostgreSQL tells apart: case, accents, trailing spaces. What is equal byte for
 * byte is equal under every collation, though; so the column is compared twice, under its own collation, which has the
 * index, and byte for byte, which decides.
 */
#include "fdw/mysql_renderer.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

bool
is_ascii(const char *bytes)
{
	for (; *bytes != 0; ++bytes)
		if (static_cast<unsigned char>(*bytes) >= 0x80)
			return false;
	return true;
}

/* The text that node is, or NULL. */
char *
text_of(Node *node)
{
	auto *const value = reinterpret_cast<Const *>(node);
	if (!IsA(node, Const) || value->constisnull || (value->consttype != TEXTOID && value->consttype != VARCHAROID))
		return nullptr;
	return TextDatumGetCString(value->constvalue);
}

} // namespace

/* node byte for byte, in UTF-8. */
bool
MysqlRenderer::bytes(Node *node)
{
	return enclosed("CAST(", node, " AS BINARY)");
}

/*
 * Can left = right be asked for without an error about collations? A column of another character set is compared with
 * what it can hold, and ASCII is in all of them. The labels of an enum take part as numbers.
 */
bool
MysqlRenderer::can_use_index(Node *left, Node *right) const
{
	const Column *const column = plain_column(left), *const other = plain_column(right);
	if (column == nullptr)
		return other != nullptr && can_use_index(right, left);
	if (parse_native(column->native_type).kind == Native::member)
		return false;
	if (other != nullptr)
		return column->remote_collation != nullptr && other->remote_collation != nullptr &&
		       strcmp(column->remote_collation, other->remote_collation) == 0 &&
		       parse_native(other->native_type).kind != Native::member;
	if (is_remote(right))
		return false;
	auto *const value = reinterpret_cast<Const *>(right);
	return is_utf8mb4(*column) ||
	       (IsA(value, Const) && (value->constisnull || is_ascii(TextDatumGetCString(value->constvalue))));
}

bool
MysqlRenderer::text_comparison(const char *op, const Call &call)
{
	auto *const left = static_cast<Node *>(linitial(call.args)), *const right = static_cast<Node *>(lsecond(call.args));
	bool const equal = strcmp(op, "=") == 0;
	if (equal || strcmp(op, "<>") == 0) {
		if (!is_deterministic(call.collation))
			return false;
	} else if (!is_byte_order(call.collation) || GetDatabaseEncoding() != PG_UTF8) {
		return false;
	}
	print("(");
	if (equal && can_use_index(left, right)) {
		const Column *const column = plain_column(left) != nullptr ? plain_column(left) : plain_column(right);
		if (!text_operand(left))
			return false;
		print(" = ");
		bool const printed = text_operand(right);
		if (is_exact_collation(*column)) {
			print(")");
			return printed;
		}
		print(" AND ");
	}
	if (!bytes(left))
		return false;
	appendStringInfo(out, " %s ", op);
	bool const printed = bytes(right);
	print(")");
	return printed;
}

/* Prints text for a comparison under the column's own collation: a column as it is. */
bool
MysqlRenderer::text_operand(Node *node)
{
	Index varno;
	const Column *const column = plain_column(node, &varno);
	if (column == nullptr)
		return expression(node);
	bare(*column, varno);
	return true;
}

bool
MysqlRenderer::text_list(bool any, Node *item, List *elements)
{
	ListCell *cell;
	bool indexed = any;
	foreach (cell, elements)
		indexed = indexed && can_use_index(item, static_cast<Node *>(lfirst(cell)));
	print("(");
	for (int pass = indexed ? 0 : 1; pass < 2; ++pass) {
		if (!(pass == 0 ? text_operand(item) : bytes(item)))
			return false;
		print(list_word(any));
		foreach (cell, elements) {
			auto *const element = static_cast<Node *>(lfirst(cell));
			print(cell == list_head(elements) ? "" : ", ");
			if (!(pass == 0 ? text_operand(element) : bytes(element)))
				return false;
		}
		print(pass == 0 ? ") AND " : ")");
	}
	print(")");
	return true;
}

/*
 * LIKE is asked under a binary collation, where "_" is a character and case counts. The column's own collation lets the
 * same through and more: where the pattern begins with characters, LIKE under it is asked first, for the index.
 */
bool
MysqlRenderer::like(const Call &call, bool negated)
{
	auto *const subject = static_cast<Node *>(linitial(call.args));
	const char *const pattern = text_of(static_cast<Node *>(lsecond(call.args)));
	if (pattern == nullptr || ends_in_escape(pattern) || exprType(subject) == BPCHAROID)
		return false;
	const Column *const column = plain_column(subject);
	bool const binary =
		column != nullptr && is_binary_collation(*column) && parse_native(column->native_type).kind != Native::member;
	bool const prefixed = *pattern != 0 && *pattern != '%' && *pattern != '_';
	if (!negated && !binary && prefixed && column != nullptr &&
	    can_use_index(subject, static_cast<Node *>(lsecond(call.args)))) {
		print("(");
		if (!text_operand(subject))
			return false;
		print(" LIKE ");
		quoted(pattern, '\'');
		print(" ESCAPE '\\' AND ");
		bool const printed = like_binary(subject, false, pattern, false);
		print(")");
		return printed;
	}
	return like_binary(subject, negated, pattern, binary);
}

bool
MysqlRenderer::like_binary(Node *subject, bool negated, const char *pattern, bool is_binary)
{
	print("(");
	if (!(is_binary ? text_operand(subject) : enclosed("", subject, " COLLATE utf8mb4_bin")))
		return false;
	print(negated ? " NOT LIKE " : " LIKE ");
	quoted(pattern, '\'');
	print(" ESCAPE '\\')");
	return true;
}

/* A pattern that may turn out to end within an escape lets all rows through, so that the error comes from here. */
bool
MysqlRenderer::like_parameter(Node *subject, Expr *pattern)
{
	auto const print_pattern = [&](const char *after) {
		add_param(pattern);
		print("?");
		print(after);
	};
	if (is_remote(reinterpret_cast<Node *>(pattern)) || IsA(pattern, Const) || exprType(subject) == BPCHAROID)
		return false;
	print("(");
	if (can_use_index(subject, reinterpret_cast<Node *>(pattern))) {
		if (!text_operand(subject))
			return false;
		print(" LIKE ");
		print_pattern(" ESCAPE '\\' AND ");
	}
	if (!enclosed("", subject, " COLLATE utf8mb4_bin LIKE "))
		return false;
	print_pattern(" ESCAPE '\\' OR RIGHT(");
	print_pattern(", 1) = '\\')");
	return true;
}

/*
 * Upper and lower case of ASCII are the same in all locales, but for those in which some are not ASCII: so of text
 * that is all ASCII the server may leave out what it can tell, and all other text must come here.
 */
bool
MysqlRenderer::folded(const char *function, Node *subject, const char *op, const char *pattern)
{
	if (pattern == nullptr || !is_ascii(pattern) || exprType(subject) == BPCHAROID || !is_remote(subject))
		return false;
	appendStringInfo(out, "(CAST(%s(", function);
	if (!enclosed("", subject, " COLLATE utf8mb4_bin"))
		return false;
	appendStringInfo(out, ") AS BINARY) %s ", op);
	bool const is_pattern = strcmp(op, "LIKE") == 0;
	if (is_pattern)
		print("LOWER(");
	quoted(pattern, '\'');
	print(is_pattern ? ") ESCAPE '\\'" : "");
	print(" OR ");
	if (!enclosed("LENGTH(", subject, ") <> "))
		return false;
	return enclosed("CHAR_LENGTH(", subject, "))");
}

bool
MysqlRenderer::superset(Node *node)
{
	auto *const op = reinterpret_cast<OpExpr *>(node);
	if (!IsA(node, OpExpr) || list_length(op->args) != 2 || !is_deterministic(op->inputcollid))
		return false;
	auto *const left = static_cast<Node *>(linitial(op->args)), *const right = static_cast<Node *>(lsecond(op->args));
	Oid const function = get_opcode(op->opno);
	if (function == F_TEXTLIKE)
		return like_parameter(left, reinterpret_cast<Expr *>(right));
	if (function == F_TEXTICLIKE) {
		const char *const pattern = text_of(right);
		return pattern != nullptr && !ends_in_escape(pattern) && folded("LOWER", left, "LIKE", pattern);
	}
	auto *const call = reinterpret_cast<FuncExpr *>(left);
	if (function != F_TEXTEQ || !IsA(left, FuncExpr) || (call->funcid != F_LOWER_TEXT && call->funcid != F_UPPER_TEXT))
		return false;
	return folded(call->funcid == F_LOWER_TEXT ? "LOWER" : "UPPER", static_cast<Node *>(linitial(call->args)), "=",
	              text_of(right));
}

} // namespace tenancy::fdw
