/*
 * What a query does not say although its question did: then it is refused. Pure regime.
 */
#include "ask/builder.pure.hpp"

#include <algorithm>

namespace tenancy::ask {

namespace {

bool
same_steps(const Path &path, const Path &begun)
{
	return path.size() >= begun.size() &&
	       std::equal(begun.begin(), begun.end(), path.begin(),
	                  [](const Step &a, const Step &b) { return a.key == b.key && a.from == b.from && a.up == b.up; });
}

} // namespace

/* Is what one filter says is missing needed for the other? "not published" and "in 2024", of one date. */
bool
Builder::contradict(const Filter &missing, const Filter &other) const
{
	const Path &begun = missing.place.path, &path = other.place.path;
	if (missing.op != Op::missing || other.op == Op::missing || !same_steps(path, begun) ||
	    (missing.alternative >= 0 && missing.alternative == other.alternative))
		return false;
	if (path.size() == begun.size())
		return missing.place.ref.table == other.place.ref.table && missing.place.ref.column == other.place.ref.column;
	auto const &keys = path[begun.size()].key->columns;
	return path[begun.size()].up &&
	       std::find(keys.begin(), keys.end(), lexicon.column(missing.place.ref).name) != keys.end();
}

void
Builder::check_contradictions() const
{
	auto const check = [this](const std::vector<Filter> &filters) {
		for (auto const &missing : filters)
			for (auto const &other : filters)
				if (contradict(missing, other))
					throw Refusal{"there would be no row without its " + lexicon.column(missing.place.ref).name +
					              " of which the rest is true"};
	};
	check(query.filters);
	for (auto const &related : query.related)
		check(related.filters);
}

} // namespace tenancy::ask
