/*
 * Window functions that no plan node here computes, as EXPLAIN of PostgreSQL 18 and later can bear them. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/plannodes.h"
}

namespace tenancy::compat {

/*
 * EXPLAIN and whoever else prints plans looks for the WindowAgg of each window function since 18, and fails where a
 * remote server is it. Once plans are made, the columns of a scan are there to be described only: so the call itself
 * is left, without its window. In place, since the nodes above refer to this plan; a second time changes nothing.
 */
inline void
forget_windows([[maybe_unused]] ForeignScan *scan)
{
#if PG_VERSION_NUM >= 180000
	static_assert(sizeof(FuncExpr) <= sizeof(WindowFunc));
	ListCell *cell;
	foreach (cell, scan->fdw_scan_tlist) {
		Expr *const expression = lfirst_node(TargetEntry, cell)->expr;
		if (!IsA(expression, WindowFunc))
			continue;
		WindowFunc const window = *reinterpret_cast<WindowFunc *>(expression);
		auto *const call = reinterpret_cast<FuncExpr *>(expression);
		*call = FuncExpr{};
		call->xpr.type = T_FuncExpr;
		call->funcid = window.winfnoid;
		call->funcresulttype = window.wintype;
		call->funccollid = window.wincollid;
		call->inputcollid = window.inputcollid;
		call->args = window.args;
		call->location = window.location;
	}
#endif
}

} // namespace tenancy::compat
