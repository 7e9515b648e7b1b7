/*
 * See postgres_renderer.hpp: columns, values, functions and operators. PG regime.
 */
#include "fdw/postgres_renderer.hpp"

#include "bridge/param.hpp"
#include "fdw/postgres_functions.hpp"

extern "C" {
#include "catalog/pg_aggregate.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace tenancy::fdw {

namespace {

/* A value that has more digits than the local type is rounded on its way here, and so it has to be there. */
bool
rounds_when_read(Oid type)
{
	return type == NUMERICOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID || type == TIMEOID ||
	       type == TIMETZOID || type == INTERVALOID;
}

constexpr Abilities postgres_abilities = {.full_join = true,
                                          .for_update = true,
                                          .insert_returning = true,
                                          .update_returning = true,
                                          .delete_returning = true,
                                          .window = true,
                                          .most_parameters = 65535,
                                          .most_nested = 500,
                                          .most_beside = 10000,
                                          .most_tables = 1000};

bool
has_default_collation(const Column &column)
{
	return column.remote_collation != nullptr && strcmp(column.remote_collation, "default") == 0;
}

/*
 * The name of op, when it is in pg_catalog. Of one that takes any type with its schema: the client database may have
 * another in its search path that takes just this one (those of intarray), and would come first.
 */
const char *
operator_name(Oid op)
{
	if (op >= FirstUnpinnedObjectId)
		return nullptr;
	Oid left, right;
	op_input_types(op, &left, &right);
	const char *const name = get_opname(op);
	return IsPolymorphicType(left) || IsPolymorphicType(right) ? psprintf("OPERATOR(pg_catalog.%s)", name) : name;
}

} // namespace

const Abilities &
PostgresRenderer::abilities() const
{
	return postgres_abilities;
}

void
PostgresRenderer::identifier(const char *name)
{
	quoted(name, '"');
}

void
PostgresRenderer::type_name(Oid type, int32 typmod)
{
	print(format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

/* An enum, a citext, a domain: what this side sees of it is its text, so that is what counts there too. */
bool
PostgresRenderer::is_recast(const Column &column) const
{
	int32 typmod = column.typmod;
	Oid const type = getBaseTypeAndTypmod(column.type, &typmod);
	/* A type that is not built in is not known to the server. */
	if (type >= FirstUnpinnedObjectId)
		return false;
	if (column.native_type == nullptr || strcmp(column.native_type, format_type_with_typemod(type, typmod)) == 0)
		return false;
	return (typmod >= 0 && rounds_when_read(type)) || strcmp(column.native_type, format_type_be(type)) != 0;
}

bool
PostgresRenderer::column(const Column &column, Index varno)
{
	/*
	 * A value of a type that is this side's alone, an enum's, may be read; what it equals and how it sorts is not
	 * known.
	 */
	if (!bare_text_ && !is_portable_type(getBaseType(column.type)))
		return false;
	bool const recast = is_recast(column);
	if (recast)
		print("(");
	if (qualified)
		appendStringInfo(out, "r%u.", varno);
	identifier(column.name);
	if (recast) {
		print(")::");
		int32 typmod = column.typmod; /* a domain of this side is no type there */
		Oid const type = getBaseTypeAndTypmod(column.type, &typmod);
		type_name(type, rounds_when_read(type) ? typmod : -1);
	}
	/* A collation for which 'a' may equal 'A' would decide even here, and two different ones would not go together. */
	if (OidIsValid(column.collation) && !has_default_collation(column) && !bare_text_)
		print(" COLLATE \"C\"");
	return true;
}

/* A column is itself, whatever its collation. */
bool
PostgresRenderer::output(Node *node)
{
	bare_text_ = IsA(node, Var);
	bool const printed = expression(node);
	bare_text_ = false;
	return printed;
}

bool
PostgresRenderer::constant(Const *value)
{
	if (!is_portable_type(value->consttype))
		return false;
	if (value->constisnull) {
		print("NULL");
	} else if (value->consttype == BOOLOID) {
		truth(DatumGetBool(value->constvalue));
		return true;
	} else if (value->consttype == INT4OID) {
		int32 const number = DatumGetInt32(value->constvalue);
		appendStringInfo(out, number < 0 ? "('%d'::integer)" : "%d", number);
		return true;
	} else {
		char *const text = bridge::portable_text(value->consttype, value->constvalue);
		print(strchr(text, '\\') != nullptr ? "E'" : "'");
		for (const char *at = text; *at != 0; ++at) {
			if (*at == '\'' || *at == '\\')
				appendStringInfoChar(out, *at);
			appendStringInfoChar(out, *at);
		}
		print("'");
	}
	print("::");
	type_name(value->consttype, value->consttypmod);
	return true;
}

bool
PostgresRenderer::parameter(Expr *expr)
{
	Oid const type = exprType(reinterpret_cast<Node *>(expr));
	if (!is_portable_type(type))
		return false;
	/* One value has one number, so that equal expressions stay equal. */
	int number = param_number(expr);
	if (number == 0) {
		add_param(expr);
		number = list_length(params);
	}
	appendStringInfo(out, "$%d::", number);
	type_name(type, -1);
	return true;
}

void
PostgresRenderer::value_placeholder(const Column &, int number)
{
	appendStringInfo(out, "$%d", number);
}

/*
 * How the text arguments of a function must be: its result may depend on the collation, of which only byte order is the
 * same everywhere, unless the owner of the server says that the default collations are. And nearly every result depends
 * on the encodings, by which characters have other bytes, or bytes are no characters.
 */
PostgresRenderer::Text
PostgresRenderer::text_of(Oid function_id, Oid collation) const
{
	if (!same_encoding && !ignores_encoding(function_id) && (OidIsValid(collation) || makes_text(function_id)))
		return Text::refuse;
	if (!OidIsValid(collation))
		return Text::plain;
	if (!is_deterministic(collation))
		return Text::refuse;
	if (ignores_collation(function_id))
		return Text::plain;
	if (is_byte_order(collation) && (only_compares(function_id) || compat::ctype_is_c(collation)))
		return Text::byte_order;
	return trust_remote_collation && collation == DEFAULT_COLLATION_OID ? Text::trusted : Text::refuse;
}

bool
PostgresRenderer::operand(Node *node, Text text)
{
	if (text == Text::trusted && !is_default_text(node))
		return false;
	bool const byte_order = text == Text::byte_order && type_is_collatable(exprType(node));
	if (byte_order)
		print("(");
	bool const printed = expression(node);
	if (byte_order)
		print(" COLLATE \"C\")");
	return printed;
}

bool
PostgresRenderer::operands(List *nodes, Text text)
{
	ListCell *cell;
	foreach (cell, nodes) {
		if (cell != list_head(nodes))
			print(", ");
		if (!operand(static_cast<Node *>(lfirst(cell)), text))
			return false;
	}
	return true;
}

bool
PostgresRenderer::operation(const Call &call, Text text)
{
	const char *const name = operator_name(call.op);
	if (name == nullptr)
		return false;
	print("(");
	ListCell *cell;
	foreach (cell, call.args) {
		if (list_length(call.args) == 1 || cell != list_head(call.args))
			appendStringInfo(out, cell == list_head(call.args) ? "%s " : " %s ", name);
		if (!operand(static_cast<Node *>(lfirst(cell)), text))
			return false;
	}
	print(")");
	return true;
}

constexpr int every_var = PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS;

/* No column in it brings a collation of its own. */
bool
PostgresRenderer::is_default_text(Node *node) const
{
	ListCell *cell;
	List *const vars = pull_var_clause(node, every_var);
	foreach (cell, vars) {
		Column const *const found = column_of(lfirst_node(Var, cell));
		if (found != nullptr && OidIsValid(found->collation) && !has_default_collation(*found))
			return false;
	}
	return true;
}

/*
 * One side is a column, whose collation is not known to be the default one, and the other has none: two could not be
 * compared without COLLATE, and what is computed from a column under its own collation may be anything.
 */
bool
PostgresRenderer::needs_collation(List *args) const
{
	List *const vars = pull_var_clause(reinterpret_cast<Node *>(args), every_var);
	Column const *const found = list_length(vars) == 1 ? column_of(linitial_node(Var, vars)) : nullptr;
	if (found == nullptr || has_default_collation(*found) || is_recast(*found))
		return false;
	ListCell *cell;
	foreach (cell, args) {
		auto *side = static_cast<Node *>(lfirst(cell));
		while (IsA(side, RelabelType))
			side = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(side)->arg);
		if (IsA(side, Var))
			return true;
	}
	return false;
}

/*
 * The first half finds rows by an index of any collation, the second keeps those that are equal byte for byte. Above
 * GROUP BY no index serves, and the bare column would not be the key.
 */
bool
PostgresRenderer::text_equality(const Call &call)
{
	Mark const start = mark();
	if (!operation(call, Text::plain))
		return false;
	if (call.function != F_TEXTEQ || aggregates || !needs_collation(call.args))
		return true;
	rewind(start);
	print("(");
	bare_text_ = true;
	bool printed = operation(call, Text::plain);
	bare_text_ = false;
	print(" AND ");
	printed = printed && operation(call, Text::plain);
	print(")");
	return printed;
}

bool
PostgresRenderer::function(const Call &call)
{
	if (!is_portable_function(call.function) || !is_portable_type(call.type) || orders_json(call.function, call.args))
		return false;
	Text const text = text_of(call.function, call.collation);
	if (text == Text::refuse)
		return false;
	if (OidIsValid(call.op))
		return text == Text::plain && OidIsValid(call.collation) ? text_equality(call) : operation(call, text);
	appendStringInfo(out, "pg_catalog.%s(", quote_identifier(get_func_name(call.function)));
	bool const printed = operands(call.args, text);
	print(")");
	return printed;
}

bool
PostgresRenderer::distinct_from(const Call &equality)
{
	if (!is_portable_function(equality.function) || text_of(equality.function, equality.collation) != Text::plain)
		return false;
	print("(");
	if (!expression(static_cast<Node *>(linitial(equality.args))))
		return false;
	print(" IS DISTINCT FROM ");
	bool const printed = expression(static_cast<Node *>(lsecond(equality.args)));
	print(")");
	return printed;
}

/* "(item op ANY (", for an array to follow. */
bool
PostgresRenderer::array_comparison(const Call &call, Expr *item, bool any)
{
	const char *const name = operator_name(call.op);
	Text const text = text_of(call.function, call.collation);
	if (name == nullptr || text == Text::refuse || !is_portable_function(call.function))
		return false;
	print("(");
	if (!operand(reinterpret_cast<Node *>(item), text))
		return false;
	appendStringInfo(out, " %s %s (", name, any ? "ANY" : "ALL");
	return true;
}

bool
PostgresRenderer::array_list(const Call &call, bool any, Expr *item, List *elements)
{
	Oid const type = exprType(static_cast<Node *>(lsecond(call.args)));
	if (!is_portable_type(type) || !array_comparison(call, item, any))
		return false;
	print("ARRAY[");
	if (!list(elements, ", "))
		return false;
	print("]::");
	type_name(type, -1);
	print("))");
	return true;
}

bool
PostgresRenderer::array_parameter(const Call &call, bool any, Expr *item, Expr *array)
{
	if (!array_comparison(call, item, any))
		return false;
	bool const printed = parameter(array);
	print("))");
	return printed;
}

bool
PostgresRenderer::min_max(MinMaxExpr *node)
{
	Text const text = text_of(InvalidOid, node->inputcollid);
	if (text == Text::refuse || !has_portable_order(node->minmaxtype))
		return false;
	print(node->op == IS_GREATEST ? "GREATEST(" : "LEAST(");
	bool const printed = operands(node->args, text);
	print(")");
	return printed;
}

bool
PostgresRenderer::relabel(Expr *arg, Oid type, int32 typmod)
{
	if (!is_portable_type(type))
		return false;
	print("(");
	bool const printed = expression(reinterpret_cast<Node *>(arg));
	print(")::");
	type_name(type, typmod);
	return printed;
}

bool
PostgresRenderer::cast_by_text(Expr *arg, Oid type)
{
	return is_portable_type(type) && has_stable_text(exprType(reinterpret_cast<Node *>(arg)), type) &&
	       relabel(arg, type, -1);
}

Renderer *
make_postgres_renderer()
{
	return new (palloc0(sizeof(PostgresRenderer))) PostgresRenderer();
}

} // namespace tenancy::fdw
