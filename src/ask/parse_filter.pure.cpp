/*
 * Conditions in words: with and without, values, what is there and what is not. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/conditions.pure.hpp"

namespace tenancy::ask {

using What = DraftFilter::What;

void
Grammar::with()
{
	/* "customers with their orders" are all customers. */
	if (here().before_their && !is(Key::function, 1) && !is(Key::count, 1))
		throw Refusal{"it is not clear whether \"with their\" tells what is there or what is to be shown"};
	++at;
	if (is_table() && !is_column_of_next()) {
		if (is_value() && !is_plain_table())
			return value_filter(false);
		return relation(Op::present, {});
	}
	if (is(Key::function) && is_column() && (is(Key::compare, 1) || is(Key::between, 1) || is(Key::number, 1)))
		return column_clause();
	if ((is(Key::function) || is(Key::count)) && draft.measures.empty() && !draft.ranking)
		having();
}

void
Grammar::having()
{
	std::size_t const begun = at;
	auto const all = measures(false);
	if (!is(Key::compare) || !is(Key::number, 1)) {
		at = begun;
		return;
	}
	if (all.size() != 1 || draft.having)
		throw Refusal{"only one measure of the groups can be compared"};
	draft.having = all[0];
	draft.having_op = take().op;
	draft.having_number = take().digits;
}

void
Grammar::relation(Op op, std::string count)
{
	Clause clause;
	clause.what = Clause::What::relation;
	clause.op = op;
	clause.count = std::move(count);
	clause.act = here().tables.empty();
	clause.several = names_several(clause.act);
	tie(clause, !clause.act && (clause.count.empty() || is_attribute(at)));
	clause.table = &take();
	draft.clauses.push_back(clause);
}

void
Grammar::exhausted()
{
	++at;
	if (!is_column())
		refuse();
	Clause clause;
	clause.filter.what = What::compare;
	clause.filter.noun.column = &take();
	clause.filter.numbers = {"0"};
	add(clause);
}

void
Grammar::skip_to_noun()
{
	while (is(Key::different))
		++at;
}

void
Grammar::column_is(DraftFilter::What what)
{
	Clause clause;
	clause.filter.what = what;
	if (what == What::missing)
		clause.filter.beside = denied_beside();
	const Item &item = take();
	clause.filter.noun.column = &item;
	add(clause);
}

void
Grammar::times(Op op, const std::string &count)
{
	++at;
	for (auto clause = draft.clauses.rbegin(); clause != draft.clauses.rend(); ++clause)
		if (clause->what == Clause::What::mention && clause->act) {
			clause->what = Clause::What::relation;
			clause->op = op;
			clause->count = count;
			return;
		}
	throw Refusal{"it is not told what happened so many times"};
}

bool
Grammar::is_flag(std::size_t ahead) const
{
	if (!is(Key::thing, ahead) || items[at + ahead].columns.empty())
		return false;
	const Item &item = items[at + ahead];
	if (std::all_of(item.columns.begin(), item.columns.end(),
	                [this](const Ref &ref) { return lexicon.facts(ref).kind == Kind::boolean; }))
		return true;
	const Item *const behind = table_behind(at + ahead);
	return (is_table(ahead + 1) && items[at + ahead + 1].joined && is_flag_of(item, items[at + ahead + 1])) ||
	       (behind != nullptr && is_flag_of(item, *behind));
}

bool
Grammar::is_flag_of(const Item &flag, const Item &table) const
{
	bool found = false, other = false;
	for (auto const &ref : flag.columns) {
		lexicon.breathe();
		if (table.names(ref.table))
			(lexicon.facts(ref).kind == Kind::boolean ? found : other) = true;
	}
	return found && !other;
}

void
Grammar::refuse_adjective() const
{
	if (is_table() && here().joined && here().before.empty() && !items[at - 1].comma)
		throw Refusal{"there is no telling which \"" + here().text + "\" are \"" + items[at - 1].text + "\""};
}

void
Grammar::flag_filter(bool negated)
{
	Clause clause;
	clause.filter.what = What::flag;
	clause.filter.of = described();
	if (negated)
		clause.filter.beside = denied_beside();
	clause.filter.noun.column = &take();
	clause.filter.negated = negated;
	add(clause);
}

bool
Grammar::are_alike(const DraftFilter &a, const DraftFilter &b) const
{
	if (a.what != b.what)
		return false;
	switch (a.what) {
	case What::value: return same_column(*a.values[0], *b.values[0]);
	case What::compare: return !b.noun || (a.noun.column != nullptr && a.noun.column->text == word_of(b));
	case What::date: return a.verb == b.verb;
	default: return false;
	}
}

