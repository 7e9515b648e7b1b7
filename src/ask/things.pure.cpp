/*
 * What words stand for that are no structure: names of the schema, as they are, by their root or misspelled, and what
 * English says of any schema. Pure regime.
 */
#include "ask/recogniser.pure.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ask/phrases.pure.hpp"

namespace tenancy::ask {

namespace {

std::string
signs_of(const std::string &value)
{
	std::string signs;
	for (auto const &word : split_question(value))
		signs += word.signs;
	return signs;
}

/* Verbs whose columns are named by another word. */
bool
means(const ColumnFacts &column, std::string_view verb)
{
	auto const has = [&column](std::string_view word) {
		return std::find(column.words.begin(), column.words.end(), word) != column.words.end();
	};
	if (verb == "born")
		return has("birth");
	if (verb == "reported")
		return has("created") || has("opened");
	if (verb == "joined")
		return has("created") || has("registered") || has("signup");
	return (verb == "registered" && (has("created") || has("joined"))) || (verb == "added" && has("created"));
}

} // namespace

void
Recogniser::named(std::size_t count)
{
	std::string const stems = span(count, true), plain = span(count, false), same = meaning(count);
	std::string const folded = count == 1 ? words[at].folded : std::string();
	std::size_t const first = at;
	Item &item = add(Key::thing, count);
	fill(item, stems);
	for (std::string const &text : {plain, same})
		if (item.tables.empty() && item.columns.empty() && item.values.empty() && item.roles.empty())
			fill(item, text);
	keep_typed(item, first);
	if (auto const country = item.values.empty() || count > 1 ? std::string_view() : country_of(words[at - 1].folded);
	    !country.empty())
		for (auto const &ref : lexicon.values(std::string(country)))
			item.values.push_back(ref);
	if (!folded.empty())
		add_verbs(item, folded);
}

void
Recogniser::keep_typed(Item &item, std::size_t first)
{
	std::string typed, signs;
	for (std::size_t i = first; i < at; ++i) {
		typed += (i == first ? "" : " ") + words[i].folded + words[i].signs;
		signs += words[i].signs;
	}
	bool const valued = !item.values.empty();
	std::erase_if(item.values, [&](const Ref &ref) {
		lexicon.breathe();
		return signs_of(value_text(ref)) != signs;
	});
	std::map<std::pair<int, int>, std::set<std::string>> texts;
	for (auto const &ref : item.values)
		texts[{ref.table, ref.column}].insert(fold(value_text(ref)));
	std::erase_if(item.values, [&](const Ref &ref) {
		lexicon.breathe();
		return texts[{ref.table, ref.column}].size() > 1 && fold(value_text(ref)) != typed;
	});
	if (valued && item.values.empty() && item.tables.empty() && item.columns.empty())
		unknown.push_back(item.text + signs);
}

void
Recogniser::fill(Item &item, const std::string &text) const
{
	item.tables = lexicon.tables(text);
	item.columns = lexicon.columns(text);
	item.values = lexicon.values(text);
	for (auto const &ref : item.columns)
		if (lexicon.facts(ref).foreign_key >= 0)
			item.roles.push_back(ref);
	std::erase_if(item.columns, [this](const Ref &ref) { return lexicon.facts(ref).foreign_key >= 0; });
}

void
Recogniser::add_verbs(Item &item, const std::string &folded) const
{
	if (folded.size() < 4)
		return;
	for (auto const &ref : verbal(folded))
		if (ref.column < 0)
			item.acts.push_back(ref);
		else
			(lexicon.facts(ref).foreign_key >= 0 ? item.roles : item.verbs).push_back(ref);
}

Refs
Recogniser::verbal(const std::string &folded) const
{
	Refs found;
	std::string const wanted = root(folded);
	auto const shares = [&](const std::string &other) { return share_root(wanted, other); };
	for (int t = 0; t < static_cast<int>(lexicon.schema().tables.size()); ++t) {
		lexicon.breathe();
		auto const &facts = lexicon.facts(t);
		if (std::any_of(facts.roots.begin(), facts.roots.end(), shares))
			found.push_back({t, -1, -1, Tier::part});
		for (int c = 0; c < static_cast<int>(facts.columns.size()); ++c) {
			auto const &column = facts.columns[static_cast<std::size_t>(c)];
			if (std::any_of(column.roots.begin(), column.roots.end(), shares) ||
			    (!column.roots.empty() && means(column, folded)))
				found.push_back({t, c, -1, Tier::part});
		}
	}
	return found;
}

void
Recogniser::other()
{
	const Word &word = words[at];
	Item item;
	add_verbs(item, word.folded);
	bool const found = !item.verbs.empty() || !item.acts.empty() || !item.roles.empty();
	if (found) {
		Item &added = add(Key::thing, 1);
		added.verbs = std::move(item.verbs);
		added.acts = std::move(item.acts);
		added.roles = std::move(item.roles);
		return;
	}
	if (auto const measure = measure_of(word.stem); !measure.empty()) {
		add(Key::thing, 1).measure = measure;
		return;
	}
	if (auto const country = country_of(word.folded); !country.empty()) {
		Item &added = add(Key::thing, 1);
		added.values = lexicon.values(std::string(country));
		if (added.values.empty())
			unknown.push_back(added.text);
		return;
	}
	if (gendered(word.stem) || unit() || costs())
		return;
	if (is_light_verb(word.folded))
		return light_verb();
	if (is_one_of(word.folded, {"their", "its", "his", "her"}) && !items.empty() && end == at)
		items.back().before_their = true;
	if (is_filler(word.folded) || is_state_now()) {
		++at;
		return;
	}
	if (word.folded == "where" && !items.empty()) {
		++at;
		return;
	}
	if (word.folded == "date" && !items.empty() && items.back().key == Key::thing && items.back().tables.empty() &&
	    end == at &&
	    (!items.back().verbs.empty() ||
	     std::any_of(items.back().columns.begin(), items.back().columns.end(), [this](const Ref &ref) {
			 return lexicon.facts(ref).kind == Kind::date || lexicon.facts(ref).kind == Kind::moment;
		 }))) {
		++at;
		return;
	}
	if (word.folded == "due" && at + 1 < words.size() && words[at + 1].folded == "to") {
		at += 2;
		return;
	}
	misspelled();
}

void
Recogniser::light_verb()
{
	const Word &word = words[at++];
	/* Who has not paid orders may have orders. */
	bool const unpaid = !items.empty() && is_one_of(word.folded, {"paid", "pays"}) &&
	                    (items.back().key == Key::negation || items.back().key == Key::none);
	if (is_deed(word.folded) && (items.empty() || unpaid || describes_next()))
		unknown.push_back(word.text);
	else if (!items.empty() && !is_deed(items.back().verb))
		items.back().verb = word.folded;
}

bool
Recogniser::describes_next() const
{
	bool const of_table = at < words.size() && !lexicon.tables(words[at].stem).empty();
	if (of_table && (!preposition.empty() || (at > 1 && words[at - 2].folded == "whose")))
		return true;
	if (end + 1 != at)
		return false;
	switch (items.back().key) {
	case Key::with:
	case Key::without:
	case Key::count:
	case Key::number:
	case Key::or_more:
	case Key::or_less:
	case Key::compare:
	case Key::most:
	case Key::fewest:
	case Key::function: return true;
	case Key::which: return items.size() == 1;
	default: return fold(items.back().text) == "no";
	}
}

bool
Recogniser::is_pronoun_of_rows() const
{
	const Word &word = words[at];
	bool const last = at + 1 == words.size();
	if (word.folded == "they")
		return !last && lexicon.tables(words[at + 1].stem).empty() && names_act(words[at + 1].folded);
	if (items.empty() || !is_one_of(word.folded, {"it", "them"}))
		return false;
	const Item &before = items.back();
	bool const behind_verb = end == at && before.tables.empty() && (!before.acts.empty() || !before.verbs.empty());
	return behind_verb || last || word.comma || is_one_of(words[at + 1].folded, {"and", "but", "or"}) ||
	       is_deed(words[at - 1].folded) || is_making(words[at - 1].folded);
}

bool
Recogniser::names_act(const std::string &folded) const
{
	Refs const named = folded.size() < 4 ? Refs{} : verbal(folded);
	return std::any_of(named.begin(), named.end(), [](const Ref &ref) { return ref.column < 0; });
}

bool
Recogniser::is_state_now()
{
	if (words[at].folded != "currently" && words[at].folded != "current")
		return false;
	auto const tells_state = [this](const std::string &text) {
		auto const columns = lexicon.columns(text);
		return !lexicon.values(text).empty() || std::any_of(columns.begin(), columns.end(), [this](const Ref &ref) {
			return lexicon.facts(ref).kind == Kind::boolean;
		});
	};
	if (at + 1 < words.size())
		return tells_state(words[at + 1].stem);
	return !items.empty() && !items.back().values.empty();
}

bool
Recogniser::gendered(const std::string &stem)
{
	bool const female = stem == "woman" || stem == "female", male = stem == "man" || stem == "male";
	if (!female && !male)
		return false;
	Refs found;
	for (std::string_view const word : {female ? "female" : "male", female ? "f" : "m", female ? "woman" : "man"})
		for (auto const &ref : lexicon.values(std::string(word)))
			found.push_back(ref);
	if (found.empty())
		return false;
	add(Key::thing, 1).values = found;
	return true;
}

bool
Recogniser::unit()
{
	if (items.empty() || items.back().key != Key::number || unit_of(words[at].stem).empty())
		return false;
	std::string_view const found = unit_of(words[at].stem);
	add(Key::thing, 1).measure = found;
	items.back().key = Key::of_them;
	return true;
}

bool
Recogniser::is_cost_verb() const
{
	if (at == 0 || words[at].stem != "cost" || items.empty())
		return false;
	bool const behind_rows = end == at && items.back().plural && !items.back().tables.empty();
	return behind_rows || is_one_of(words[at - 1].folded, {"that", "which", "who"});
}

bool
Recogniser::costs()
{
	const Word &word = words[at];
	bool const price = word.stem == "cost" || word.folded == "costing" || word.folded == "priced";
	bool const salary = word.stem == "earn" || word.folded == "earning" || word.folded == "paid";
	if ((!price && !salary) || at + 1 >= words.size())
		return false;
	++at;
	std::size_t const phrase = longest_phrase();
	std::string const text = phrase > 0 ? span(phrase, false) : std::string();
	--at;
	const Phrase *const next = find_phrase(text);
	bool const compared = next != nullptr && (next->key == Key::compare || next->key == Key::between);
	if (!compared)
		return false;
	add(Key::thing, 1).measure = price ? "price" : "salary";
	return true;
}

std::string
Recogniser::value_named(const std::string &words_of_it) const
{
	const Refs &values = lexicon.values(words_of_it);
	return values.empty() ? std::string() : value_text(values[0]);
}

/* Slovakia is not Slovenia, and one article is not the next. A sentence begins with a capital, be it a name or not. */
bool
Recogniser::is_proper() const
{
	const Word &word = words[at];
	if (std::any_of(word.text.begin(), word.text.end(), [](unsigned char c) { return c >= '0' && c <= '9'; }))
		return true;
	if (!word.capital || at > 0)
		return word.capital;
	const Refs &values = lexicon.values(lexicon.corrected(word.folded, true));
	auto const has_capital = [this](const Ref &ref) {
		auto const typed = split_question(value_text(ref));
		return std::any_of(typed.begin(), typed.end(), [](const Word &each) { return each.capital; });
	};
	return values.empty() || std::any_of(values.begin(), values.end(), has_capital);
}

void
Recogniser::misspelled()
{
	const Word &word = words[at];
	bool const common = is_common_word(word.folded);
	bool const proper = is_proper();
	std::string const meant = common ? std::string() : lexicon.corrected(word.folded, !proper);
	std::string const likely =
		common || !proper || !meant.empty() ? std::string() : value_named(lexicon.corrected(word.folded, true));
	if (!meant.empty()) {
		Item &item = add(Key::thing, 1);
		fill(item, meant);
		keep_typed(item, at - 1);
		return;
	}
	if (const Phrase *const phrase = common ? nullptr : resembling_phrase(word.folded)) {
		Item &item = add(phrase->key, 1);
		item.op = phrase->op;
		item.function = phrase->function;
		return;
	}
	if (word.capital && at > 0) {
		/* A name that no list of values has; only a column that is named with it can hold it. */
		std::size_t count = 1;
		while (at + count < words.size() && words[at + count].capital && !words[at + count - 1].comma && count < 5)
			++count;
		Item &item = add(Key::literal, count);
		if (count == 1)
			item.likely = likely;
		return;
	}
	unknown.push_back(word.text + (likely.empty() ? "" : " (did you mean \"" + likely + "\"?)"));
	++at;
}

} // namespace tenancy::ask
