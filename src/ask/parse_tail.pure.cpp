/*
 * What a question says of its subject: groups, order, dates, comparisons. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/conditions.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

using What = DraftFilter::What;

void
Grammar::tail()
{
	switch (here().key) {
	case Key::per: return check_every(), ++at, groups();
	case Key::each: return check_every(), ++at, is_table() || is_column() || is(Key::bucket) ? groups() : void();
	case Key::by: return by();
	case Key::order: return ordering();
	case Key::ascending:
	case Key::descending: return direction();
	case Key::compare:
	case Key::between: return comparison({}, {});
	case Key::adjective: return adjectives();
	case Key::most:
	case Key::fewest:
	case Key::function: return ranked_tail();
	case Key::with: return with();
	case Key::without:
	case Key::none: return absence();
	case Key::negation: return negation();
	case Key::out: return exhausted();
	case Key::date: return dated();
	case Key::number: return counted();
	case Key::conjunction: return joint();
	case Key::who:
	case Key::which: ++at; return;
	case Key::disjunction:
		refuse_shared_end();
		++at;
		disjunction = true;
		return;
	case Key::named: return ++at, named();
	case Key::contains:
	case Key::starts:
	case Key::ends: return like({});
	case Key::literal: return named();
	case Key::thing: return thing();
	case Key::times: return times();
	default: refuse();
	}
}

bool
Grammar::may_leave_out() const
{
	if (at == 0 || fold(here().text) != "but" || !here().verb.empty() || !(is_value(1) || is_flag(1)))
		return false;
	const Item &last = items[at - 1], &next = items[at + 1];
	if (!next.before.empty() || !last.values.empty())
		return false;
	auto const is_name = [this](const Ref &ref) {
		auto const &names = lexicon.facts(ref.table).names;
		return std::find(names.begin(), names.end(), ref.column) != names.end();
	};
	bool const name =
		!is_flag(1) && (next.values.empty() || std::any_of(next.values.begin(), next.values.end(), is_name));
	bool const told = !draft.clauses.empty() && draft.clauses.back().filter.noun.column == &last;
	return !last.tables.empty() || (!last.columns.empty() && (name || !told));
}

void
Grammar::joint()
{
	if (may_leave_out())
		throw Refusal{"it is not clear whether \"" + items[at + 1].text + "\" is what \"but\" leaves out"};
	refuse_shared_end();
	conjoined = draft.clauses.size();
	++at;
}

bool
Grammar::is_deed_at(std::size_t index) const
{
	if (index >= items.size())
		return false;
	const Item &item = items[index];
	bool const named_by_verb = item.tables.empty() && !has_exact(item.columns);
	return !item.verb.empty() || (named_by_verb && (!item.acts.empty() || !item.verbs.empty()));
}

void
Grammar::refuse_shared_end() const
{
	std::size_t const denied = is(Key::negation, 1) || is(Key::none, 1) ? 1 : 0;
	/* "did not review" is spelled like the table. */
	bool const plain =
		is(Key::negation, 1) && is(Key::thing, 2) && !items[at + 2].plural && !items[at + 2].acts.empty();
	if (at == 0 || !is_deed_at(at - 1) || !(plain || is_deed_at(at + 1 + denied)))
		return;
	const Item &deed = items[at - 1];
	std::string const &verb = deed.verb.empty() ? deed.text : deed.verb;
	if (is(Key::date, 2 + denied) || (is_value(2 + denied) && items[at + 2 + denied].tables.empty()))
		throw Refusal{"there is no telling whether \"" + items[at + 2 + denied].text + "\" is also said of \"" + verb +
		              "\""};
}

void
Grammar::groups()
{
	do {
		DraftGroup group;
		if (is(Key::bucket))
			group.bucket = take().bucket;
		else
			group.noun = noun(false);
		if (!group.noun && group.bucket == Bucket::none)
			refuse();
		draft.groups.push_back(group);
	} while (more_groups());
	draft.grouped_at = draft.clauses.size();
	if (draft.groups.back().bucket != Bucket::none)
		date_groups();
}

