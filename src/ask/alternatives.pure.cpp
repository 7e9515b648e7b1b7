/*
 * Whether what "or" joins in a question is joined by OR in its query, and what else is joined can be true together.
 * Pure regime.
 */
#include "ask/builder.pure.hpp"

#include <algorithm>
#include <map>

namespace tenancy::ask {

namespace {

bool
ends_before(const DateRange &a, const DateRange &b)
{
	return !a.until.empty() && !b.from.empty() && a.until <= b.from;
}

/* No row passes both of two filters of one column. */
bool
exclude_each_other(const Filter &a, const Filter &b)
{
	if (a.range && b.range)
		return ends_before(*a.range, *b.range) || ends_before(*b.range, *a.range);
	auto const lists = [](const Filter &filter) {
		return !filter.range && (filter.op == Op::equal || filter.op == Op::one_of);
	};
	return lists(a) && lists(b) && a.folded == b.folded &&
	       std::none_of(a.operands.begin(), a.operands.end(), [&](const std::string &operand) {
			   return std::find(b.operands.begin(), b.operands.end(), operand) != b.operands.end();
		   });
}

} // namespace

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
		differ = differ || path != *first;
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

/*
 * "in grade 9 and in grade 10" asks for both, of which no row is: it was not meant so. Nor was an alternative that what
 * is told beside it excludes: "pending and over 1000 or cancelled".
 */
void
Builder::check_contradictions(const std::vector<Filter> &filters) const
{
	for (auto a = filters.begin(); a != filters.end(); ++a)
		for (auto b = a + 1; b != filters.end(); ++b)
			if ((a->alternative < 0 || b->alternative < 0) && a->place.ref.table == b->place.ref.table &&
			    a->place.ref.column == b->place.ref.column && a->place.path == b->place.path &&
			    exclude_each_other(*a, *b))
				throw Refusal{"no row can meet both conditions on " + lexicon.column(a->place.ref).name};
}

} // namespace tenancy::ask
