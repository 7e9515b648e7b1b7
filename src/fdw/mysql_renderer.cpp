/*
 * See mysql_renderer.hpp: columns, output, keys, and what stands around expressions. PG regime.
 */
#include "fdw/mysql_renderer.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

constexpr Abilities mysql_abilities = {.full_join = false,
                                       .for_update = true,
                                       .insert_returning = false, /* MariaDB has it, MySQL has not */
                                       .update_returning = false,
                                       .delete_returning = false,
                                       .window = true,
                                       .most_parameters = 65535,
                                       .most_nested = 100,
                                       .most_beside = 10000,
                                       .most_tables = 61};

/*
 * max_sort_length, by default, less the two bytes that MariaDB keeps for the length of a binary string: what is longer
 * is sorted, and perhaps grouped, by its beginning only.
 */
constexpr int most_sorted_bytes = 1022;
constexpr int most_sorted_characters = most_sorted_bytes / 4;

} // namespace

const Abilities &
MysqlRenderer::abilities() const
{
	return mysql_abilities;
}

void
MysqlRenderer::identifier(const char *name)
{
	quoted(name, '`');
}

/* The column that node is, but for what PostgreSQL takes for the same text; NULL also when conditions on it differ. */
const Column *
MysqlRenderer::plain_column(Node *node, Index *varno) const
{
	while (IsA(node, RelabelType))
		node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
	if (!IsA(node, Var))
		return nullptr;
	auto *const var = reinterpret_cast<Var *>(node);
	const Column *const column = column_of(var);
	if (column == nullptr || !fits(*column, parse_native(column->native_type)))
		return nullptr;
	*varno = static_cast<Index>(var->varno);
	return column;
}

const Column *
MysqlRenderer::plain_column(Node *node) const
{
	Index varno;
	return plain_column(node, &varno);
}

void
MysqlRenderer::bare(const Column &column, Index varno)
{
	if (qualified)
		appendStringInfo(out, "r%u.", varno);
	identifier(column.name);
}

bool
MysqlRenderer::column(const Column &column, Index varno)
{
	NativeType const native = parse_native(column.native_type);
	if (!fits(column, native))
		return false;
	const char *before = "", *after = "";
	if (column.type == BOOLOID) {
		before = "(";
		after = " <> 0)";
	} else {
		switch (native.kind) {
		case Native::integer:
			/* A difference of unsigned numbers could not be negative. */
			if (native.is_unsigned) {
				before = "CAST(";
				after = native.length == 8 ? " AS DECIMAL(20,0))" : " AS SIGNED)";
			}
			break;
		case Native::year: /* compared as such, 70 would be 1970 */
			before = "CAST(";
			after = " AS SIGNED)";
			break;
		case Native::single:
		case Native::real:
			/*
			 * Keep the column from its index: to look a value up there, the server rounds it, and never compares again.
			 */
			if (native.rounds) {
				before = "(";
				after = " * 1e0)";
			}
			break;
		case Native::date:
		case Native::datetime:
		case Native::timestamp:
			print("CASE WHEN ");
			bare(column, varno);
			before = " <> '0000-00-00' THEN ";
			after = " END";
			break;
		case Native::character:
		case Native::varying:
		case Native::member:
			if (!is_utf8mb4(column) || native.kind == Native::member) {
				before = "CONVERT(";
				after = " USING utf8mb4)";
			}
			/* Texts of different collations refuse to become one. */
			if (mixes_text_ || inside_conditional())
				after = *after == 0 ? " COLLATE utf8mb4_bin" : " USING utf8mb4) COLLATE utf8mb4_bin";
			break;
		default: break;
		}
	}
	print(before);
	bare(column, varno);
	print(after);
	return true;
}