void
Grammar::add(Clause clause)
{
	if (disjunction) {
		if (draft.clauses.empty() || draft.clauses.back().what != Clause::What::filter)
			refuse_alternative();
		Clause &before = draft.clauses.back();
		/* "paid and over 1000 or from Paris" */
		if (conjoined > 0 && conjoined + 1 == draft.clauses.size() && !are_alike(before.filter, clause.filter))
			refuse_alternative();
		if (before.filter.alternative < 0)
			before.filter.alternative = alternatives++;
		clause.filter.alternative = before.filter.alternative;
		/* "below 200 or over 2000": of the same column */
		if (!clause.filter.noun && clause.filter.what == What::compare && before.filter.what == What::compare)
			clause.filter.noun = before.filter.noun;
		disjunction = false;
	}
	draft.clauses.push_back(std::move(clause));
}

void
Grammar::thing()
{
	const Item &item = here();
	bool const dated_next =
		is(Key::date, 1) || (is(Key::per, 1) && is(Key::bucket, 2)) || (is(Key::by, 1) && is(Key::bucket, 2));
	if (!item.verbs.empty() && dated_next && item.tables.empty()) {
		pending_verb = &take();
		return;
	}
	if (!item.acts.empty() && item.tables.empty() && item.values.empty() && is_verb_only(item))
		return mention(true);
	if (!item.acts.empty() && is(Key::compare, 1) && is(Key::number, 2) && is(Key::times, 3))
		return mention(true);
	const Item *const of = described();
	bool const of_values = of != nullptr && has_value_of(*of, item) && !is_flag_of(item, *of);
	if (is_flag() && !of_values)
		return flag_filter(false);
	bool const behind_with =
		at > 0 && (items[at - 1].key == Key::with || (items[at - 1].key == Key::conjunction && at > 1 &&
	                                                  items[at - 2].key == Key::thing && !draft.clauses.empty() &&
	                                                  (draft.clauses.back().filter.what == What::present ||
	                                                   draft.clauses.back().filter.what == What::missing)));
	if (!item.values.empty() && behind_with && (!item.roles.empty() || has_exact(item.columns)) && !is_condition(1) &&
	    !of_values)
		throw Refusal{"\"" + item.text + "\" may be a value or not"};
	if (!item.values.empty() && item.tables.empty() && (item.columns.empty() || of_values || !is_condition(1)))
		return value_filter(false);
	if (is_column() && (rather_column(item) || item.tables.empty()))
		return column_clause();
	if (!item.tables.empty()) {
		if (!draft.subject && draft.measures.empty() && !draft.shown.empty()) {
			draft.subject = {&take(), nullptr};
			return;
		}
		return mention(false);
	}
	if (!item.acts.empty())
		return mention(true);
	if (!item.verbs.empty() && item.roles.empty())
		return verb_without_date();
	if (!item.roles.empty())
		return mention_role();
	refuse();
}

/* "customer orders" are orders, of which the rows of customers would be no answer; not "orders customers placed". */
bool
Grammar::is_one_noun(const Item &first) const
{
	const Item &second = here();
	if (!second.joined || !second.before.empty() || second.tables.empty() || first.tables.empty() || first.possessive)
		return false;
	bool const done = !second.verb.empty() || (is(Key::thing, 1) && !items[at + 1].acts.empty() && !is_table(1));
	return !done || !lexicon.rises(first.tables[0].table, second.tables[0].table);
}

void
Grammar::mention(bool act)
{
	if (!act && at > 0 && (items[at - 1].key == Key::conjunction || items[at - 1].comma))
		refuse();
	if (!act && at > 0 && is_one_noun(items[at - 1]))
		throw Refusal{"there is no telling whether \"" + items[at - 1].text + " " + here().text + "\" are " +
		              items[at - 1].text + " or " + here().text};
	Clause clause;
	clause.what = Clause::What::mention;
	clause.act = act;
	clause.several = names_several(act);
	tie(clause, here().before.empty() && is_attribute(at));
	clause.table = &take();
	draft.clauses.push_back(clause);
}

void
Grammar::mention_role()
{
	Clause clause;
	clause.what = Clause::What::role;
	clause.table = &take();
	draft.clauses.push_back(clause);
}

void
Grammar::column_clause()
{
	Noun const column = noun(true);
	if ((is(Key::compare) || is(Key::between)) && column.column->columns.empty())
		return comparison({}, column.column->measure);
	if (is(Key::compare) || is(Key::between))
		return comparison(column, {});
	if (is(Key::adjective) && here().measure == "any" && !here().superlative && is(Key::number, 1)) {
		bool const up = take().descending;
		return comparison(column, "any", up);
	}
	if (is(Key::number))
		return comparison(column, {});
	bool const negated = is(Key::negation) && is_value(1);
	if (negated || is_value()) {
		at += negated ? 1 : 0;
		return value_filter(negated, column);
	}
	if (is(Key::contains) || is(Key::starts) || is(Key::ends))
		return like(column);
	if (is(Key::date)) {
		pending_verb = column.column;
		return;
	}
	refuse_adjective();
	if (is_present_only())
		return present(column);
	throw Refusal{"there is no telling what is asked of \"" + column.column->text + "\""};
}

void
Grammar::present(const Noun &column)
{
	Clause clause;
	clause.filter.what = What::present;
	clause.filter.noun = column;
	add(clause);
}

} // namespace tenancy::ask
