/*
 * Recognising the items of a question: at each word the longest of a date, a phrase of structure and a name.
 * Pure regime.
 */
#include "ask/recogniser.pure.hpp"

#include <algorithm>
#include <array>

#include "ask/phrases.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

constexpr std::array<std::string_view, 9> prepositions{"of", "in", "from", "to", "for", "on", "at", "into", "within"};
/* Mean nothing here, whatever the schema is called. */
constexpr std::array<std::string_view, 21> empty_words{"a",    "an",   "the",  "teh",  "is",  "are", "was",
                                                       "were", "be",   "been", "we",   "our", "me",  "i",
                                                       "that", "than", "do",   "does", "did", "it",  "any"};

} // namespace

std::vector<Item>
Recogniser::run()
{
	while (at < words.size()) {
		std::size_t const before = items.size();
		next();
		for (std::size_t i = before; i < items.size(); ++i)
			count_meanings(items[i]);
	}
	/* "customers from it", but "the city they live in" */
	if (unknown.empty() && !preposition.empty() && preposition != "for" &&
	    std::find(empty_words.begin(), empty_words.end(), words.back().folded) != empty_words.end())
		unknown.push_back(words.back().text);
	if (!unknown.empty())
		throw Refusal{(unknown.size() == 1 ? "there is no place for the word " : "there is no place for the words ") +
		              join(unknown, ", ")};
	return std::move(items);
}

void
Recogniser::count_meanings(const Item &item)
{
	constexpr std::size_t most = 1'000'000;
	for (auto const *refs : {&item.tables, &item.columns, &item.values, &item.verbs, &item.acts, &item.roles})
		meanings += refs->size();
	if (meanings > most)
		throw Refusal{"up to \"" + item.text + "\", the words may mean more than can be compared"};
}

std::string
Recogniser::span(std::size_t count, bool stems) const
{
	std::string out;
	for (std::size_t i = 0; i < count; ++i)
		out += (i == 0 ? "" : " ") + (stems ? words[at + i].stem : words[at + i].folded);
	return out;
}

std::string
Recogniser::meaning(std::size_t count) const
{
	std::string out;
	for (std::size_t i = 0; i < count; ++i)
		out += (i == 0 ? "" : " ") + std::string(concept_of(words[at + i].stem));
	return out;
}

Item &
Recogniser::add(Key key, std::size_t count)
{
	Item item;
	item.key = key;
	for (std::size_t i = 0; i < count; ++i)
		item.text += (i == 0 ? "" : " ") + words[at + i].text;
	const Word &last = words[at + count - 1];
	item.before = preposition;
	item.joined = !items.empty() && at == end;
	item.possessive = last.possessive;
	item.comma = last.comma;
	item.plural = last.folded != last.stem;
	item.quoted = words[at].quoted;
	item.attached = words[at].attached;
	preposition = {};
	at += count;
	end = at;
	items.push_back(std::move(item));
	return items.back();
}

void
Recogniser::next()
{
	lexicon.breathe();
	const Word &word = words[at];
	if (word.quoted)
		return quoted();
	if (pattern() || small_name())
		return;
	if (is_pronoun_of_rows())
		return unknown.push_back(words[at++].text);
	auto const date = read_date(words, at, today);
	std::size_t const phrase = longest_phrase();
	std::size_t const name = longest_name();
	if (date && date->words >= std::max(phrase, name))
		return dated(*date);
	if (bucket())
		return;
	if (phrase > 0 && phrase >= name)
		return structure(phrase);
	if (word.folded == "all" && name < 2)
		return all();
	if (std::find(empty_words.begin(), empty_words.end(), word.folded) != empty_words.end() && name < 2) {
		++at;
		return;
	}
	if (std::find(prepositions.begin(), prepositions.end(), word.folded) != prepositions.end() && name < 2) {
		preposition = *std::find(prepositions.begin(), prepositions.end(), word.folded);
		++at;
		return;
	}
	if (auto const measured = adjective(word.folded);
	    measured && name < 2 &&
	    !(name == 1 && !measured->superlative && !word.folded.ends_with("er") && !lexicon.values(word.folded).empty()))
		return described(*measured);
	if (name == 1 && is_cost_verb() && costs())
		return;
	if (name > 0)
		return named(name);
	if (word.number || number_word(word.folded))
		return number();
	other();
}