void
Grammar::date_groups()
{
	bool const told =
		is(Key::thing) && here().joined && here().before.empty() && here().tables.empty() && !here().verbs.empty();
	if (told && pending_verb == nullptr && draft.date_verb == nullptr) {
		if (!dates_counted())
			return;
		bool const dated = is(Key::date, 1);
		std::size_t const last = dated ? 1 : 0;
		bool const joins = is(Key::conjunction, last + 1) || is(Key::disjunction, last + 1);
		std::size_t const next = at + last + (joins ? 2 : 1);
		/* "per month opened and closed" */
		if ((joins || items[at + last].comma) && next < items.size() &&
		    (!items[next].verbs.empty() || (!items[next].values.empty() && items[next].before.empty())))
			refuse_date_of_groups();
		draft.date_verb = &here();
		at += dated ? 0 : 1;
	} else if (pending_verb != nullptr) {
		if (draft.date_verb != nullptr)
			refuse_date_of_groups();
		draft.date_verb = pending_verb;
		pending_verb = nullptr;
	}
}

void
Grammar::refuse_date_of_groups()
{
	throw Refusal{"there is no telling by which date the groups are"};
}

bool
Grammar::dates_counted() const
{
	Refs counted;
	auto const add = [&](const Noun &noun) {
		Refs const refs =
			noun.column == nullptr && noun.table != nullptr ? noun.table->tables : columns_of(lexicon, noun);
		counted.insert(counted.end(), refs.begin(), refs.end());
	};
	add(draft.subject);
	std::for_each(draft.shown.begin(), draft.shown.end(), add);
	for (auto const &measure : draft.measures)
		add(measure.noun);
	auto const is_counted = [&](const Ref &ref) {
		return std::any_of(counted.begin(), counted.end(), [&](const Ref &of) { return of.table == ref.table; });
	};
	/* Orders lend their date to what was ordered, customers lend none to their orders. */
	auto const lends = [&](const Ref &ref) {
		return lexicon.facts(ref.table).names.empty() &&
		       std::any_of(counted.begin(), counted.end(),
		                   [&](const Ref &of) { return lexicon.rises(of.table, ref.table); });
	};
	const Item &item = here();
	if (counted.empty() || std::any_of(item.verbs.begin(), item.verbs.end(), is_counted))
		return true;
	if (std::any_of(item.values.begin(), item.values.end(), is_counted))
		return false;
	if (!std::any_of(item.verbs.begin(), item.verbs.end(), lends))
		refuse_date_of_groups();
	return true;
}

bool
Grammar::more_groups()
{
	bool const comma = items[at - 1].comma;
	std::size_t const joint = is(Key::conjunction) ? 1 : 0;
	if (!comma && joint == 0)
		return false;
	std::size_t const repeated = is(Key::by, joint) || is(Key::per, joint) ? 1 : 0;
	if (!is(Key::bucket, joint + repeated) &&
	    !((is_table(joint + repeated) || is_column(joint + repeated)) && !is_condition(joint + repeated + 1)))
		return false;
	at += joint + repeated;
	return true;
}

void
Grammar::by()
{
	++at;
	if (draft.ranking && !draft.ranking->by && draft.ranking->measure.empty() && !draft.ranking->column)
		return rank_by(*draft.ranking);
	if (is_value() && !is_table() && !is_column())
		return value_filter(false);
	if (is_doer())
		return mention(false);
	/* "by scholarship students" tells whose, too. */
	if (const Item *const of = described(); of != nullptr && is_flag()) {
		auto const is_of_them = [&](const DraftMeasure &measure) {
			return measure.noun.column != nullptr && is_column_of(*measure.noun.column, *of);
		};
		/* "average price by discontinued products" is neither of groups nor of some products for sure. */
		if (!of->plural || std::any_of(draft.measures.begin(), draft.measures.end(), is_of_them))
			throw Refusal{"there is no telling whether the groups are by \"" + of->text + "\""};
		return flag_filter(false);
	}
	/* "orders placed by phone" */
	if (is_value() && is_column() && !is_table())
		throw Refusal{"\"" + here().text + "\" may be a value or not"};
	if (draft.ranking && !(is_table() || is_column() || is(Key::bucket)))
		refuse();
	accept(Key::each);
	groups();
}

