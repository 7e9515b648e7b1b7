/*
 * Recognising the items of a question: at each word the longest of a date, a phrase of structure and a name.
 * Pure regime.
 */
#include "ask/items.pure.hpp"

#include <algorithm>
#include <array>

#include "ask/dates.pure.hpp"
#include "ask/phrases.pure.hpp"
#include "ask/thesaurus.pure.hpp"

namespace tenancy::ask {

namespace {

constexpr std::array<std::string_view, 9> prepositions{"of", "in", "from", "to", "for", "on", "at", "into", "within"};
/* Mean nothing here, whatever the schema is called. */
constexpr std::array<std::string_view, 21> empty_words{"a",    "an",   "the",  "teh",  "is",  "are", "was",
                                                       "were", "be",   "been", "we",   "our", "me",  "i",
                                                       "that", "than", "do",   "does", "did", "it",  "any"};

class Recogniser {
public:
	Recogniser(const Lexicon &of, const std::vector<Word> &question, std::chrono::sys_days now)
		: lexicon(of), words(question), today(now)
	{}

	std::vector<Item> run()
	{
		while (at < words.size()) {
			std::size_t const before = items.size();
			next();
			for (std::size_t i = before; i < items.size(); ++i)
				count_meanings(items[i]);
		}
		if (!unknown.empty())
			throw Refusal{
				(unknown.size() == 1 ? "there is no place for the word " : "there is no place for the words ") +
				join(unknown, ", ")};
		return std::move(items);
	}

private:
	/* Each item has its own list: a word of every column of a great schema, over and over, would fill the memory. */
	void count_meanings(const Item &item)
	{
		constexpr std::size_t most = 1'000'000;
		for (auto const *refs : {&item.tables, &item.columns, &item.values, &item.verbs, &item.acts, &item.roles})
			meanings += refs->size();
		if (meanings > most)
			throw Refusal{"up to \"" + item.text + "\", the words may mean more than can be compared"};
	}

	std::string span(std::size_t count, bool stems) const
	{
		std::string out;
		for (std::size_t i = 0; i < count; ++i)
			out += (i == 0 ? "" : " ") + (stems ? words[at + i].stem : words[at + i].folded);
		return out;
	}

	/* The span in the words that stand for all of their meaning: client, buyer as customer. */
	std::string meaning(std::size_t count) const
	{
		std::string out;
		for (std::size_t i = 0; i < count; ++i)
			out += (i == 0 ? "" : " ") + std::string(concept_of(words[at + i].stem));
		return out;
	}

	Item &add(Key key, std::size_t count)
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
		preposition = {};
		at += count;
		end = at;
		items.push_back(std::move(item));
		return items.back();
	}

	void next()
	{
		lexicon.breathe();
		const Word &word = words[at];
		if (word.quoted)
			return quoted();
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
		    !(name == 1 && !measured->superlative && !word.folded.ends_with("er") &&
		      !lexicon.values(word.folded).empty()))
			return described(*measured);
		if (name > 0)
			return named(name);
		if (word.number || number_word(word.folded))
			return number();
		other();
	}

	/* "all customers", "the average of all orders". Of rows that a condition is about, one is not all. */
	void all()
	{
		bool const of_time = at + 1 < words.size() && words[at + 1].stem == "time";
		bool const told = std::any_of(items.begin(), items.end(), [this](const Item &item) {
			bool const condition = item.key == Key::compare || item.key == Key::number || item.key == Key::between;
			bool const named = std::any_of(item.tables.begin(), item.tables.end(), [&](const Ref &ref) {
				return ref.tier == Tier::exact || item.columns.empty();
			});
			return named || (condition && !preposition.empty() && preposition != "of");
		});
		if (told && !of_time)
			unknown.push_back(words[at].text);
		if (of_time)
			preposition = {};
		at += of_time ? 2 : 1;
	}

	void quoted()
	{
		std::string const stems = quoted_stems();
		Item &item = add(Key::literal, 1);
		item.values = lexicon.values(stems);
		std::erase_if(item.values, [&](const Ref &ref) { return value_text(ref) != item.text; });
	}

	std::string quoted_stems() const
	{
		std::string out;
		for (auto const &word : split_question(words[at].text))
			out += (out.empty() ? "" : " ") + word.stem;
		return out;
	}

	const std::string &value_text(const Ref &ref) const
	{
		return lexicon.column(ref).values[static_cast<std::size_t>(ref.value)];
	}

	void dated(const DatePhrase &phrase)
	{
		Item &item = add(Key::date, phrase.words);
		item.ranges = phrase.ranges;
		item.conjoint = phrase.conjoint;
		item.years = phrase.years;
	}

