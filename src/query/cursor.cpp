/*
 * tenancy.open_query: a portal whose plan is one custom scan over the rows of a client database, with the
 * statement's own column names and types, so rows stream from the remote server as they are fetched. PG regime.
 */
#include "query/query.hpp"

#include "query/stream.pure.hpp"

#include "bridge/cell.hpp"
#include "bridge/error.hpp"
#include "bridge/function.hpp"
#include "bridge/readable.hpp"
#include "bridge/wait.hpp"
#include "query/execution.hpp"
#include "query/params.hpp"

extern "C" {
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "parser/scansup.h"
#include "tcop/cmdtag.h"
#include "tcop/pquery.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
}

namespace tenancy::query {

namespace {

/*
 * The state of one cursor. It lives, as the stream of its execution does, in a child of the portal's memory context: an
 * abort deletes the children at once, which ends the remote statement, but keeps the portal itself until ROLLBACK.
 */
struct Cursor {
	Execution execution;
	bridge::Converter *converters;
	std::size_t next; /* row of the batch */
};

struct CursorScanState {
	CustomScanState css; /* must be first: the executor sees only this */
	Cursor *cursor;
};

/*
 * History gets the run when its last row is read, or when the cursor is closed before; a statement that writes runs to
 * its end.
 */
void
report_end(Cursor &cursor)
{
	if (!cursor.execution.open)
		return;
	bridge::Failure failure;
	if (cursor.execution.writes &&
	    !bridge::attempt(failure, [&] { cursor.execution.stream->read_on(bridge::waiter()); }))
		fail(cursor.execution, failure);
	history::Finish done = success_of(*cursor.execution.stream);
	done.truncated = !cursor.execution.stream->at_end();
	cursor.execution.stream->close();
	(void) finish(cursor.execution, done);
}

bool
next_batch(Cursor &cursor)
{
	Stream *const stream = cursor.execution.stream;
	bool more = false;
	bridge::Failure failure;
	if (!bridge::attempt(failure, [&] { more = stream->fetch(bridge::waiter()); }))
		fail(cursor.execution, failure);
	cursor.next = 0;
	if (!more)
		report_end(cursor);
	return more;
}

TupleTableSlot *
access(ScanState *node)
{
	Cursor &cursor = *reinterpret_cast<CursorScanState *>(node)->cursor;
	TupleTableSlot *const slot = node->ss_ScanTupleSlot;
	ExecClearTuple(slot);
	if (!cursor.execution.open)
		return slot;
	if (cursor.next >= cursor.execution.stream->batch().rows() && !next_batch(cursor))
		return slot;
	remote::Cell const *const row = cursor.execution.stream->batch().row(cursor.next++);
	MemoryContext const outer = MemoryContextSwitchTo(node->ps.ps_ExprContext->ecxt_per_tuple_memory);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; ++i)
		slot->tts_values[i] = bridge::cell_datum(cursor.converters[i], row[i], &slot->tts_isnull[i]);
	MemoryContextSwitchTo(outer);
	return ExecStoreVirtualTuple(slot);
}

bool
recheck(ScanState *, TupleTableSlot *)
{
	return true;
}

TupleTableSlot *
exec_scan(CustomScanState *node)
{
	TupleTableSlot *slot = nullptr;
	Cursor &cursor = *reinterpret_cast<CursorScanState *>(node)->cursor;
	bridge::on_error([&] { slot = ExecScan(&node->ss, access, recheck); },
	                 [&](const ErrorData *error) { abandon(cursor.execution, history::outcome_of(error)); });
	return slot;
}

void
begin_scan(CustomScanState *node, EState *, int)
{
	auto *const state = reinterpret_cast<CursorScanState *>(node);
	auto *const plan = reinterpret_cast<CustomScan *>(node->ss.ps.plan);
	auto *const handle = static_cast<Const *>(linitial(plan->custom_private));
	state->cursor = reinterpret_cast<Cursor *>(DatumGetPointer(handle->constvalue));
	TupleDesc const descriptor = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	state->cursor->converters = bridge::make_converters(descriptor);
	/* Values come in the shape that the remote server says they have; its modifiers describe, they do not reshape. */
	for (int i = 0; i < descriptor->natts; ++i)
		state->cursor->converters[i].typmod = -1;
}

void
end_scan(CustomScanState *node)
{
	report_end(*reinterpret_cast<CursorScanState *>(node)->cursor);
}

void
rescan(CustomScanState *)
{
	ereport(ERROR,
	        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a cursor of tenancy.open_query cannot be rewound")));
}

Node *create_state(CustomScan *plan);

constexpr CustomExecMethods
make_exec_methods()
{
	CustomExecMethods methods{};
	methods.CustomName = "TenancyQuery";
	methods.BeginCustomScan = begin_scan;
	methods.ExecCustomScan = exec_scan;
	methods.EndCustomScan = end_scan;
	methods.ReScanCustomScan = rescan;
	return methods;
}
constexpr CustomExecMethods exec_methods = make_exec_methods();
constexpr CustomScanMethods scan_methods = {"TenancyQuery", create_state};

Node *
create_state(CustomScan *)
{
	auto *const state = static_cast<CursorScanState *>(palloc0(sizeof(CursorScanState)));
	NodeSetTag(&state->css, T_CustomScanState);
	state->css.methods = &exec_methods;
	return reinterpret_cast<Node *>(state);
}

/* A type that the platform's server knows, or text. */
Oid
local_type(const remote::Column &column)
{
	return column.type_oid < FirstUnpinnedObjectId && get_typtype(column.type_oid) == TYPTYPE_BASE ? column.type_oid
	                                                                                               : TEXTOID;
}

/* The plan: a custom scan without a relation, whose tuple has the columns of the stream. */
PlannedStmt *
make_plan(Cursor *cursor)
{
	auto *const scan = makeNode(CustomScan);
	AttrNumber number = 0;
	for (remote::Column const &column : cursor->execution.stream->columns()) {
		Oid const type = local_type(column);
		int32 const typmod = type == column.type_oid ? column.typmod : -1;
		Oid const collation = get_typcollation(type);
		char *const name = bridge::readable(column.name);
		truncate_identifier(name, static_cast<int>(strlen(name)), false); /* namestrcpy cuts within a character */
		++number;
		auto *const shape = makeNullConst(type, typmod, collation);
		scan->custom_scan_tlist = lappend(
			scan->custom_scan_tlist, makeTargetEntry(reinterpret_cast<Expr *>(shape), number, pstrdup(name), false));
		auto *const var = makeVar(INDEX_VAR, number, type, typmod, collation, 0);
		scan->scan.plan.targetlist = lappend(
			scan->scan.plan.targetlist, makeTargetEntry(reinterpret_cast<Expr *>(var), number, pstrdup(name), false));
	}
	scan->methods = &scan_methods;
	scan->custom_private =
		list_make1(makeConst(INTERNALOID, -1, InvalidOid, sizeof(Datum), PointerGetDatum(cursor), false, true));

	auto *const statement = makeNode(PlannedStmt);
	statement->commandType = CMD_SELECT;
	statement->canSetTag = true;
	statement->planTree = &scan->scan.plan;
	statement->stmt_location = -1;
	return statement;
}

Portal
create_portal(const char *name)
{
	if (name != nullptr && (name[0] == 0 || strlen(name) >= NAMEDATALEN))
		ereport(ERROR, (errcode(ERRCODE_INVALID_CURSOR_NAME), errmsg("invalid cursor name"),
		                errdetail("A cursor name has 1 to %d bytes.", NAMEDATALEN - 1)));
	Portal const portal = name == nullptr ? CreateNewPortal() : CreatePortal(name, false, false);
	portal->visible = true;
	portal->cursorOptions = CURSOR_OPT_NO_SCROLL;
	return portal;
}

/* Start the statement and hang the portal on it: its own context has what PostgreSQL reads of a portal that failed. */
void
open_cursor(Portal portal, Cursor *cursor, const char *sql, remote::ParamList params)
{
	bridge::Failure failure;
	if (!start(cursor->execution, sql, params, fetch_rows, failure))
		fail(cursor->execution, failure);
	if (cursor->execution.stream->columns().empty()) {
		finish_writing(cursor->execution);
		ereport(ERROR, (errcode(ERRCODE_INVALID_CURSOR_DEFINITION), errmsg("the statement returns no rows"),
		                errdetail("What it has done stays."),
		                errhint("Use tenancy.execute_query() for statements without a result.")));
	}
	MemoryContext const own = MemoryContextSwitchTo(portal->portalContext);
	PortalDefineQuery(portal, nullptr, pstrdup(sql), CMDTAG_SELECT, list_make1(make_plan(cursor)), nullptr);
	MemoryContextSwitchTo(own);
	PortalStart(portal, nullptr, 0, GetActiveSnapshot());
}

} // namespace

void
initialize_cursors()
{
	RegisterCustomScanMethods(&scan_methods);
}

TENANCY_FUNCTION(open_query)
{
	connection::Selector const selector = connection::selector_argument(fcinfo, 0);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("sql must not be null")));
	char *const sql = text_to_cstring(PG_GETARG_TEXT_PP(1));
	remote::ParamList const params = jsonb_params(PG_ARGISNULL(2) ? nullptr : PG_GETARG_JSONB_P(2));
	Portal const portal = create_portal(PG_ARGISNULL(3) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(3)));

	MemoryContext const own = AllocSetContextCreate(portal->portalContext, "open_query", ALLOCSET_SMALL_SIZES);
	MemoryContext const outer = MemoryContextSwitchTo(own);
	auto *const cursor = static_cast<Cursor *>(palloc0(sizeof(Cursor)));
	if (!begin(cursor->execution, selector, history::Source::sql, nullptr, sql))
		connection::deny(selector);
	bridge::on_error([&] { open_cursor(portal, cursor, sql, params); },
	                 [&](const ErrorData *error) { abandon(cursor->execution, history::outcome_of(error)); });
	MemoryContextSwitchTo(outer);
	PG_RETURN_TEXT_P(cstring_to_text(portal->name));
}

} // namespace tenancy::query
