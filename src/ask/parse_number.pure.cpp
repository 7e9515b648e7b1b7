/*
 * Numbers and dates in words: what they are compared with, several of them of one column. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>
#include <utility>

#include "ask/conditions.pure.hpp"
#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

using What = DraftFilter::What;

void
Grammar::dated()
{
	bool const missing = !draft.clauses.empty() && draft.clauses.back().filter.what == What::missing &&
	                     draft.clauses.back().filter.noun.column == &items[at - 1];
	if (at > 0 && (items[at - 1].key == Key::date || missing))
		throw Refusal{"there is no telling how \"" + items[at - 1].text + "\" and \"" + here().text + "\" go together"};
	const Item &item = take();
	Clause clause;
	clause.filter.what = What::date;
	clause.filter.years = item.years;
	clause.filter.conjoint = item.conjoint;
	if (pending_verb == nullptr && at >= 2 && !items[at - 2].columns.empty() && items[at - 2].tables.empty() &&
	    std::all_of(items[at - 2].columns.begin(), items[at - 2].columns.end(),
	                [this](const Ref &ref) { return lexicon.facts(ref).kind == Kind::date; }) &&
	    has_exact(items[at - 2].columns))
		pending_verb = &items[at - 2];
	clause.filter.verb = pending_verb;
	pending_verb = nullptr;
	for (auto const &range : item.ranges) {
		clause.filter.range = range;
		disjunction = disjunction || &range != &item.ranges.front();
		add(clause);
	}
}

void
Grammar::counted()
{
	DraftFilter filter;
	bool const compared = equal_to(filter);
	amount(filter, compared);
}

bool
Grammar::equal_to(DraftFilter &filter)
{
	bool const named = filter.noun || !filter.measure.empty();
	bool alternatives_told = false;
	std::size_t const first = at;
	for (std::size_t joint = 0;; at += joint) {
		filter.numbers.push_back(take().digits);
		joint = is(Key::conjunction) || is(Key::disjunction) ? 1 : 0;
		if ((joint == 0 && !items[at - 1].comma) || !is(Key::number, joint))
			break;
		/* "a rating of 4 and 5 reviews" */
		if (named && is_table(joint + 1) && items[at + joint + 1].before.empty())
			break;
		alternatives_told = alternatives_told || is(Key::disjunction);
	}
	bool const single = filter.numbers.size() == 1;
	filter.op = single ? Op::equal : Op::one_of;
	if (items[first].before == "within") {
		if (!single || is_table())
			refuse();
		filter.op = Op::at_most;
	}
	filter.conjoint = !single && !alternatives_told;
	if (!is(Key::or_more) && !is(Key::or_less))
		return false;
	if (!single)
		refuse();
	filter.op = take().key == Key::or_more ? Op::at_least : Op::at_most;
	return true;
}

void
Grammar::comparison(const Noun &column, std::string_view measure, bool more_of_it)
{
	DraftFilter filter;
	filter.noun = column;
	filter.measure = measure;
	filter.beside = table_behind(at);
	if (accept(Key::between)) {
		if (!is(Key::number) || !is(Key::conjunction, 1) || !is(Key::number, 2))
			refuse();
		filter.op = Op::at_least;
		filter.numbers = {items[at].digits, items[at + 2].digits};
		at += 3;
		return amount(filter, true);
	}
	bool const told = is(Key::compare);
	if (told)
		filter.op = take().op;
	else if (!measure.empty())
		filter.op = more_of_it ? Op::greater : Op::less;
	if (!is(Key::number))
		refuse();
	if (filter.op == Op::equal)
		(void) equal_to(filter);
	else {
		filter.numbers = {take().digits};
		if (!told && (is(Key::or_more) || is(Key::or_less)))
			filter.op = take().key == Key::or_more ? Op::at_least : Op::at_most;
	}
	amount(filter, true);
}