	std::size_t longest_phrase() const
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

	/* Names that are mere prepositions or articles of English are none. */
	std::size_t longest_name() const
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

	/* month, after per, by or each. */
	bool bucket()
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

	void structure(std::size_t count)
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

	void described(const Adjective &measured)
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

	void number()
	{
		std::string digits = words[at].digits;
		double value = words[at].number.value_or(0);
		if (!words[at].number) {
			value = *number_word(words[at].folded);
			digits = std::to_string(static_cast<int>(value));
		}
		Item &item = add(Key::number, 1);
		item.digits = digits;
		item.value = value;
	}

	void named(std::size_t count)
	{
		std::string const stems = span(count, true), plain = span(count, false), same = meaning(count);
		std::string const folded = count == 1 ? words[at].folded : std::string();
		Item &item = add(Key::thing, count);
		fill(item, stems);
		for (std::string const &text : {plain, same})
			if (item.tables.empty() && item.columns.empty() && item.values.empty() && item.roles.empty())
				fill(item, text);
		if (auto const country =
		        item.values.empty() || count > 1 ? std::string_view() : country_of(words[at - 1].folded);
		    !country.empty())
			for (auto const &ref : lexicon.values(std::string(country)))
				item.values.push_back(ref);
		if (!folded.empty())
			add_verbs(item, folded);
	}

	void fill(Item &item, const std::string &text) const
	{
		item.tables = lexicon.tables(text);
		item.columns = lexicon.columns(text);
		item.values = lexicon.values(text);
		for (auto const &ref : item.columns)
			if (lexicon.facts(ref).foreign_key >= 0)
				item.roles.push_back(ref);
		std::erase_if(item.columns, [this](const Ref &ref) { return lexicon.facts(ref).foreign_key >= 0; });
	}

	/* What a word names by its root: shipped → shipped_on and shipments, reported → reporter_id. */
	void add_verbs(Item &item, const std::string &folded) const
	{
		if (folded.size() < 4)
			return;
		for (auto const &ref : verbal(folded))
			if (ref.column < 0)
				item.acts.push_back(ref);
			else
				(lexicon.facts(ref).foreign_key >= 0 ? item.roles : item.verbs).push_back(ref);
	}

	/* The tables and columns that share a root with a word. */
	Refs verbal(const std::string &folded) const
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

	/* Verbs whose columns are named by another word. */
	static bool means(const ColumnFacts &column, std::string_view verb)
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

	void other()
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
		if (word.stem == "revenue" || word.stem == "sale" || word.stem == "turnover" || word.stem == "payroll") {
			std::string_view const measure = word.stem == "payroll" ? "salary" : "revenue";
			add(Key::thing, 1).measure = measure;
			return;
		}
		if (word.stem == "value" || word.stem == "amount") {
			add(Key::thing, 1).measure = "amount";
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

	/* Remembered by what it follows; "sold products" would be those that something was done to. */
	void light_verb()
	{
		const Word &word = words[at++];
		if (items.empty() && is_deed(word.folded))
			unknown.push_back(word.text);
		else if (!items.empty() && !is_deed(items.back().verb))
			items.back().verb = word.folded;
	}

	/* "currently" says nothing more beside what tells a state: "currently open tickets". */
	bool is_state_now()
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

	/* Women are rows whose gender is female. */
	bool gendered(const std::string &stem)
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

	/* A unit after a number; the grammar checks that it is the column's. */
	bool unit()
	{
		if (items.empty() || items.back().key != Key::number || unit_of(words[at].stem).empty())
			return false;
		std::string_view const found = unit_of(words[at].stem);
		add(Key::thing, 1).measure = found;
		items.back().key = Key::of_them;
		return true;
	}

	/* "cost more than 200", "earning over 50k" */
	bool costs()
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

	void misspelled()
	{
		const Word &word = words[at];
		bool const common = is_common_word(word.folded);
		std::string const meant = common ? std::string() : lexicon.corrected(word.folded);
		if (!meant.empty()) {
			Item &item = add(Key::thing, 1);
			fill(item, meant);
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
			add(Key::literal, count);
			return;
		}
		unknown.push_back(word.text);
		++at;
	}

	const Lexicon &lexicon;
	const std::vector<Word> &words;
	std::chrono::sys_days today;
	std::size_t at = 0, end = 0; /* of the last item */
	std::string_view preposition;
	std::vector<Item> items;
	std::vector<std::string> unknown;
	std::size_t meanings = 0;
};

} // namespace

std::vector<Item>
read_items(const Lexicon &lexicon, const std::vector<Word> &words, std::chrono::sys_days today)
{
	return Recogniser(lexicon, words, today).run();
}

} // namespace tenancy::ask
