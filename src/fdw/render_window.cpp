/*
 * OVER (…) of window functions, for the dialects that have them. PG regime.
 */
#include "fdw/render.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

/* Frames that only count rows, or that span what all dialects agree on. */
constexpr int plain_frame = FRAMEOPTION_NONDEFAULT | FRAMEOPTION_RANGE | FRAMEOPTION_ROWS | FRAMEOPTION_BETWEEN |
                            FRAMEOPTION_START_UNBOUNDED_PRECEDING | FRAMEOPTION_END_UNBOUNDED_FOLLOWING |
                            FRAMEOPTION_START_CURRENT_ROW | FRAMEOPTION_END_CURRENT_ROW |
                            FRAMEOPTION_START_OFFSET_PRECEDING | FRAMEOPTION_START_OFFSET_FOLLOWING |
                            FRAMEOPTION_END_OFFSET_PRECEDING | FRAMEOPTION_END_OFFSET_FOLLOWING;

bool
bound(StringInfo out, int options, bool at_start, Node *offset)
{
	if ((options & (at_start ? FRAMEOPTION_START_UNBOUNDED_PRECEDING : FRAMEOPTION_END_UNBOUNDED_FOLLOWING)) != 0)
		appendStringInfoString(out, at_start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
	else if ((options & (at_start ? FRAMEOPTION_START_CURRENT_ROW : FRAMEOPTION_END_CURRENT_ROW)) != 0)
		appendStringInfoString(out, "CURRENT ROW");
	else {
		/* The offset of a RANGE is of the ordering column's type; only rows are counted alike everywhere. */
		auto *const number = reinterpret_cast<Const *>(offset);
		if ((options & FRAMEOPTION_ROWS) == 0 || number == nullptr || !IsA(number, Const) || number->constisnull ||
		    DatumGetInt64(number->constvalue) < 0)
			return false;
		bool const preceding =
			(options & (at_start ? FRAMEOPTION_START_OFFSET_PRECEDING : FRAMEOPTION_END_OFFSET_PRECEDING)) != 0;
		appendStringInfo(out, INT64_FORMAT " %s", DatumGetInt64(number->constvalue),
		                 preceding ? "PRECEDING" : "FOLLOWING");
	}
	return true;
}

} // namespace

bool
Renderer::frame(const WindowClause *clause)
{
	int const options = clause->frameOptions;
	if ((options & FRAMEOPTION_NONDEFAULT) == 0)
		return true;
	if ((options & ~plain_frame) != 0)
		return false;
	print((options & FRAMEOPTION_ROWS) != 0 ? " ROWS BETWEEN " : " RANGE BETWEEN ");
	if (!bound(out, options, true, clause->startOffset))
		return false;
	print(" AND ");
	return bound(out, options, false, clause->endOffset);
}

const WindowClause *
Renderer::window_clause(Index window_reference) const
{
	ListCell *cell;
	foreach (cell, root->parse->windowClause)
		if (auto *const clause = lfirst_node(WindowClause, cell); clause->winref == window_reference)
			return clause;
	elog(ERROR, "the query has no window %u", window_reference);
}

bool
Renderer::over(Index window_reference, bool with_frame)
{
	const WindowClause *const clause = window_clause(window_reference);
	bool const outer = windows;
	windows = false;
	bool printed = true;
	print(" OVER (");
	ListCell *cell;
	foreach (cell, clause->partitionClause) {
		auto *const key = lfirst_node(SortGroupClause, cell);
		print(cell == list_head(clause->partitionClause) ? "PARTITION BY " : ", ");
		printed = printed && group_key(get_sortgroupclause_expr(key, root->processed_tlist));
	}
	foreach (cell, clause->orderClause) {
		auto *const item = lfirst_node(SortGroupClause, cell);
		print(cell == list_head(clause->orderClause) ? " ORDER BY " : ", ");
		SortKey key;
		printed = printed &&
		          make_sort_key(reinterpret_cast<Expr *>(get_sortgroupclause_expr(item, root->processed_tlist)),
		                        item->sortop, item->nulls_first, &key) &&
		          sort_key(key);
	}
	printed = printed && (!with_frame || frame(clause));
	print(")");
	windows = outer;
	return printed;
}

} // namespace tenancy::fdw
