/*
 * What a negation denies: that rows exist, or something that is said of them. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

using What = DraftFilter::What;

void
Grammar::absence()
{
	bool const never = here().key == Key::none && fold(here().text) != "no";
	++at;
	skip_to_noun();
	if (!more())
		refuse();
	if (described() != nullptr)
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
	if (described() != nullptr && here().before.empty())
		return limited_relation(of_rows ? Op::present : Op::missing, of_rows);
	if (is_flag())
		return flag_filter(true);
	if (is_value())
		return is_undated() ? column_is(What::missing) : value_filter(true);
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

/* The delivered ones were shipped, too, whatever their status. */
bool
Grammar::is_undated() const
{
	const Item &item = here();
	bool const dated = std::any_of(item.verbs.begin(), item.verbs.end(), [&](const Ref &verb) {
		return lexicon.column(verb).nullable &&
		       std::any_of(item.values.begin(), item.values.end(),
		                   [&](const Ref &value) { return value.table == verb.table; });
	});
	bool const listed =
		(is(Key::conjunction, 1) || is(Key::disjunction, 1)) && is_value(2) && same_column(item, items[at + 2]);
	if (dated && (listed || is_table(1)))
		throw Refusal{"\"" + item.text + "\" may be a value or a date"};
	return dated;
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
	clause.apart = is_apart(at);
	clause.attribute = !clause.apart && here().before.empty();
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
Grammar::lead_to(std::size_t index) const
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
	std::size_t const first = lead_to(index);
	return first > 0 && (items[first - 1].key == Key::conjunction || items[first - 1].comma);
}

bool
Grammar::is_attribute(std::size_t index) const
{
	std::size_t const first = lead_to(index);
	return (first > 0 && !items[first - 1].verb.empty()) ||
	       std::any_of(items.begin() + static_cast<std::ptrdiff_t>(first),
	                   items.begin() + static_cast<std::ptrdiff_t>(index),
	                   [](const Item &item) { return leads(item.key) || item.key == Key::with; });
}

} // namespace tenancy::ask