/* "placed by customers from Germany" tells who did it, "placed by customer" makes groups. */
bool
Grammar::is_doer() const
{
	/* "placed in May by customers" */
	std::size_t const back = at > 2 && items[at - 2].key == Key::date ? 3 : 2;
	if (at < back)
		return false;
	const Item &deed = items[at - back];
	bool const done = !deed.verb.empty() || ((!deed.acts.empty() || !deed.verbs.empty()) && deed.tables.empty());
	return done && is_table() && (here().plural || (is_value(1) && items[at + 1].joined));
}

void
Grammar::rank_by(Ranking &ranking)
{
	if (is(Key::count) || (is(Key::function) && !is_last_function())) {
		auto const all = measures(false);
		if (all.size() != 1)
			refuse();
		ranking.by = all[0];
		return;
	}
	Noun const found = noun(true);
	if (!found)
		refuse();
	if (found.column != nullptr)
		ranking.column = found;
	else
		ranking.by = DraftMeasure{Function::count, found, false};
}

void
Grammar::ordering()
{
	if (draft.order)
		throw Refusal{"it is told twice what to sort by"};
	/* "customers who ordered by phone" */
	if (is_flag(1) && is_table(2) && fold(here().text) == "ordered by")
		throw Refusal{"it is not clear whether \"" + items[at + 2].text + "\" have ordered, or tell the order of rows"};
	bool const done = (at > 0 && items[at - 1].key == Key::who) || is_value(1);
	if (done && is_column(1) && fold(here().text) == "ordered by")
		throw Refusal{"\"" + items[at + 1].text + "\" may be how it was ordered, or the order of the rows"};
	++at;
	DraftOrder order;
	if (is(Key::count) || (is(Key::function) && !is_last_function())) {
		auto const all = measures(false);
		if (all.size() != 1)
			refuse();
		order.by = all[0];
	} else {
		order.noun = noun(true);
		if (!order.noun)
			refuse();
	}
	order.descending = is(Key::descending);
	if (is(Key::descending) || is(Key::ascending))
		++at;
	draft.order = order;
}

void
Grammar::direction()
{
	bool const descending = take().key == Key::descending;
	if (draft.order)
		draft.order->descending = descending;
	else if (!draft.measures.empty()) {
		draft.order = DraftOrder{{}, std::nullopt, true, descending};
	} else
		throw Refusal{"it is not told what to sort by"};
}

void
Grammar::adjectives()
{
	if (here().superlative)
		return ranked_tail();
	const Item &item = take();
	if (!is(Key::number))
		throw Refusal{"\"" + item.text + "\" is told without a measure"};
	/* An adjective of age looks to the day of birth when it ranks: the older, the earlier. */
	comparison({}, item.measure, item.descending != (item.measure == "age"));
}

void
Grammar::ranked_tail()
{
	if (draft.ranking || !draft.measures.empty())
		refuse();
	Ranking ranking;
	ranking.rows = 1;
	if (is(Key::most) || is(Key::fewest) || (is(Key::adjective) && here().measure == "any")) {
		bool const counted_too = is(Key::adjective) && is(Key::count, 1);
		bool const most = is(Key::adjective) ? here().descending : is(Key::most);
		ranking.descending = most;
		bool const plain = is(Key::adjective);
		++at;
		if (counted_too || is(Key::function))
			return finish_ranking(ranking);
		Noun const found = noun(plain);
		if (!found)
			refuse();
		if (found.column != nullptr)
			ranking.column = found;
		else
			ranking.by = DraftMeasure{Function::count, found, false};
		draft.ranking = ranking;
		return;
	}
	if (is(Key::function) && (here().function == Function::maximum || here().function == Function::minimum)) {
		ranking.descending = take().function == Function::maximum;
		ranking.column = noun(true);
		if (!ranking.column.column)
			refuse();
		draft.ranking = ranking;
		return;
	}
	refuse();
}

void
Grammar::finish_ranking(Ranking &ranking)
{
	auto const all = measures(false);
	if (all.size() != 1)
		refuse();
	ranking.by = all[0];
	draft.ranking = ranking;
}

} // namespace tenancy::ask
