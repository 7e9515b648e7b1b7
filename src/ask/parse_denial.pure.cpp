/*
 * What a negation denies: that rows exist, or something that is said of them. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>
#include <utility>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

using What = DraftFilter::What;

void
Grammar::absence()
{
	bool const never = here().key == Key::none && fold(here().text) != "no";
	std::size_t const begun = at++;
	skip_to_noun();
	if (!more())
		refuse();
	const Item *const denied = described();
	/* "who cancelled no orders", but "orders that are paid without invoices" */
	if (begun > 0 && items[begun].key == Key::none)
		refuse_state_as_verb(begun - 1, denied != nullptr ? *denied : here());
	if (denied != nullptr)
		return limited_relation(Op::missing, false);
	if (is_flag())
		return flag_filter(true);
	if (!never && rather_column(here()))
		return column_is(What::missing);
	if (is_table() || (is(Key::thing) && !here().acts.empty()))
		return relation(Op::missing, {});
	if (is(Key::thing) && !here().roles.empty())
		return column_is(What::missing);
	if (!never && is_column())
		return column_is(What::missing);
	if (is(Key::thing) && !here().verbs.empty())
		return column_is(What::missing);
	refuse();
}

void
Grammar::negation()
{
	/* "having not approved requests", and "unapproved requests" anywhere, are rows that are not so. */
	bool const of_rows = here().attached || (at > 0 && items[at - 1].key == Key::with);
	++at;
	bool const dated = is_column() && is_value() && means_no_date();
	if (described() != nullptr && here().before.empty() && !dated)
		return limited_relation(of_rows ? Op::present : Op::missing, of_rows);
	/* "not insured by CSS": maybe by another */
	if (is_flag() && (is(Key::by, 1) || is(Key::with, 1)) && is_value(2))
		throw Refusal{"there is no telling whether \"" + here().text + "\" is denied, or \"" + items[at + 2].text +
		              "\""};
	if (is_flag())
		return flag_filter(true);
	if (is_value()) {
		/* "whose status is not delivered" */
		if (at > 1 && items[at - 2].tables.empty() && holds(items[at - 2], here()))
			return value_filter(true, {nullptr, &items[at - 2]});
		if (!means_no_date())
			return value_filter(true);
		bool const listed =
			(is(Key::conjunction, 1) || is(Key::disjunction, 1)) && is_value(2) && same_column(here(), items[at + 2]);
		if (listed || is_table(1))
			throw Refusal{"\"" + here().text + "\" may be a value or a date"};
		return column_is(What::missing);
	}
	if (is(Key::compare)) /* not more than */
		refuse();
	if (is(Key::thing) && here().tables.empty() && !here().verbs.empty() && !any_nullable_verb() &&
	    !here().acts.empty())
		return relation(Op::missing, {});
	if (is(Key::thing) && here().tables.empty() && !here().verbs.empty())
		return column_is(What::missing);
	if (is(Key::thing) && (!here().acts.empty() || !here().tables.empty()))
		return relation(Op::missing, {});
	refuse();
}

/* "not shipped" asks for orders without a shipping date: delivered orders were shipped, too. */
bool
Grammar::means_no_date() const
{
	const Item &item = here();
	return std::any_of(item.verbs.begin(), item.verbs.end(), [&](const Ref &verb) {
		auto const is_beside = [&](const Ref &ref) { return ref.table == verb.table; };
		/* Where "resolved" is also true or false, it is the state. */
		bool const flagged = std::any_of(item.columns.begin(), item.columns.end(), [&](const Ref &ref) {
			return is_beside(ref) && lexicon.facts(ref).kind == Kind::boolean;
		});
		return lexicon.column(verb).nullable && !flagged &&
		       std::any_of(item.values.begin(), item.values.end(), is_beside);
	});
}

bool
Grammar::any_nullable_verb() const
{
	return std::any_of(here().verbs.begin(), here().verbs.end(),
	                   [this](const Ref &ref) { return lexicon.column(ref).nullable; });
}

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
		bool const column = is_column(ahead) && !(item.measure.empty() && is_verb_only(item));
		if (!is_flag(ahead) && (!is_value(ahead) || column || item.possessive))
			return nullptr;
	}
	return nullptr;
}

