/*
 * Binding nouns: the nearest rows first, and a refusal where two columns are as near. Pure regime.
 */
#include "ask/bind.pure.hpp"

#include <algorithm>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

void
refuse_ambiguous(const Lexicon &lexicon, const Refs &refs, const std::string &word)
{
	constexpr std::size_t most = 6;
	std::vector<std::string> names;
	for (auto const &ref : refs) {
		std::string const name = lexicon.table(ref.table).name + "." + lexicon.column(ref).name;
		if (std::find(names.begin(), names.end(), name) != names.end())
			continue;
		names.push_back(names.size() < most ? name : "another column");
		if (names.size() > most)
			break;
	}
	throw Refusal{"\"" + word + "\" may mean " + join(names, " or ")};
}

namespace {

/* Refs of one column, whatever the values. */
bool
same_column(const Refs &refs)
{
	return std::all_of(refs.begin(), refs.end(), [&](const Ref &ref) { return ref.same_column(refs[0]); });
}

/* The part of a way up to its last step that may lead to many rows, and the rest, which climbs. */
std::pair<Path, Path>
split(const Path &path)
{
	std::size_t many = path.size();
	while (many > 0 && path[many - 1].up)
		--many;
	auto const middle = path.begin() + static_cast<std::ptrdiff_t>(many);
	return {Path(path.begin(), middle), Path(middle, path.end())};
}

[[noreturn]] void
refuse_missing(const std::string &word)
{
	throw Refusal{"it is not clear whether \"" + word + "\" is said of what is missing"};
}

Path
both(Path first, const Path &second)
{
	first.insert(first.end(), second.begin(), second.end());
	return first;
}

} // namespace

int
table_of(const Lexicon &lexicon, const Item &item, bool act)
{
	const Refs &refs = act ? item.acts : item.tables;
	int best = -1;
	std::size_t fewest = 99;
	bool tied = false;
	for (auto const &ref : refs) {
		std::size_t const words = lexicon.facts(ref.table).words.size();
		tied = words == fewest || (tied && words > fewest);
		if (words < fewest) {
			fewest = words;
			best = ref.table;
		}
	}
	return tied ? -1 : best;
}

void
Binder::begin(int base)
{
	query.base = base;
	scopes = {{base, {}, -1}};
}

void
Binder::relate(int table, Op op, const std::string &count)
{
	if (table == query.base)
		throw Refusal{"rows of " + lexicon.table(table).name + " are not compared with each other"};
	Path const path = find_path(lexicon, query.base, table, hints);
	Related related;
	related.path = path;
	related.op = op;
	related.count = count;
	query.related.push_back(related);
	scopes.push_back({table, {}, static_cast<int>(query.related.size()) - 1, table});
}

bool
Binder::is_missing(std::size_t scope) const
{
	int const related = scopes[scope].related;
	return related >= 0 && query.related[static_cast<std::size_t>(related)].op == Op::missing;
}

std::optional<Target>
Binder::own(const Refs &candidates, const std::string &word) const
{
	for (std::size_t i = scopes.size(); i-- > 0;) {
		Refs here;
		std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(here),
		             [&](const Ref &ref) { return ref.table == scopes[i].table; });
		if (here.empty())
			continue;
		here = best_tier(here);
		if (!same_column(here))
			refuse_ambiguous(lexicon, here, word);
		if (here[0].tier != Tier::exact && has_exact_above(candidates)) {
			if (here[0].tier == Tier::synonym)
				continue;
			refuse_ambiguous(lexicon, candidates, word);
		}
		return Target{i, {}, here[0]};
	}
	return std::nullopt;
}

bool
Binder::has_exact_above(const Refs &candidates) const
{
	return std::any_of(candidates.begin(), candidates.end(), [&](const Ref &ref) {
		lexicon.breathe();
		return ref.tier == Tier::exact && ref.table != query.base && climb(lexicon, query.base, ref.table, hints);
	});
}

std::optional<Target>
Binder::above(const Refs &candidates, const std::string &word) const
{
	for (std::size_t i = 0; i < scopes.size(); ++i) {
		if (scopes[i].related < 0 && i > 0)
			continue;
		std::vector<Target> found;
		std::size_t nearest = 99;
		for (auto const &ref : candidates) {
			lexicon.breathe();
			auto const path = climb(lexicon, scopes[i].table, ref.table, hints);
			if (!path || path->empty() || path->size() > nearest)
				continue;
			if (path->size() < nearest)
				found.clear();
			nearest = path->size();
			found.push_back({i, *path, ref});
		}
		if (found.empty())
			continue;
		Refs refs;
		for (auto const &target : found)
			refs.push_back(target.ref);
		refs = best_tier(refs);
		if (!same_column(refs))
			refuse_ambiguous(lexicon, refs, word);
		return *std::find_if(found.begin(), found.end(), [&](const Target &target) { return target.ref == refs[0]; });
	}
	return std::nullopt;
}

