/*
 * What a negation denies: that rows exist, or something that is said of them. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

namespace tenancy::ask {

using What = DraftFilter::What;

const Item *
Grammar::described(std::size_t ahead) const
{
	std::size_t const first = ahead;
	for (; at + ahead < items.size(); ++ahead) {
		const Item &item = items[at + ahead];
		if (ahead > first && (!item.before.empty() || items[at + ahead - 1].comma))
			return nullptr;
		bool const named = ahead > first && is_column(ahead) && holds(item, items[at + ahead - 1]);
		if (is_table(ahead))
			return ahead > first && !named ? &item : nullptr;
		if (!is_flag(ahead) && (!is_value(ahead) || is_column(ahead) || item.possessive))
			return nullptr;
	}
	return nullptr;
}

void
Grammar::limited_relation(Op op, bool negated)
{
	const Item *const table = described();
	Clause clause;
	clause.what = Clause::What::relation;
	clause.table = table;
	clause.op = op;
	for (; &here() != table; ++at) {
		DraftFilter &limit = clause.limits.emplace_back();
		limit.negated = negated;
		limit.of = limit.beside = table;
		if (is_flag()) {
			limit.what = What::flag;
			limit.noun.column = &here();
		} else
			limit.values.push_back(&here());
	}
	++at;
	draft.clauses.push_back(clause);
}

const Item *
Grammar::denied_beside() const
{
	return at > 0 && items[at - 1].tables.empty() ? table_behind(at) : nullptr;
}

const Item *
Grammar::table_behind(std::size_t index) const
{
	auto const leads = [](Key key) {
		return key == Key::negation || key == Key::none || key == Key::without || key == Key::who ||
		       key == Key::which || key == Key::different;
	};
	while (index > 0 && leads(items[index - 1].key))
		--index;
	return index > 0 && !items[index - 1].tables.empty() ? &items[index - 1] : nullptr;
}

} // namespace tenancy::ask