void
Grammar::amount(DraftFilter filter, bool compared)
{
	bool const named = filter.noun || !filter.measure.empty();
	bool const single = filter.numbers.size() == 1;
	if (is(Key::times) && single)
		return times(filter.op, filter.numbers[0]);
	std::size_t first = at - 1;
	while (first > 0 &&
	       (items[first].key == Key::number || items[first].key == Key::or_more || items[first].key == Key::or_less) &&
	       items[first - 1].key == Key::compare)
		--first;
	bool const ordinal =
		std::any_of(items.begin() + static_cast<std::ptrdiff_t>(first), items.begin() + static_cast<std::ptrdiff_t>(at),
	                [](const Item &item) { return item.ordinal; });
	if (ordinal && is_table() && !rather_column(here()))
		throw Refusal{"there is no telling which \"" + here().text + "\" are the " + items[at - 1].text};
	if (is_table() && items[first].before == "for")
		throw Refusal{"there is no telling whether \"" + here().text + "\" are counted"};
	if (!named && is_table() && here().before.empty() && !rather_column(here()) && single) {
		if (first > 0)
			refuse_state_as_verb(first - 1, here());
		return relation(filter.op, filter.numbers[0]);
	}
	if (!named && is_described_count(first)) {
		const Item *const counted = described();
		if (counted == nullptr || !single || rather_column(*counted))
			throw Refusal{"there is no telling whether \"" + here().text + "\" are counted"};
		if (first > 0)
			refuse_state_as_verb(first - 1, *counted);
		return limited_relation(filter.op, false, filter.numbers[0]);
	}
	if (compared && !named && is_related_next(filter)) {
		std::size_t const next = at;
		at += 3;
		relation(filter.op, filter.numbers[0]);
		at = next;
		return;
	}
	filter.what = What::compare;
	if (is(Key::of_them)) {
		filter.unit = &take();
		/* "at least 18 years old" */
		if (!named && is(Key::adjective) && here().measure == "age" && !here().superlative && !here().descending)
			filter.measure = take().measure;
	} else if (is_column() && here().before.empty() &&
	           (!named || (!filter.measure.empty() && filter.measure != "age")) && !is(Key::compare, 1) &&
	           !is(Key::number, 1)) {
		if (!filter.measure.empty())
			filter.measure = {};
		filter.noun = noun(true);
	} else if (named && is_column() && here().before.empty() && !unit_of(singular(fold(here().text))).empty())
		filter.unit = &take();
	else if (compared && !named)
		share_noun(filter);
	if (!named)
		refuse_total();
	if (!compared && !filter.noun && filter.unit == nullptr)
		throw Refusal{"there is no telling what " + filter.numbers[0] + " counts or measures"};
	if (!filter.noun && filter.measure.empty() && is_about_groups())
		return choose_groups(filter);
	Clause clause;
	clause.filter = std::move(filter);
	add(clause);
}

bool
Grammar::is_described_count(std::size_t first) const
{
	/* "orders over 100 cancelled", but "patients have at least 2 cancelled appointments" */
	bool const beside = first > 0 && !items[first - 1].tables.empty();
	bool const has = first > 0 && is_one_of(items[first - 1].verb, {"have", "has", "had"});
	if (!more() || !here().joined || !here().before.empty() || items[at - 1].comma || (beside && !has))
		return false;
	if (described(is(Key::negation) ? 1 : 0) != nullptr)
		return true;
	/* "orders from Germany over 100 cancelled", "orders in 2023 over 100 cancelled" */
	bool const told = first > 0 && (items[first - 1].key == Key::date || !items[first - 1].before.empty());
	return (!told || has) && (is(Key::negation) || is_flag() || (is_value() && !is_column()));
}

/*
 * "more than 5 and fewer than 20 employees": what is counted is told behind the last of the numbers. Only a range is of
 * one thing, or all but a range behind "or": "over 100 and more than 3 items" compares two.
 */
bool
Grammar::is_range_with_next(const DraftFilter &filter) const
{
	if ((!is(Key::conjunction) && !is(Key::disjunction)) || !is(Key::compare, 1) || !is(Key::number, 2) ||
	    at + 3 >= items.size() || !items[at + 3].before.empty() || filter.numbers.size() != 1)
		return false;
	auto const is_lower = [](Op op) { return op == Op::greater || op == Op::at_least; };
	auto const is_upper = [](Op op) { return op == Op::less || op == Op::at_most; };
	Op const next = items[at + 1].op;
	double lower = items[items[at - 1].key == Key::number ? at - 1 : at - 2].value, upper = items[at + 2].value;
	if (is_upper(filter.op) && is_lower(next))
		std::swap(lower, upper);
	else if (!is_lower(filter.op) || !is_upper(next))
		return false;
	return is(Key::conjunction) == (lower < upper);
}

bool
Grammar::is_related_next(const DraftFilter &filter) const
{
	return is_range_with_next(filter) && is_table(3) && !rather_column(items[at + 3]);
}

/* The same of a column or unit: "over 30 and under 60 minutes". */
void
Grammar::share_noun(DraftFilter &filter)
{
	if (!is_range_with_next(filter))
		return;
	std::size_t const next = at;
	at += 3;
	if (is(Key::of_them))
		filter.unit = &here();
	else if (is_column() && !is(Key::compare, 1) && !is(Key::number, 1))
		filter.noun = noun(true);
	at = next;
}

void
Grammar::refuse_total() const
{
	if (!more() || here().before != "of")
		return;
	const Item &last = items[at - 1];
	const Item *const rows = is_table() ? &here() : described();
	if (rows != nullptr && last.tables.empty() && is_column_of(last, *rows))
		throw Refusal{"there is no telling whether \"" + last.text + "\" of one or of all \"" + rows->text +
		              "\" are meant"};
}

/* "orders per customer over 3"; not "customers per city with orders over 3", where other rows are named since. */
bool
Grammar::is_about_groups() const
{
	return !draft.groups.empty() &&
	       std::all_of(draft.clauses.begin() + static_cast<std::ptrdiff_t>(draft.grouped_at), draft.clauses.end(),
	                   [](const Clause &clause) { return clause.what == Clause::What::filter; });
}

void
Grammar::choose_groups(const DraftFilter &filter)
{
	if (filter.unit != nullptr || filter.numbers.size() != 1 || draft.chooses_groups || draft.measures.size() > 1 ||
	    disjunction || is(Key::disjunction))
		throw Refusal{"there is no telling whether groups or rows are compared with " + filter.numbers[0]};
	draft.chooses_groups = true;
	draft.having_op = filter.op;
	draft.having_number = filter.numbers[0];
}

} // namespace tenancy::ask
