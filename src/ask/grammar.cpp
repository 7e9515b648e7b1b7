/*
 * See grammar.hpp. PG regime. The grammar raises errors but holds nothing: an error of it can be dropped without a
 * subtransaction.
 */
#include "ask/grammar.hpp"

#include "ask/check.pure.hpp"
#include "bridge/enter.hpp"
#include "bridge/guard.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "parser/parser.h"
}

namespace tenancy::ask {

namespace {

struct Objection {
	const catalog::Schema *schema;
	const char *text;
};

/* The function of a call, without its schema. */
const char *
called_name(const FuncCall *call)
{
	return strVal(llast(call->funcname));
}

void
object_to_call(const char *function, Objection *objection)
{
	if (has_effects(remote::DatabaseType::postgresql, function))
		objection->text = psprintf("it calls the function %s", function);
}

/* x.f is f(x) of the row of a table x, unless it has a column of that name, as the catalog tells. */
void
object_to_column(const ColumnRef *node, Objection *objection)
{
	if (list_length(node->fields) > 1 && IsA(llast(node->fields), String) &&
	    !has_name(*objection->schema, strVal(llast(node->fields))))
		object_to_call(strVal(llast(node->fields)), objection);
}

/* (x).f is f(x), unless x has a field of that name. */
void
object_to_attributes(const A_Indirection *node, Objection *objection)
{
	ListCell *cell;
	foreach (cell, node->indirection)
		if (IsA(lfirst(cell), String))
			object_to_call(strVal(lfirst(cell)), objection);
}

bool
object_to_node(Node *node, void *context)
{
	auto *const objection = static_cast<Objection *>(context);
	if (node == nullptr)
		return false;
	switch (nodeTag(node)) {
	case T_SelectStmt: {
		auto const *const select = reinterpret_cast<const SelectStmt *>(node);
		if (select->intoClause != nullptr)
			objection->text = "it makes a table";
		else if (select->lockingClause != NIL)
			objection->text = "it locks rows";
		break;
	}
	case T_InsertStmt:
	case T_UpdateStmt:
	case T_DeleteStmt:
	case T_MergeStmt: objection->text = "it changes rows"; break;
	case T_ParamRef: objection->text = "it holds a parameter"; break;
	case T_FuncCall: object_to_call(called_name(reinterpret_cast<const FuncCall *>(node)), objection); break;
	case T_ColumnRef: object_to_column(reinterpret_cast<const ColumnRef *>(node), objection); break;
	case T_A_Indirection: object_to_attributes(reinterpret_cast<const A_Indirection *>(node), objection); break;
	default: break;
	}
	return objection->text != nullptr || compat::walk_raw(node, object_to_node, context);
}

/* Guarded: its errors come out as failures. */
int
read_statement(const char *sql, Objection *objection)
{
	List *const statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	if (list_length(statements) != 1)
		objection->text = "it is not one statement";
	else if (Node *const statement = linitial_node(RawStmt, statements)->stmt; !IsA(statement, SelectStmt))
		objection->text = "it is not SELECT";
	else
		(void) object_to_node(statement, objection);
	return 0;
}

/* Is it about the text, rather than about this session? */
bool
is_about_text(const ErrorData *error)
{
	int const category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	return category == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR) ||
	       category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) || category == ERRCODE_FEATURE_NOT_SUPPORTED ||
	       category == ERRCODE_PROGRAM_LIMIT_EXCEEDED || category == ERRCODE_INTERNAL_ERROR;
}

} // namespace

const char *
grammar_objection(const char *sql, const catalog::Schema &schema)
{
	Objection objection{&schema, nullptr};
	bridge::Failure failure;
	if (bridge::attempt(failure, [&] { (void) bridge::guard(read_statement, sql, &objection); }))
		return objection.text;
	if (failure.pg == nullptr || !is_about_text(failure.pg))
		bridge::raise(failure);
	return psprintf("PostgreSQL's grammar says: %s", failure.pg->message);
}

} // namespace tenancy::ask
