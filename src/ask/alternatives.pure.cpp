/*
 * Whether what "or" joins in a question is joined by OR in its query. Pure regime.
 */
#include "ask/builder.pure.hpp"

#include <algorithm>
#include <map>

namespace tenancy::ask {

/* What "or" joins is one filter each, and all of them of the same rows: else they would not be joined by OR. */
void
Builder::check_alternatives() const
{
	std::map<int, int> wanted;
	for (auto const &clause : draft.clauses)
		if (clause.what == Clause::What::filter && clause.filter.alternative >= 0)
			++wanted[clause.filter.alternative];
	auto const joined_in = [&](const std::vector<Filter> &filters, int alternative) {
		return static_cast<int>(std::count_if(filters.begin(), filters.end(),
		                                      [&](const Filter &filter) { return filter.alternative == alternative; }));
	};
	for (auto const &[alternative, count] : wanted) {
		int const number = alternative;
		const std::vector<Filter> *home = joined_in(query.filters, number) > 0 ? &query.filters : nullptr;
		for (auto const &related : query.related)
			if (home == nullptr && joined_in(related.filters, number) > 0)
				home = &related.filters;
		if (home == nullptr || joined_in(*home, number) != count || loses_rows(*home, number))
			throw Refusal{"it is not clear what \"or\" joins"};
	}
}

/* A row without the other row that one alternative is about may still be meant by the other alternative. */
bool
Builder::loses_rows(const std::vector<Filter> &filters, int alternative) const
{
	if (&filters == &query.filters && query.measures.empty())
		return false; /* a list joins such rows from outside */
	bool optional = false, differ = false;
	const Path *first = nullptr;
	for (auto const &filter : filters) {
		if (filter.alternative != alternative)
			continue;
		const Path &path = filter.place.path;
		first = first == nullptr ? &path : first;
		differ = differ || !std::equal(path.begin(), path.end(), first->begin(), first->end(),
		                               [](const Step &a, const Step &b) { return a.key == b.key; });
		optional = optional || std::any_of(path.begin(), path.end(), [this](const Step &step) {
					   auto const &keys = step.key->columns;
					   auto const &columns = lexicon.table(step.from).columns;
					   return std::any_of(columns.begin(), columns.end(), [&](const catalog::Column &column) {
						   return column.nullable && std::find(keys.begin(), keys.end(), column.name) != keys.end();
					   });
				   });
	}
	return optional && differ;
}

} // namespace tenancy::ask