Target
Binder::elsewhere(const Refs &candidates, const std::string &word, Tie tie)
{
	Refs const refs = best_tier(candidates);
	if (refs.empty())
		throw Refusal{"there is no column for \"" + word + "\""};
	if (!same_column(refs))
		refuse_ambiguous(lexicon, refs, word);
	std::size_t const last = scopes.size() - 1;
	Path onward;
	if (scopes[last].related >= 0)
		onward = find_path(lexicon, scopes[last].table, refs[0].table, hints);
	/* A way back through the base begins a new condition on its rows: "without orders but with open tickets". */
	bool const passes_base = refs[0].table != query.base && meets(onward, query.base);
	if (passes_base && tie == Tie::tied && is_missing(last))
		refuse_missing(word);
	bool const begins = passes_base || (tie == Tie::apart && is_missing(last));
	if (scopes[last].related >= 0 && !begins) {
		const Related &related = query.related[static_cast<std::size_t>(scopes[last].related)];
		if ((related.op != Op::present && related.op != Op::missing) || refs[0].table == query.base)
			throw Refusal{"\"" + word + "\" is too far from what is counted"};
		auto const [many, up] = split(onward);
		extend(last, many);
		return {last, up, refs[0]};
	}
	Path const path = find_path(lexicon, query.base, refs[0].table, hints);
	if (tie == Tie::apart && is_missing(last) && meets(path, scopes[last].named))
		refuse_missing(word);
	auto const [many, up] = split(path);
	if (many.empty())
		throw Refusal{"there is no telling which \"" + word + "\" is meant"};
	Related related;
	related.path = many;
	query.related.push_back(related);
	scopes.push_back({many.back().to, {}, static_cast<int>(query.related.size()) - 1});
	return {scopes.size() - 1, up, refs[0]};
}

/* Rows of the related table become those that many of them lead to; conditions so far look back. */
void
Binder::extend(std::size_t scope, const Path &path)
{
	Related &related = query.related[static_cast<std::size_t>(scopes[scope].related)];
	Path const back = reversed(path);
	if (!climbs(back) && !related.filters.empty())
		throw Refusal{"the conditions are about rows too far from each other"};
	for (auto &filter : related.filters)
		filter.place.path = both(back, filter.place.path);
	related.path = both(related.path, path);
	if (!path.empty())
		scopes[scope].table = path.back().to;
}

std::optional<Target>
Binder::near(const Refs &candidates, const std::string &word) const
{
	auto const found = own(candidates, word);
	return found ? found : above(candidates, word);
}

/* "products with orders from Germany": where the product is from, or where the order is? */
void
Binder::refuse_of_related(const Refs &candidates, const std::string &word) const
{
	const Scope &last = scopes.back();
	if (last.related < 0 || last.named < 0)
		return;
	for (auto const &ref : candidates) {
		lexicon.breathe();
		auto const path = climb(lexicon, last.named, ref.table, hints);
		if (path && !path->empty() && !meets(*path, query.base))
			throw Refusal{"it is not clear whether \"" + word + "\" is said of " + lexicon.table(query.base).name +
			              " or of " + lexicon.table(last.named).name};
	}
}

/* "without reviews who ordered Keyboard": what the rows named last lead to as well is hardly said of earlier ones. */
void
Binder::refuse_of_later(const Target &found, const std::string &word) const
{
	std::size_t const last = scopes.size() - 1;
	if (scopes[found.scope].related < 0 || scopes[last].related < 0 || found.scope == last || found.path.empty())
		return;
	if (!meets(find_path(lexicon, scopes[last].table, found.ref.table, hints), query.base))
		throw Refusal{"it is not clear whether \"" + word + "\" is said of " +
		              lexicon.table(scopes[found.scope].table).name + " or of " +
		              lexicon.table(scopes[last].table).name};
}

Target
Binder::column(const Refs &candidates, const std::string &word, Tie tie)
{
	auto const found = near(candidates, word);
	/* "employees without tickets but in Germany" */
	if (found && tie == Tie::apart && is_missing(found->scope))
		refuse_missing(word);
	if (found && tie == Tie::tied && found->scope == 0)
		refuse_of_related(candidates, word);
	if (found && found->scope > 0)
		refuse_of_later(*found, word);
	return found ? *found : elsewhere(candidates, word, tie);
}