/* A column is itself, and an expression must also look as it would here: a numeric shows its scale. */
bool
MysqlRenderer::output(Node *node)
{
	Oid const type = exprType(node);
	if (IsA(node, Var)) {
		auto *const var = reinterpret_cast<Var *>(node);
		const Column *const column = column_of(var);
		if (column == nullptr)
			return false;
		if (type == BOOLOID && plain_column(node) != nullptr)
			return expression(node);
		bare(*column, static_cast<Index>(var->varno));
		return true;
	}
	if (!is_remote(node) && !IsA(node, Const))
		return false;
	switch (type) {
	case NUMERICOID: return has_display(node) && expression(node);
	case DATEOID:
	case TIMESTAMPOID: return greatest_moment(node) || expression(node);
	case TIMESTAMPTZOID:
		/* A TIMESTAMP that is mixed with a literal would be a DATETIME, which nobody takes for an instant. */
		return IsA(node, Aggref) && (greatest_moment(node) || expression(node));
	case BOOLOID:
	case INT2OID:
	case INT4OID:
	case INT8OID:
	case FLOAT4OID:
	case FLOAT8OID:
	case TEXTOID:
	case VARCHAROID:
	case BYTEAOID: return expression(node);
	default: return false;
	}
}

/* MySQL takes a number among a window's keys for a column's position, and refuses it. */
bool
MysqlRenderer::is_position(Node *node) const
{
	return partitions_ && IsA(node, Const);
}

bool
MysqlRenderer::group_key(Node *node)
{
	if (is_position(node))
		return false;
	const Column *const column = plain_column(node);
	switch (exprType(node)) {
	/* MariaDB 10.11 sorts and groups NULLs of ABS(decimal) among the zeros. */
	case NUMERICOID: return column != nullptr && has_display(node) && expression(node);
	case FLOAT4OID:
	case FLOAT8OID:
		return partitions_ && enclosed("(", node, " + 0e0)"); /* -0 is 0 then, which a group would come as */
	case BOOLOID:
	case INT2OID:
	case INT4OID:
	case INT8OID:
	case DATEOID:
	case TIMESTAMPOID: return expression(node);
	case TIMESTAMPTZOID: return column != nullptr && expression(node);
	case UUIDOID: return column != nullptr && expression(node);
	case BYTEAOID: {
		if (column == nullptr)
			return false;
		int const length = parse_native(column->native_type).length;
		return length >= 0 && length <= most_sorted_bytes && expression(node);
	}
	case BPCHAROID:
		if (column == nullptr)
			return false;
		[[fallthrough]];
	case TEXTOID:
	case VARCHAROID: {
		int const characters = most_characters(node);
		return is_deterministic(exprCollation(node)) && characters >= 0 && characters <= most_sorted_characters &&
		       (partitions_ ? bytes(node) : expression(node));
	}
	default: return false;
	}
}

/* Every collation of text that both servers have folds something, if only trailing spaces. */
bool
MysqlRenderer::group_clause(Node *node, int position)
{
	return family_of(exprType(node)) == Family::text ? bytes(node) : Renderer::group_clause(node, position);
}

/* NULL is the smallest value there, and a zero date is a NULL here. */
bool
MysqlRenderer::sort_key(const SortKey &key)
{
	auto *const node = reinterpret_cast<Node *>(key.expr);
	if (is_position(node))
		return false;
	const Column *const column = plain_column(node);
	bool as_bytes = false, may_be_null = !is_never_null(*this, column);
	switch (key.type) {
	case BOOLOID:
	case INT2OID:
	case INT4OID:
	case INT8OID:
	case FLOAT4OID:
	case FLOAT8OID: break;
	case NUMERICOID:
		if (column == nullptr && !IsA(node, Aggref))
			return false;
		break;
	case DATEOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID: may_be_null = true; break;
	case BYTEAOID: {
		int const length = column != nullptr ? parse_native(column->native_type).length : -1;
		if (length < 0 || length > most_sorted_bytes)
			return false;
		break;
	}
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID: {
		int const characters = most_characters(node);
		if (!is_byte_order(key.collation) || GetDatabaseEncoding() != PG_UTF8 || characters < 0 ||
		    characters > most_sorted_characters)
			return false;
		as_bytes = true;
		break;
	}
	default: return false;
	}
	if (may_be_null && key.nulls_first == key.descending) {
		if (!operand(node, nullptr))
			return false;
		print(key.descending ? " IS NULL DESC, " : " IS NULL, ");
	}
	bool const printed = as_bytes ? bytes(node) : operand(node, nullptr);
	print(key.descending ? " DESC" : "");
	return printed;
}