void
Grammar::limited_relation(Op op, bool negated, std::string count)
{
	const Item *const table = described();
	Clause clause;
	clause.what = Clause::What::relation;
	clause.table = table;
	clause.op = op;
	clause.count = std::move(count);
	clause.several = true;
	tie(clause, here().before.empty());
	for (; &here() != table; ++at) {
		DraftFilter &limit = clause.limits.emplace_back();
		limit.negated = negated && clause.limits.size() == 1;
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

void
Grammar::refuse_state_as_verb(std::size_t verb, const Item &table) const
{
	const Item &state = items[verb];
	if (!state.comma && state.before.empty() && state.tables.empty() &&
	    (has_value_of(table, state) || is_flag_of(state, table)))
		throw Refusal{"there is no telling whether only \"" + table.text + "\" that are \"" + state.text +
		              "\" are meant"};
}

const Item *
Grammar::denied_beside() const
{
	return at > 0 && items[at - 1].tables.empty() ? table_behind(at) : nullptr;
}

namespace {

/* Words that lead to what is denied or told of the table before them. */
bool
leads(Key key)
{
	return key == Key::negation || key == Key::none || key == Key::without || key == Key::who || key == Key::which ||
	       key == Key::different;
}

} // namespace

const Item *
Grammar::table_behind(std::size_t index) const
{
	while (index > 0 && leads(items[index - 1].key))
		--index;
	return index > 0 && !items[index - 1].tables.empty() ? &items[index - 1] : nullptr;
}

std::size_t
Grammar::phrase_start(std::size_t index) const
{
	auto const opens = [](const Item &item) {
		bool const counts = item.key == Key::compare || item.key == Key::number || item.key == Key::or_more ||
		                    item.key == Key::or_less || item.key == Key::disjunction;
		bool const describes = item.tables.empty() && !item.values.empty() && item.before.empty();
		return !item.comma && (leads(item.key) || item.key == Key::with || counts || describes);
	};
	while (index > 0 && opens(items[index - 1]))
		--index;
	return index;
}

bool
Grammar::is_apart(std::size_t index) const
{
	std::size_t const first = phrase_start(index);
	return first > 0 && (items[first - 1].key == Key::conjunction || items[first - 1].comma);
}

bool
Grammar::is_attribute(std::size_t index) const
{
	std::size_t const first = phrase_start(index);
	return (first > 0 && !items[first - 1].verb.empty()) ||
	       std::any_of(items.begin() + static_cast<std::ptrdiff_t>(first),
	                   items.begin() + static_cast<std::ptrdiff_t>(index),
	                   [](const Item &item) { return leads(item.key) || item.key == Key::with; });
}

void
Grammar::tie(Clause &clause, bool led) const
{
	clause.apart = is_apart(at);
	clause.of_table_before = !clause.apart && led;
}

/*
 * Does the table stand for several rows that are not told apart by name? "customers" are several, and so is "a German
 * customer"; "customer Rosa" and "the Sales department" are one, and "the Sales and IT departments" are all named.
 */
bool
Grammar::names_several(bool act) const
{
	auto const is_name = [this](const Ref &value) {
		auto const &names = lexicon.facts(value.table).names;
		return std::find(names.begin(), names.end(), value.column) != names.end() && here().names(value.table);
	};
	/* An index before the first item wraps around to one beyond the last. */
	auto const names = [&](std::size_t index) {
		return index < items.size() && (items[index].key == Key::literal ||
		                                std::any_of(items[index].values.begin(), items[index].values.end(), is_name));
	};
	auto const joins = [this](std::size_t index) {
		return index < items.size() && (items[index].key == Key::conjunction || items[index].key == Key::disjunction);
	};
	bool const before = names(at - 1), behind = names(at + 1);
	bool const listed = (before && ((names(at - 2) && items[at - 2].comma) || (joins(at - 2) && names(at - 3)))) ||
	                    (behind && ((names(at + 2) && items[at + 1].comma) || (joins(at + 2) && names(at + 3))));
	return !act && ((!before && !behind) || (here().plural && !listed));
}

} // namespace tenancy::ask
