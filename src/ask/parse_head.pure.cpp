/*
 * What a question asks for: rows, a measure, the first of a ranking. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/conditions.pure.hpp"
#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

Draft
Grammar::run()
{
	head();
	while (more()) {
		bool const alternative = disjunction;
		/* Words that only lead to what "or" joins. */
		bool const leads = is(Key::with) || is(Key::who) || is(Key::which);
		tail();
		if (alternative && disjunction && !leads && pending_verb == nullptr)
			refuse_alternative();
	}
	if (disjunction)
		refuse_alternative();
	if (pending_verb != nullptr)
		finish_verb();
	verbs();
	return std::move(draft);
}

void
Grammar::refuse_alternative()
{
	throw Refusal{"it is not clear what \"or\" joins"};
}

void
Grammar::head()
{
	while (is(Key::who) || is(Key::which)) {
		asks_which = true;
		++at;
	}
	if (is(Key::count) || is(Key::function) || is(Key::much) || is_extreme_of_column())
		return measured_head();
	if (is_total_of_rows())
		return draft.measures.push_back({Function::sum, noun(true), false});
	if (is(Key::top) || is(Key::bottom) || is(Key::most) || is(Key::fewest) || (is(Key::number) && ranks(1)) ||
	    (is(Key::adjective) && here().superlative))
		return ranked_head();
	listed_head();
}

bool
Grammar::is_extreme_of_column() const
{
	std::size_t ahead = 0;
	while (is(Key::function, ahead) || is(Key::conjunction, ahead) ||
	       (is(Key::adjective, ahead) && items[at + ahead].measure == "any" && items[at + ahead].superlative))
		++ahead;
	return ahead > 0 && is_column(ahead) && (rather_column(items[at + ahead]) || !is_table(ahead));
}

bool
Grammar::is_total_of_rows() const
{
	if (!asks_which || !is(Key::thing) || !here().tables.empty() || here().plural || !has_exact(here().columns) ||
	    !fold(here().text).starts_with("total") || !is(Key::thing, 1) || items[at + 1].before != "of")
		return false;
	const Item *const rows = is_table(1) ? &items[at + 1] : described(1);
	return rows != nullptr && rows->plural && is_column_of(here(), *rows);
}

bool
Grammar::ranks(std::size_t ahead) const
{
	return is(Key::most, ahead) || is(Key::fewest, ahead) ||
	       (is(Key::adjective, ahead) && items[at + ahead].superlative);
}

void
Grammar::measured_head()
{
	if (accept(Key::much)) {
		accept(Key::function);
		DraftMeasure sum{Function::sum, {}, false};
		head_modifiers();
		sum.noun = noun(true);
		if (!sum.noun.column)
			refuse();
		draft.measures.push_back(sum);
		return;
	}
	for (auto const &measure : measures(true))
		draft.measures.push_back(measure);
}

std::vector<DraftMeasure>
Grammar::measures(bool modifiers)
{
	std::vector<DraftMeasure> out;
	summed = is(Key::function) && fold(here().text) != "total";
	do {
		if (accept(Key::count)) {
			bool const different = accept(Key::different);
			out.push_back({Function::count, {}, different, different});
		} else if (is(Key::function) && !(out.size() > 0 && is_last_function()))
			out.push_back({take().function, {}, false});
		else if (is(Key::adjective) && here().measure == "any" && here().superlative)
			out.push_back({take().descending ? Function::maximum : Function::minimum, {}, false});
		else
			refuse();
		if (is(Key::count) && out.back().function == Function::sum && out.size() == 1)
			out.clear();
		else if (is(Key::count) || (is(Key::function) && !is_last_function() && !items[at - 1].comma))
			throw Refusal{"one function inside of another is beyond what is understood here"};
	} while (out.empty() || (!out.back().distinct && joins_functions()));
	if (modifiers)
		head_modifiers();
	finish_measures(out);
	return out;
}

bool
Grammar::is_last_function() const
{
	return is(Key::function) && !here().columns.empty() && !is(Key::thing, 1) && !is(Key::function, 1);
}

bool
Grammar::joins_functions()
{
	bool const comma = at > 0 && items[at - 1].comma;
	std::size_t const joint = is(Key::conjunction) ? 1 : 0;
	if (!comma && joint == 0)
		return false;
	if (!is(Key::function, joint) &&
	    !(is(Key::adjective, joint) && items[at + joint].superlative && items[at + joint].measure == "any"))
		return false;
	at += joint;
	return true;
}

