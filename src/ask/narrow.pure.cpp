/*
 * What a clause says of the rows that a word before it named, or of those that own them. Pure regime.
 */
#include "ask/bind.pure.hpp"

namespace tenancy::ask {

void
Binder::enter(int table, const Path &path, bool several)
{
	scopes.push_back({table, path, -1});
	if (several)
		owners.push_back(table);
}

bool
Binder::names(int table, bool several)
{
	for (auto &scope : scopes)
		if (scope.table == table) {
			if (scope.related >= 0 && scope.named < 0)
				scope.named = table;
			return true;
		}
	Scope &last = scopes.back();
	if (last.related < 0 || !climb(lexicon, last.table, table, hints))
		return false;
	/* "electronics orders" are orders of such products; what has a name is no event, which lends its date. */
	if (last.named < 0 && lexicon.facts(table).names.empty())
		last.named = table;
	else if (several)
		owners.push_back(table);
	return true;
}

void
Binder::refuse_rows(int table, const Clause &clause) const
{
	throw Refusal{"it is not clear which " + lexicon.table(table).name + " are those with or without \"" +
	              clause.table->text + "\""};
}

/* "orders from customers with refunds" are not the orders that have one. */
void
Binder::refuse_owner(int table, const Clause &clause) const
{
	for (int const owner : owners)
		if (clause.of_table_before && owner != table && !meets(find_path(lexicon, query.base, table, hints), owner))
			refuse_rows(owner, clause);
}

bool
Binder::narrows_last(int table, const Clause &clause) const
{
	Scope const &last = scopes.back();
	if (last.related < 0 || last.named < 0 || last.named == query.base || last.named == table)
		return false;
	const Related &related = query.related[static_cast<std::size_t>(last.related)];
	bool const passes = meets(find_path(lexicon, query.base, table, hints), last.named);
	bool const counts = clause.op != Op::present && clause.op != Op::missing;
	if ((!passes && !meets(related.path, table)) || (related.op == Op::present && counts && !clause.of_table_before))
		return false;
	if (!passes || (related.op != Op::present && related.op != Op::missing) || clause.op != Op::present)
		refuse_rows(last.named, clause);
	return true;
}

/* "ordered products from China": orders of such, and none of others */
void
Binder::narrow_last(int table)
{
	Scope &last = scopes.back();
	extend(scopes.size() - 1, find_path(lexicon, last.table, table, hints));
	/* A date behind refunds of orders is theirs; behind ordered products it is hardly the products'. */
	if (climb(lexicon, table, last.named, hints))
		last.named = table;
}

bool
Binder::leads_on(int table, const Clause &clause)
{
	refuse_owner(table, clause);
	if (!narrows_last(table, clause))
		return false;
	narrow_last(table);
	return true;
}

} // namespace tenancy::ask