bool
MysqlRenderer::limit(Node *count, Node *offset)
{
	auto *const most = reinterpret_cast<Const *>(count);
	bool const unlimited = most == nullptr || (IsA(most, Const) && most->constisnull);
	if (!unlimited || offset == nullptr)
		return Renderer::limit(count, offset);
	/* OFFSET needs a LIMIT before it. */
	print(" LIMIT 18446744073709551615");
	auto *const skipped = reinterpret_cast<Const *>(offset);
	if (!IsA(skipped, Const))
		return false;
	if (skipped->constisnull)
		return true;
	appendStringInfo(out, " OFFSET " INT64_FORMAT, DatumGetInt64(skipped->constvalue));
	return DatumGetInt64(skipped->constvalue) >= 0;
}

/* A bit string comes as its digits; every other value the server makes of what the driver sends. */
void
MysqlRenderer::value_placeholder(const Column &column, int)
{
	Oid const type = getBaseType(column.type);
	print(type == BITOID || type == VARBITOID ? "CAST(CONV(?, 2, 10) AS UNSIGNED)" : "?");
}

bool
MysqlRenderer::enclosed(const char *before, Node *node, const char *after)
{
	print(before);
	bool const printed = expression(node);
	print(after);
	return printed;
}

void
MysqlRenderer::insert(int at, const char *text)
{
	int const length = static_cast<int>(strlen(text)), tail = out->len - at;
	enlargeStringInfo(out, length);
	memmove(out->data + at + length, out->data + at, static_cast<size_t>(tail) + 1);
	memcpy(out->data + at, text, static_cast<size_t>(length));
	out->len += length;
}

bool
MysqlRenderer::relabel(Expr *arg, Oid type, int32)
{
	auto *const node = reinterpret_cast<Node *>(arg);
	auto const is_text = [](Oid oid) { return oid == TEXTOID || oid == VARCHAROID; };
	return is_text(exprType(node)) && is_text(type) && expression(node);
}

bool
MysqlRenderer::cast_by_text(Expr *arg, Oid type)
{
	auto *const node = reinterpret_cast<Node *>(arg);
	if (type != TEXTOID && type != VARCHAROID)
		return false;
	switch (exprType(node)) {
	case INT2OID:
	case INT4OID:
	case INT8OID: break;
	case NUMERICOID:
		if (!has_display(node))
			return false;
		return enclosed("CAST((", node, " + 0) AS CHAR)"); /* without the zeros of ZEROFILL */
	default: return false;
	}
	return enclosed("CAST(", node, " AS CHAR)");
}

/* GREATEST and LEAST ignore NULLs in PostgreSQL, but not in MySQL. */
bool
MysqlRenderer::min_max(MinMaxExpr *node)
{
	Family const family = family_of(node->minmaxtype);
	if (list_length(node->args) != 2 || (family != Family::integer && family != Family::number &&
	                                     node->minmaxtype != FLOAT8OID && family != Family::moment))
		return false;
	print("COALESCE(");
	print(node->op == IS_GREATEST ? "GREATEST(" : "LEAST(");
	if (!list(node->args, ", "))
		return false;
	print("), ");
	bool const printed = list(node->args, ", ");
	print(")");
	return printed;
}

Renderer *
make_mysql_renderer()
{
	return new (palloc0(sizeof(MysqlRenderer))) MysqlRenderer();
}

} // namespace tenancy::fdw
