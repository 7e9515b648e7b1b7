/*
 * Values in a question: which of them belong together, and to what column. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/conditions.pure.hpp"
#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

using What = DraftFilter::What;

void
Grammar::value_filter(bool negated, const Noun &column)
{
	Clause clause;
	clause.filter.what = What::value;
	clause.filter.noun = column;
	clause.filter.negated = negated;
	clause.filter.tie = tie_of_value();
	if (const Item *const of = negated || column ? nullptr : described(); of != nullptr && has_value_of(*of, here()))
		clause.filter.of = of;
	bool any = false;
	if (negated)
		clause.filter.beside = column.table != nullptr ? column.table : denied_beside();
	else if (!column && clause.filter.of == nullptr && at > 0 && !here().before.empty() &&
	         has_value_of(items[at - 1], here()))
		clause.filter.beside = &items[at - 1];
	/*
	 * "enrolled in Algebra and Geometry" is of both; "in Algebra and Geometry", or "orders that are pending and
	 * shipped", may be of either.
	 */
	bool const act = at > 0 && !items[at - 1].acts.empty() && items[at - 1].tables.empty();
	bool const of_both = act || (here().before.empty() && !(at > 0 && has_value_of(items[at - 1], here())));
	std::size_t const begun = at;
	for (;;) {
		const Item &item = take();
		if (item.possessive)
			throw Refusal{"there is no telling what belongs to \"" + item.text + "\""};
		clause.filter.values.push_back(&item);
		bool const of_one = more() && ((is_value() && !is_column() && !is_table()) || is(Key::each) || is(Key::per));
		bool const plays_role = std::any_of(item.roles.begin(), item.roles.end(), [&](const Ref &role) {
			return std::any_of(item.values.begin(), item.values.end(),
			                   [&](const Ref &ref) { return ref.table == role.table; });
		});
		if (plays_role && (of_one || (at >= 2 && items[at - 2].key == Key::conjunction && draft.clauses.empty())))
			throw Refusal{"\"" + item.text + "\" may be a value or not"};
		bool const joint = is(Key::conjunction) || is(Key::disjunction), both = is(Key::conjunction);
		if ((joint && is_value(1) && same_column(item, items[at + 1]) && !turns(item, items[at + 1])) ||
		    (!joint && item.comma && is_value() && same_column(item, here()))) {
			any = any || is(Key::disjunction);
			if (joint)
				refuse_shared_end();
			at += joint ? 1 : 0;
			if (both)
				clause.filter.joint = of_both ? DraftFilter::Joint::all : DraftFilter::Joint::unclear;
			continue;
		}
		break;
	}
	if (!negated && !column && clause.filter.of == nullptr)
		clause.filter.owned = table_ahead();
	if (negated && is_value() && here().joined)
		throw Refusal{"it is not clear what is denied"};
	if (const Item &first = *clause.filter.values[0]; !negated && !column && is_mere_measure(begun))
		throw Refusal{"\"" + first.text + "\" may be a value or a measure"};
	clause.filter.conjoint = clause.filter.values.size() > 1 && !any && clause.filter.joint == DraftFilter::Joint::any;
	/* "the furniture category" */
	if (!column && is_column() && here().before.empty() && holds(here(), *clause.filter.values[0]) && !is_condition(1))
		clause.filter.noun.column = &take();
	add(clause);
}

Tie
Grammar::tie_of_value() const
{
	if (is_apart(at))
		return Tie::apart;
	/* "with doctor Rossi" as "with Rossi" */
	std::size_t const first = at > 0 && has_value_of(items[at - 1], here()) ? at - 1 : at;
	bool const led = !items[first].before.empty() || (first > 0 && items[first - 1].key == Key::with);
	return led ? Tie::tied : Tie::none;
}

bool
Grammar::holds(const Item &column, const Item &value) const
{
	return std::any_of(column.columns.begin(), column.columns.end(), [&](const Ref &ref) {
		lexicon.breathe();
		return holds_column_of(value.values, ref);
	});
}

const Item *
Grammar::table_ahead() const
{
	std::size_t ahead = 0;
	while (is_value(ahead) && !is_column(ahead) && !is_table(ahead) && items[at + ahead].joined)
		++ahead;
	if (!is_table(ahead) || !items[at + ahead].joined || !items[at + ahead].before.empty() ||
	    items[at + ahead - 1].comma || (is_column(ahead) && holds(items[at + ahead], items[at + ahead - 1])))
		return nullptr;
	bool const owned = is_table(ahead + 1) && items[at + ahead + 1].joined && items[at + ahead + 1].before.empty();
	return &items[at + ahead + (owned ? 1 : 0)];
}

bool
Grammar::is_mere_measure(std::size_t index) const
{
	const Item &item = items[index];
	bool const led = !item.before.empty() && (item.before != "by" || item.text != fold(item.text));
	if (item.quoted || !item.columns.empty() || !item.tables.empty() || led ||
	    measure_of(singular(fold(item.text))).empty())
		return false;
	if (is_table() || (is_column() && here().joined && tells_of(here(), item)))
		return false;
	return index == 0 || (items[index - 1].key != Key::named && !holds(items[index - 1], item) &&
	                      !has_value_of(items[index - 1], item) &&
	                      !(item.joined && item.before.empty() && tells_of(items[index - 1], item)));
}

/* "Sales budget", "Sales salary": of the rows that have the value, or of rows right below these; no amount sold. */
bool
Grammar::tells_of(const Item &column, const Item &value) const
{
	Refs const sold = measured_columns(lexicon, "revenue", -1);
	return std::any_of(column.columns.begin(), column.columns.end(), [&](const Ref &ref) {
		lexicon.breathe();
		return std::any_of(value.values.begin(), value.values.end(), [&](const Ref &of) {
			auto const &steps = lexicon.steps(ref.table);
			bool const below = std::any_of(steps.begin(), steps.end(),
			                               [&](const Step &step) { return step.up && step.to == of.table; });
			return of.table == ref.table || (below && !holds_column_of(sold, ref));
		});
	});
}

/* Is a column of that table known to have the value? */
bool
Grammar::has_value_of(const Item &table, const Item &value)
{
	return std::any_of(value.values.begin(), value.values.end(), [&](const Ref &of) { return table.names(of.table); });
}

bool
Grammar::turns(const Item &value, const Item &next)
{
	return !next.before.empty() && next.before != value.before && (next.before == "from" || next.before == "to");
}

bool
Grammar::same_column(const Item &a, const Item &b) const
{
	if (a.key == Key::literal && b.key == Key::literal && a.values.empty() && b.values.empty())
		return true;
	return std::any_of(a.values.begin(), a.values.end(), [&](const Ref &left) {
		lexicon.breathe();
		return std::any_of(b.values.begin(), b.values.end(),
		                   [&](const Ref &right) { return left.same_column(right) && left.value != right.value; });
	});
}

void
Grammar::named()
{
	if (!is_value())
		refuse();
	value_filter(false);
}

void
Grammar::like(const Noun &column)
{
	Key const how = take().key;
	if (!more() || !here().before.empty() || (here().key != Key::literal && here().key != Key::thing))
		refuse();
	Clause clause;
	clause.filter.what = What::like;
	clause.filter.noun = column;
	clause.filter.pattern = how == Key::contains ? 'c' : how == Key::starts ? 's' : 'e';
	clause.filter.values.push_back(&take());
	add(clause);
}

} // namespace tenancy::ask
