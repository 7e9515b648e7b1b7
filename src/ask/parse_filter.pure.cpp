/*
 * Conditions in words: with and without, values, what is there and what is not. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/conditions.pure.hpp"
#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

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
		if (std::any_of(table.tables.begin(), table.tables.end(), [&](const Ref &of) { return of.table == ref.table; }))
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

void
Grammar::value_filter(bool negated, const Noun &column)
{
	Clause clause;
	clause.filter.what = What::value;
	clause.filter.noun = column;
	clause.filter.negated = negated;
	clause.filter.tied = !here().before.empty() && !is_apart(at);
	if (const Item *const of = negated || column ? nullptr : described(); of != nullptr && has_value_of(*of, here()))
		clause.filter.of = of;
	bool any = false;
	if (negated)
		clause.filter.beside = column.table != nullptr ? column.table : denied_beside();
	/* "enrolled in Algebra and Geometry" is of both; "in Algebra and Geometry", or "orders that are pending and
	 * shipped", may be of either. */
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
	return std::any_of(value.values.begin(), value.values.end(), [&](const Ref &of) {
		return std::any_of(table.tables.begin(), table.tables.end(),
		                   [&](const Ref &ref) { return ref.table == of.table; });
	});
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
	bool const verb_only = std::all_of(item.columns.begin(), item.columns.end(), [this](const Ref &ref) {
		Kind const kind = lexicon.facts(ref).kind;
		return ref.tier != Tier::exact && (kind == Kind::date || kind == Kind::moment);
	});
	if (!item.acts.empty() && item.tables.empty() && item.values.empty() && verb_only)
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
