/*
 * What a query does not say although its question did: then it is refused. Pure regime.
 */
#include "ask/builder.pure.hpp"

#include <algorithm>
#include <initializer_list>

#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

bool
begins_with(const Path &path, const Path &begun)
{
	return path.size() >= begun.size() && std::equal(begun.begin(), begun.end(), path.begin());
}

} // namespace

/* Is what one filter says is missing needed for the other? "not published" and "in 2024", of one date. */
bool
Builder::contradict(const Filter &missing, const Filter &other) const
{
	const Path &begun = missing.place.path, &path = other.place.path;
	if (missing.op != Op::missing || other.op == Op::missing || !begins_with(path, begun) ||
	    (missing.alternative >= 0 && missing.alternative == other.alternative))
		return false;
	if (path.size() == begun.size())
		return missing.place.ref.same_column(other.place.ref);
	auto const &keys = path[begun.size()].key->columns;
	return path[begun.size()].up &&
	       std::find(keys.begin(), keys.end(), lexicon.column(missing.place.ref).name) != keys.end();
}

void
Builder::check_absences() const
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
	check_denied_rows();
}

/* "that customers reviewed but never ordered": the rows denied are those that the words before them went through. */
void
Builder::check_denied_rows() const
{
	for (auto denied = query.related.begin(); denied != query.related.end(); ++denied)
		if (denied->op == Op::missing && denied->filters.empty() &&
		    std::any_of(query.related.begin(), denied, [&](const Related &other) {
				return other.op == Op::present && begins_with(other.path, denied->path);
			}))
			throw Refusal{"there would be no row without " + lexicon.table(denied->path.back().to).name +
			              " of which the rest is true"};
}

/* "customers who ordered Keyboard and Mouse" have a row with each. */
void
Builder::separate()
{
	std::vector<Related> all;
	for (auto const &related : query.related) {
		auto const is_each = [](const Filter &filter) { return filter.each; };
		auto const joined = std::find_if(related.filters.begin(), related.filters.end(), is_each);
		if (joined == related.filters.end()) {
			all.push_back(related);
			continue;
		}
		if (std::count_if(related.filters.begin(), related.filters.end(), is_each) > 1 || related.op != Op::present ||
		    !query.measures.empty())
			throw Refusal{"it is not clear whether \"and\" joins what one has or what several have"};
		for (auto const &operand : joined->operands) {
			Related &one = all.emplace_back(related);
			Filter &filter = one.filters[static_cast<std::size_t>(joined - related.filters.begin())];
			filter.op = Op::equal;
			filter.operands = {operand};
		}
	}
	query.related = std::move(all);
}

/* "employees who are managers": no key that makes one is part of the query. */
void
Builder::check_roles() const
{
	std::vector<const Path *> paths;
	auto const filtered = [&](const std::vector<Filter> &filters) {
		for (auto const &filter : filters)
			paths.push_back(&filter.place.path);
	};
	filtered(query.filters);
	for (auto const &related : query.related) {
		paths.push_back(&related.path);
		filtered(related.filters);
	}
	for (auto const &shown : query.shown)
		paths.push_back(&shown.place.path);
	for (auto const &key : query.keys)
		paths.push_back(&key.path);
	for (auto const &clause : draft.clauses) {
		if (clause.what != Clause::What::role)
			continue;
		std::string const role = fold(clause.table->text);
		if (std::none_of(paths.begin(), paths.end(), [&](const Path *path) {
				return std::any_of(path->begin(), path->end(), [&](const Step &step) { return plays(step, role); });
			}))
			throw Refusal{"there is no telling what \"" + clause.table->text + "\" is about"};
	}
}

/* "customers who bought in 2023" are not those who were customers in 2023. */
void
Builder::check_verbs() const
{
	int const base = counted_table < 0 ? query.base : counted_table;
	bool const named = !lexicon.facts(base).names.empty();
	auto const is_of_base = [base](const Ref &ref) { return ref.table == base; };
	bool const groups_by_date =
		draft.date_verb == nullptr && std::any_of(draft.groups.begin(), draft.groups.end(),
	                                              [](const DraftGroup &group) { return group.bucket != Bucket::none; });
	if (groups_by_date && named && !query.related.empty())
		throw Refusal{"there is no telling which date the groups are by"};
	for (auto const &verb : draft.verbs) {
		bool doubtful = false;
		if (verb.named != nullptr) {
			bool const of_base = std::any_of(verb.named->acts.begin(), verb.named->acts.end(), is_of_base);
			doubtful = named && of_base && verb.dated;
		} else if (is_deed(verb.word))
			doubtful = is_doubtful_deed(verb, base);
		else
			doubtful = named && verb.dated && !is_making(verb.word);
		if (doubtful)
			throw Refusal{"there is no telling what \"" + verb.word + "\" is about"};
	}
}

/* "sold in Germany" is not said of products from Germany; "quantity sold" is all of it, and "tickets sold" may be. */
bool
Builder::is_doubtful_deed(const DraftVerb &verb, int base) const
{
	auto const is_one_of = [&verb](std::initializer_list<std::string_view> words) {
		return std::find(words.begin(), words.end(), verb.word) != words.end();
	};
	bool const of_base = verb.value != nullptr && std::any_of(verb.value->values.begin(), verb.value->values.end(),
	                                                          [base](const Ref &ref) { return ref.table == base; });
	if ((verb.complete && !of_base) || (verb.measures && !verb.dated))
		return false;
	if (!lexicon.facts(base).names.empty())
		return true;
	if (verb.dated)
		return !verb.measures || !is_one_of({"sold", "bought", "purchased"});
	return is_one_of({"paid", "pays", "used", "sent", "supplied"});
}

} // namespace tenancy::ask