bool
Recogniser::is_small(const std::string &folded) const
{
	return std::find(empty_words.begin(), empty_words.end(), folded) != empty_words.end() ||
	       std::find(prepositions.begin(), prepositions.end(), folded) != prepositions.end() ||
	       find_phrase(folded) != nullptr;
}

/*
 * Where a column, a preposition or another value leads to it and it is typed in capitals, the value is meant; else it
 * may be.
 */
bool
Recogniser::small_name()
{
	const Word &word = words[at];
	const Refs &values = lexicon.values(word.stem);
	bool const begins = at == 0 && word.text.size() == 1; /* "A list of …" */
	if (begins || values.empty() || !is_small(word.folded) || longest_name() > 1)
		return false;
	auto const has = [](const Word &of, char first, char last) {
		return std::any_of(of.text.begin(), of.text.end(), [=](char c) { return c >= first && c <= last; });
	};
	bool const led = !preposition.empty() || std::any_of(values.begin(), values.end(), [this](const Ref &value) {
		bool const joined =
			items.size() > 1 && (items.back().key == Key::conjunction || items.back().key == Key::disjunction);
		return !items.empty() && (holds_column_of(items.back().columns, value) ||
		                          (joined && holds_column_of(items[items.size() - 2].values, value)));
	});
	bool const last = at + 1 == words.size() || is_small(words[at + 1].folded);
	bool const meant = !has(word, 'a', 'z') && (led || word.text != "I");
	if (!meant && !(led && last && is_one_of(word.folded, {"a", "an", "i", "it", "me", "the", "we"})))
		return false;
	if (meant && led &&
	    std::any_of(words.begin(), words.end(), [&](const Word &other) { return has(other, 'a', 'z'); }))
		named(1);
	else
		unknown.push_back(words[at++].text);
	return true;
}

bool
Recogniser::pattern()
{
	if (items.empty() || !preposition.empty() || !is_small(words[at].folded))
		return false;
	Key const before = items.back().key;
	bool const last = at + 1 == words.size();
	if ((before != Key::starts && before != Key::ends && before != Key::contains) || !(words[at].capital || last))
		return false;
	std::size_t count = 1;
	while (at + count < words.size() && words[at + count].capital && !words[at + count - 1].comma)
		++count;
	add(Key::literal, count);
	return true;
}

void
Recogniser::all()
{
	bool const of_time = at + 1 < words.size() && words[at + 1].stem == "time";
	bool const told = std::any_of(items.begin(), items.end(), [this](const Item &item) {
		bool const condition = item.key == Key::compare || item.key == Key::number || item.key == Key::between;
		bool const named = std::any_of(item.tables.begin(), item.tables.end(),
		                               [&](const Ref &ref) { return ref.tier == Tier::exact || item.columns.empty(); });
		return named || (condition && !preposition.empty() && preposition != "of");
	});
	if (told && !of_time)
		unknown.push_back(words[at].text);
	if (of_time)
		preposition = {};
	at += of_time ? 2 : 1;
}

void
Recogniser::quoted()
{
	std::string const stems = quoted_stems();
	Item &item = add(Key::literal, 1);
	item.values = lexicon.values(stems);
	std::erase_if(item.values, [&](const Ref &ref) { return value_text(ref) != item.text; });
}

std::string
Recogniser::quoted_stems() const
{
	std::string out;
	for (auto const &word : split_question(words[at].text))
		out += (out.empty() ? "" : " ") + word.stem;
	return out;
}

const std::string &
Recogniser::value_text(const Ref &ref) const
{
	return lexicon.column(ref).values[static_cast<std::size_t>(ref.value)];
}

void
Recogniser::dated(const DatePhrase &phrase)
{
	Item &item = add(Key::date, phrase.words);
	item.ranges = phrase.ranges;
	item.conjoint = phrase.conjoint;
	item.years = phrase.years;
}

std::size_t
Recogniser::longest_phrase() const
{
	std::size_t longest = 0;
	for (std::size_t count = 1; count <= 3 && at + count <= words.size(); ++count) {
		if (words[at + count - 1].quoted)
			break;
		std::string const text = span(count, false);
		if (find_phrase(text) != nullptr)
			longest = count;
	}
	return longest;
}

