/*
 * Verbs that nothing in the schema is named by, and what of the question makes up for it. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

void
Grammar::verbs()
{
	at = 0; /* looks ahead are from the first item */
	for (std::size_t i = 0; i < items.size(); ++i) {
		const Item &item = items[i];
		if (!item.verb.empty()) {
			DraftVerb verb = verb_before(i + 1);
			verb.word = item.verb;
			verb.measures = !item.columns.empty() && item.tables.empty();
			/* "did NordCargo carry" */
			if (!verb.complete && !item.values.empty() && item.tables.empty() && item.before.empty()) {
				verb.complete = true;
				verb.value = &item;
			}
			draft.verbs.push_back(std::move(verb));
		} else if (!item.acts.empty() && item.tables.empty() && item.values.empty()) {
			DraftVerb verb = verb_before(i + 1);
			verb.word = item.text;
			verb.named = &item;
			verb.dated = verb.dated && item.verbs.empty();
			draft.verbs.push_back(std::move(verb));
		}
	}
}

DraftVerb
Grammar::verb_before(std::size_t next) const
{
	DraftVerb verb;
	verb.dated = is_dated(next);
	std::size_t const completed = completion(next);
	verb.complete = completed < items.size();
	if (verb.complete && is_value(completed))
		verb.value = &items[completed];
	return verb;
}

bool
Grammar::is_dated(std::size_t next) const
{
	return is(Key::date, next) ||
	       ((is(Key::per, next) || is(Key::by, next) || is(Key::each, next)) && is(Key::bucket, next + 1));
}

/*
 * What the verb was done to, with or by: a table, a value, so many of a table; the number of items when there is none.
 */
std::size_t
Grammar::completion(std::size_t next) const
{
	if (is(Key::by, next))
		return is_value(next + 1) && !is_table(next + 1) && !is_column(next + 1) ? next + 1 : items.size();
	while (is(Key::none, next) || is(Key::negation, next) || is(Key::different, next) || is(Key::most, next) ||
	       is(Key::fewest, next))
		++next;
	bool const counted = is(Key::compare, next) || is(Key::number, next);
	while (is(Key::compare, next) || is(Key::number, next) || is(Key::or_more, next) || is(Key::or_less, next))
		++next;
	bool const tabled = is(Key::thing, next) && (is_table(next) || is_column(next) || !items[next].acts.empty());
	return tabled || (!counted && is_value(next)) ? next : items.size();
}

void
Grammar::check_every() const
{
	std::string const word = fold(here().text);
	bool const every = word.ends_with("every");
	if (!every && !word.ends_with("each"))
		return;
	auto const is_of_others = [](const Clause &clause) {
		return clause.what == Clause::What::mention || clause.what == Clause::What::relation;
	};
	bool const others = std::any_of(draft.clauses.begin(), draft.clauses.end(), is_of_others);
	bool const done = others && draft.clauses.back().act && draft.clauses.back().table == &items[at - 1];
	if (draft.measures.empty() ? others : every && done)
		throw Refusal{"it is not clear what is asked of \"" + here().text + "\""};
}

} // namespace tenancy::ask