void
Grammar::finish_measures(std::vector<DraftMeasure> &out)
{
	DraftMeasure &last = out.back();
	last.noun = noun(last.function != Function::count || last.distinct);
	if (!last.noun)
		return need_noun(out);
	if (last.function == Function::count && last.noun.column != nullptr && !last.distinct)
		refuse_adjective();
	if (last.function == Function::count && last.noun.column != nullptr && !last.distinct)
		last.distinct = true; /* or a sum, where the column is a number: the builder knows */
	if (last.function != Function::count && last.noun.column == nullptr) {
		if (is_column() && here().before == "of")
			last.noun.column = &take();
		else if (last.function == Function::sum && out.size() == 1 && !summed && !has_amounts(*last.noun.table))
			last.function = Function::count;
		else
			throw Refusal{"it is not told which column of " + last.noun.table->text + " is meant"};
	}
	/* "lowest score and highest score" */
	std::size_t const joint = is(Key::conjunction) ? 1 : 0;
	if (joint == 1 && last.function != Function::count &&
	    (is(Key::function, 1) || (is(Key::adjective, 1) && items[at + 1].superlative))) {
		++at;
		Noun const shared = last.noun;
		for (auto &measure : out)
			measure.noun = shared;
		for (auto const &measure : measures(false))
			out.push_back(measure);
		return;
	}
	for (auto &measure : out)
		measure.noun = last.noun;
}

/* "total payments" may be how many they are, or how much; "total orders", asked for, is how many. */
bool
Grammar::has_amounts(const Item &table) const
{
	bool const head = !draft.subject && draft.shown.empty();
	return std::any_of(table.tables.begin(), table.tables.end(), [&](const Ref &ref) {
		auto const &words = lexicon.facts(ref.table).words;
		bool const orders = head && words.size() == 1 && concept_of(words[0]) == "order";
		return !orders && !measured_columns(lexicon, "amount", ref.table).empty();
	});
}

void
Grammar::need_noun(std::vector<DraftMeasure> &out)
{
	/* "how many bugs", where bug is a value: rows of the table that has it. */
	if (out.size() == 1 && out[0].function == Function::count && !out[0].distinct && !draft.clauses.empty())
		return;
	refuse();
}

void
Grammar::ranked_head()
{
	Ranking ranking;
	if (is(Key::number))
		ranking.rows = rows_of(take());
	if (is(Key::top) || is(Key::bottom)) {
		ranking.descending = take().key == Key::top;
		if (is(Key::number))
			ranking.rows = rows_of(take());
		else
			throw Refusal{"it is not told how many rows are wanted"};
	}
	if (is(Key::number) && ranking.rows == 0)
		ranking.rows = rows_of(take());
	if (ranks(0))
		superlative(ranking);
	head_modifiers();
	draft.subject = noun(false);
	if (!draft.subject)
		refuse();
	const Item &last = draft.subject.column ? *draft.subject.column : *draft.subject.table;
	if (ranking.by && ranking.by->noun.table == nullptr && ranking.by->noun.column == nullptr &&
	    ranking.by->function == Function::count)
		refuse();
	/* "lowest interest rate" is a number; "longest appointment" is a row. */
	if (draft.subject.column && ranking.measure == "any" && ranking.rows == 0) {
		draft.measures.push_back({ranking.descending ? Function::maximum : Function::minimum, draft.subject, false});
		draft.subject = {};
		return;
	}
	if (ranking.rows == 0) {
		if (last.plural)
			throw Refusal{"it is not told how many rows are wanted"};
		ranking.rows = 1;
	}
	draft.ranking = ranking;
}