std::size_t
Recogniser::longest_name() const
{
	constexpr std::size_t most = 6;
	for (std::size_t count = std::min(most, words.size() - at); count > 0; --count) {
		bool broken = false;
		for (std::size_t i = 0; i + 1 < count; ++i)
			broken = broken || words[at + i].comma || words[at + i].quoted || words[at + i].possessive;
		if (broken || words[at + count - 1].quoted || (count == 1 && words[at].number))
			continue;
		for (std::string const &text : {span(count, true), span(count, false), meaning(count)})
			if (!lexicon.tables(text).empty() || !lexicon.columns(text).empty() || !lexicon.values(text).empty())
				return count;
	}
	return 0;
}

bool
Recogniser::bucket()
{
	if (items.empty() || (items.back().key != Key::per && items.back().key != Key::by &&
	                      items.back().key != Key::each && items.back().key != Key::conjunction))
		return false;
	constexpr std::array<std::pair<std::string_view, Bucket>, 8> names{{{"day", Bucket::day},
	                                                                    {"week", Bucket::week},
	                                                                    {"month", Bucket::month},
	                                                                    {"quarter", Bucket::quarter},
	                                                                    {"year", Bucket::year},
	                                                                    {"calendar month", Bucket::month},
	                                                                    {"date", Bucket::day},
	                                                                    {"calendar year", Bucket::year}}};
	for (auto const &[name, unit] : names) {
		std::size_t const count = name.find(' ') == std::string_view::npos ? 1 : 2;
		if (at + count <= words.size() && span(count, true) == name) {
			add(Key::bucket, count).bucket = unit;
			return true;
		}
	}
	return false;
}

void
Recogniser::structure(std::size_t count)
{
	std::string const text = span(count, false);
	const Phrase *const phrase = find_phrase(text);
	std::string const stems = span(count, true);
	Item &item = add(phrase->key, count);
	item.op = phrase->op;
	item.function = phrase->function;
	item.columns = lexicon.columns(stems); /* a column may be called total, or count */
	if (phrase->key == Key::by)
		preposition = "by";
}

void
Recogniser::described(const Adjective &measured)
{
	Item &item = add(Key::adjective, 1);
	item.measure = measured.measure;
	item.descending = measured.descending;
	item.superlative = measured.superlative;
	if (at < words.size() && item.superlative && (words[at].folded == "paid" || words[at].folded == "earning")) {
		item.measure = "salary";
		++at;
	}
}

bool
Recogniser::measures_space_or_time() const
{
	for (int table = 0; table < static_cast<int>(lexicon.schema().tables.size()); ++table) {
		lexicon.breathe();
		for (auto const &ref : lexicon.columns_of(table, Kind::number))
			for (auto const &word : lexicon.facts(ref).words)
				if (is_one_of(unit_of(word), {"km", "minute", "second", "hour"}) ||
				    is_one_of(word, {"m", "metre", "meter", "cm", "mm", "mile", "height", "length", "width", "depth",
				                     "distance", "altitude", "elevation", "duration", "runtime", "time"}))
					return true;
	}
	return false;
}

void
Recogniser::number()
{
	std::string digits = words[at].digits;
	double value = words[at].number.value_or(0);
	if (!words[at].number) {
		value = *number_word(words[at].folded);
		digits = std::to_string(static_cast<int>(value));
	}
	bool const or_more = words[at].signs == "+", ordinal = words[at].ordinal;
	if (words[at].metric && measures_space_or_time())
		throw Refusal{"there is no telling whether \"" + words[at].text + "\" are millions, metres or minutes"};
	Item &item = add(Key::number, 1);
	item.ordinal = ordinal;
	item.digits = digits;
	item.value = value;
	if (or_more) {
		Item more;
		more.key = Key::or_more;
		more.text = "+";
		items.push_back(std::move(more));
	}
}

std::vector<Item>
read_items(const Lexicon &lexicon, const std::vector<Word> &words, std::chrono::sys_days today)
{
	return Recogniser(lexicon, words, today).run();
}

} // namespace tenancy::ask