void
Binder::deny(const Refs &candidates, const std::string &word, Filter filter)
{
	Refs const refs = best_tier(candidates);
	if (!same_column(refs))
		refuse_ambiguous(lexicon, refs, word);
	auto const [many, up] = split(find_path(lexicon, query.base, refs[0].table, hints));
	if (many.empty())
		throw Refusal{"there is no telling which \"" + word + "\" is meant"};
	filter.place = {up, refs[0]};
	Related related;
	related.path = many;
	related.op = Op::missing;
	related.filters.push_back(std::move(filter));
	query.related.push_back(std::move(related));
	denied = true;
}

/* The date that a question means without a word for it. */
std::optional<Ref>
Binder::only_date(int table) const
{
	Refs dates = lexicon.columns_of(table, Kind::date);
	std::erase_if(dates, [this](const Ref &ref) { return lexicon.facts(ref).birth_or_end; });
	if (dates.size() == 1)
		return dates[0];
	Refs close;
	for (auto const &ref : dates)
		for (auto const &word : lexicon.facts(ref).words)
			for (auto const &name : lexicon.facts(table).words)
				if (related(word, name) && (close.empty() || close.back() != ref))
					close.push_back(ref);
	return close.size() == 1 ? std::optional(close[0]) : std::nullopt;
}

std::optional<Target>
Binder::date_of_related(std::size_t scope, const std::string &word) const
{
	int const named = scopes[scope].named;
	auto const path = named < 0 ? std::nullopt : climb(lexicon, scopes[scope].table, named, hints);
	if (auto const found = path ? only_date(named) : std::nullopt)
		return Target{scope, *path, *found};
	/* Customers who ordered Keyboard in 2023 are not those of 2023. */
	if (!lexicon.facts(query.base).names.empty())
		throw Refusal{"there is no telling which date \"" + word + "\" is about"};
	return std::nullopt;
}

Target
Binder::date(const Refs &candidates, const std::string &word)
{
	if (!candidates.empty())
		return column(candidates, word);
	if (denied)
		throw Refusal{"there is no telling which date \"" + word + "\" is about"};
	for (std::size_t i = scopes.size(); i-- > 0;) {
		if (scopes[i].related < 0 && i > 0)
			continue;
		/* "products" of ordered products: the date is the orders', if any. */
		bool const led_on = scopes[i].named >= 0 && scopes[i].named != scopes[i].table;
		if (auto const found = led_on ? std::nullopt : only_date(scopes[i].table))
			return {i, {}, *found};
		Refs dates = lexicon.columns_of(scopes[i].table, Kind::date);
		std::erase_if(dates, [this](const Ref &ref) { return lexicon.facts(ref).birth_or_end; });
		if (!dates.empty())
			refuse_ambiguous(lexicon, dates, word);
		if (auto const found = scopes[i].related >= 0 ? date_of_related(i, word) : std::nullopt)
			return *found;
	}
	Refs found;
	for (auto const &step : lexicon.steps(query.base))
		if (auto const ref = step.up ? only_date(step.to) : std::nullopt)
			found.push_back(*ref);
	if (found.size() != 1)
		throw Refusal{"there is no telling which date \"" + word + "\" is about"};
	/* An employee's work in 2023 is not that of an employee hired in 2023: only events lend their date. */
	if (!lexicon.facts(found[0].table).names.empty())
		throw Refusal{"there is no telling which date \"" + word + "\" is about"};
	return column(found, word);
}

Place
Binder::place(const Refs &candidates, const std::string &word)
{
	Target target = own(candidates, word).value_or(Target{99, {}, {}});
	if (target.scope == 99)
		target = above(candidates, word).value_or(Target{99, {}, {}});
	if (target.scope == 99 || scopes[target.scope].related >= 0)
		throw Refusal{"\"" + word + "\" is not one value for each row of " + lexicon.table(query.base).name};
	return {both(scopes[target.scope].path, target.path), target.ref};
}

Place
Binder::date_place(const Refs &candidates, const std::string &word)
{
	Target const target = date(candidates, word);
	if (scopes[target.scope].related >= 0)
		throw Refusal{"there is no telling which date \"" + word + "\" is about"};
	return {both(scopes[target.scope].path, target.path), target.ref};
}

bool
Binder::is_about_some(const Target &target) const
{
	int const related = scopes[target.scope].related;
	return related >= 0 && query.related[static_cast<std::size_t>(related)].op == Op::present;
}

void
Binder::add(Filter filter, const Target &target)
{
	const Scope &scope = scopes[target.scope];
	if (scope.related < 0) {
		filter.place = {both(scope.path, target.path), target.ref};
		query.filters.push_back(std::move(filter));
		return;
	}
	filter.place = {target.path, target.ref};
	query.related[static_cast<std::size_t>(scope.related)].filters.push_back(std::move(filter));
}

} // namespace tenancy::ask