int
Grammar::rows_of(const Item &item)
{
	if (item.ordinal || item.value < 1 || item.value > 100'000 || item.value != static_cast<int>(item.value))
		throw Refusal{"\"" + item.text + "\" is no number of rows"};
	return static_cast<int>(item.value);
}

void
Grammar::superlative(Ranking &ranking)
{
	if (is(Key::adjective)) {
		ranking.measure = here().measure;
		ranking.descending = take().descending;
		return;
	}
	bool const most = take().key == Key::most;
	if (is(Key::adjective) && !here().superlative) {
		ranking.measure = here().measure;
		ranking.descending = most == take().descending;
		return;
	}
	ranking.descending = most;
	if (is(Key::thing) && here().tables.empty() && here().columns.empty() && !here().acts.empty())
		ranking.by = DraftMeasure{Function::count, {&take(), nullptr}, false};
	else
		refuse();
}

void
Grammar::head_modifiers()
{
	while (more()) {
		bool const negated = is(Key::negation);
		std::size_t const ahead = negated ? 1 : 0;
		bool const noun_too = is_table(ahead) || (is_column(ahead) && !is_flag(ahead));
		const Item *const of = is_flag(ahead) ? described(ahead) : nullptr;
		bool const own_flag =
			of != nullptr && is_flag_of(items[at + ahead], *of) && !has_value_of(*of, items[at + ahead]);
		if (is_value(ahead) && !noun_too && !own_flag) {
			at += ahead;
			value_filter(negated);
		} else if (is_flag(ahead) && !is_table(ahead) && (is_table(ahead + 1) || is_value(ahead + 1))) {
			at += ahead;
			flag_filter(negated);
		} else if (is(Key::disjunction) && is_value(1)) {
			++at;
			disjunction = true;
		} else
			break;
	}
}

void
Grammar::listed_head()
{
	head_modifiers();
	if (accept(Key::different))
		draft.distinct = true;
	for (;;) {
		Noun const found = noun(false);
		if (!found)
			break;
		if (found.column == nullptr) {
			draft.subject = found;
			break;
		}
		if (found.table != nullptr) {
			draft.subject = {found.table, nullptr};
			draft.shown.push_back(found);
			return;
		}
		if (at >= 2 && items[at - 2].key == Key::who &&
		    (std::all_of(found.column->columns.begin(), found.column->columns.end(),
		                 [this](const Ref &ref) { return lexicon.facts(ref).kind == Kind::boolean; }) ||
		     !has_exact(found.column->columns)))
			throw Refusal{"it is not told who"};
		draft.shown.push_back(found);
		if (!asks_which && singular(fold(found.column->text)) != "name")
			refuse_adjective();
		bool const joined = is(Key::conjunction) ? (is_column(1) || is_table(1)) : items[at - 1].comma && is_column();
		if (!joined)
			break;
		accept(Key::conjunction);
	}
	if (draft.subject && draft.subject.table->possessive)
		possessed();
	else if (draft.subject)
		also_shown();
	else if (!draft.shown.empty())
		owner();
	if (!draft.subject && draft.shown.empty() && draft.clauses.empty() && draft.measures.empty())
		refuse();
}

void
Grammar::possessed()
{
	do {
		if (!is_column())
			refuse();
		draft.shown.push_back({draft.subject.table, &take()});
	} while (accept(Key::conjunction));
}

void
Grammar::also_shown()
{
	bool const listed = is(Key::conjunction) || is(Key::with);
	if (listed && is(Key::count, 1)) {
		++at;
		for (auto const &measure : measures(false))
			draft.measures.push_back(measure);
		draft.groups.push_back({draft.subject, Bucket::none});
		draft.grouped_at = draft.clauses.size();
		draft.subject = {};
		return;
	}
	while ((is(Key::conjunction) || (is(Key::with) && here().before_their)) && is_column(1) &&
	       (!is_table(1) || rather_column(items[at + 1])) && !is_flag(1) && !is_condition(2) && !is(Key::date, 2)) {
		++at;
		draft.shown.push_back({nullptr, &take()});
	}
}

bool
Grammar::is_condition(std::size_t ahead) const
{
	return is(Key::compare, ahead) || is(Key::number, ahead) || is(Key::between, ahead) || is_value(ahead);
}

void
Grammar::owner()
{
	bool const of = more() && here().before == "of";
	head_modifiers();
	if (is_table() && !draft.subject) {
		draft.subject = noun(false);
		if (draft.subject.column != nullptr)
			refuse();
	}
	bool const plural = draft.shown.size() == 1 && draft.shown[0].column->plural;
	if (!of && plural && (asks_which || !draft.subject))
		draft.distinct = true;
}

Draft
read_draft(const Lexicon &lexicon, const std::vector<Item> &items)
{
	return Grammar(lexicon, items).run();
}

} // namespace tenancy::ask
