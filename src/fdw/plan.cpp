/*
 * See plan.hpp. PG regime.
 */
#include "fdw/plan.hpp"

namespace tenancy::fdw {

/*
 * The remote SQL comes first, as in the list of a modification: EXPLAIN shows it without knowing which of both it has.
 */
List *
encode(const ScanPlan &plan)
{
	List *const numbers = list_make3_int(static_cast<int>(plan.type), plan.fetch_rows, plan.writes ? 1 : 0);
	Node *const relations =
		plan.relations == nullptr ? nullptr : reinterpret_cast<Node *>(makeString(pstrdup(plan.relations)));
	return list_make5(makeString(pstrdup(plan.sql)), list_make1_oid(plan.server), numbers, plan.retrieved, relations);
}

ScanPlan
decode_scan(List *fdw_private)
{
	auto *const numbers = static_cast<List *>(lthird(fdw_private));
	ScanPlan plan{};
	plan.sql = strVal(linitial(fdw_private));
	plan.server = linitial_oid(static_cast<List *>(lsecond(fdw_private)));
	plan.type = static_cast<remote::DatabaseType>(linitial_int(numbers));
	plan.fetch_rows = lsecond_int(numbers);
	plan.writes = lthird_int(numbers) != 0;
	plan.retrieved = static_cast<List *>(lfourth(fdw_private));
	void *const relations = list_nth(fdw_private, 4);
	plan.relations = relations == nullptr ? nullptr : strVal(relations);
	return plan;
}

} // namespace tenancy::fdw
