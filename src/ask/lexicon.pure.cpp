/*
 * Reading the names of a schema as words. Pure regime.
 */
#include "ask/lexicon.pure.hpp"

#include <algorithm>
#include <unordered_set>

#include "ask/thesaurus.pure.hpp"
#include "ask/unique.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

using Words = std::vector<std::string>;

/* Of all searches for ways of one question: a bound on work, met by no ordinary schema. */
constexpr int most_steps = 5'000'000;

Kind
kind_of(const catalog::Column &column)
{
	std::string_view const type = column.type;
	if (column.stores_numbers) /* seconds, milliseconds, days: no telling */
		return Kind::other;
	/* What MySQL makes of BOOLEAN. A number of one digit is declared without the (1). */
	if (type == "boolean" || column.native_type == "tinyint(1)")
		return Kind::boolean;
	if (type == "date")
		return Kind::date;
	if (type.starts_with("timestamp"))
		return Kind::moment;
	for (std::string_view const number :
	     {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"})
		if (type.starts_with(number))
			return Kind::number;
	for (std::string_view const text : {"text", "character", "varchar", "bpchar", "citext", "\"char\""})
		if (type.starts_with(text))
			return Kind::text;
	return Kind::other;
}

Words
slice(const Words &words, std::size_t first, std::size_t count)
{
	auto const begin = words.begin() + static_cast<std::ptrdiff_t>(first);
	return Words(begin, begin + static_cast<std::ptrdiff_t>(count));
}

/* Words that only say what kind of column it is. */
bool
is_bookkeeping(std::string_view word)
{
	return is_one_of(word, {"id", "no", "nr", "on", "at", "is", "has", "of", "in", "the", "date", "time", "datetime",
	                        "name", "unit"});
}

/* A name without letters and digits has no words. */
bool
is_last_or_first(const std::string &word, const Words &words)
{
	return !words.empty() && (word == words.back() || word == words.front());
}

/* Foreign keys of one column, by its name. */
std::unordered_map<std::string_view, int>
single_keys(const catalog::Table &table)
{
	std::unordered_map<std::string_view, int> found;
	for (std::size_t i = 0; i < table.foreign_keys.size(); ++i)
		if (table.foreign_keys[i].columns.size() == 1)
			found[table.foreign_keys[i].columns[0]] = static_cast<int>(i);
	return found;
}

bool
is_id(const Words &words)
{
	return !words.empty() && is_one_of(words.back(), {"id", "uuid", "guid"});
}

} // namespace

Lexicon::Lexicon(const catalog::Schema &of, core::Waiter *waiter)
	: source(&of), waiter_(waiter), steps_left(most_steps), tables_(of.tables.size()), steps_(of.tables.size())
{
	for (int i = 0; i < static_cast<int>(of.tables.size()); ++i) {
		breathe();
		read_table(i);
	}
	connect();
}

void
Lexicon::breathe() const
{
	if (waiter_ != nullptr)
		waiter_->serve();
}

bool
Lexicon::may_step() const
{
	constexpr int breath = 4096;
	if (steps_left % breath == 0)
		breathe();
	return steps_left > 0 && --steps_left > 0;
}

/* "last 10 orders" are not those of a last name. */
bool
Lexicon::is_mere_order(const std::string &words, Tier tier)
{
	return tier != Tier::exact && (words == "last" || words == "first");
}

void
Lexicon::add(Names &names, const std::string &words, const Ref &ref)
{
	if (words.empty() || is_mere_order(words, ref.tier))
		return;
	Refs &refs = names[words];
	/* Tables, columns and values are read one after the other, so that the same one can only be at the end. */
	bool const known = !refs.empty() && refs.back().same_column(ref) && refs.back().value == ref.value;
	if (known)
		refs.back().tier = std::min(refs.back().tier, ref.tier);
	else
		refs.push_back(ref);
}

const Refs &
Lexicon::found_in(const Names &names, const std::string &words) const
{
	auto const found = names.find(words);
	return found == names.end() ? nothing : found->second;
}

Refs
best_tier(Refs refs)
{
	Tier best = Tier::synonym;
	for (auto const &ref : refs)
		best = std::min(best, ref.tier);
	std::erase_if(refs, [best](const Ref &ref) { return ref.tier > best; });
	return refs;
}

bool
holds_column_of(const Refs &columns, const Ref &ref)
{
	return std::any_of(columns.begin(), columns.end(), [&](const Ref &column) { return column.same_column(ref); });
}

Refs
Lexicon::tables(const std::string &words) const
{
	return best_tier(found_in(table_names, words));
}

const Refs &
Lexicon::columns(const std::string &words) const
{
	return found_in(column_names, words);
}

const Refs &
Lexicon::values(const std::string &words) const
{
	return found_in(value_names, words);
}

void
Lexicon::read_table(int index)
{
	TableFacts &facts_here = tables_[static_cast<std::size_t>(index)];
	facts_here.words = split_name(table(index).name);
	if (facts_here.words.size() > 1 && is_one_of(facts_here.words[0], {"tbl", "tab", "dim", "fact", "t", "vw", "v"}))
		facts_here.words.erase(facts_here.words.begin());
	for (auto const &word : facts_here.words)
		facts_here.roots.push_back(root(word));
	facts_here.columns.resize(table(index).columns.size());
	name_table(index);
	auto const keys = single_keys(table(index));
	std::unordered_set<std::string_view> const primary(table(index).primary_key.begin(),
	                                                   table(index).primary_key.end());
	for (int i = 0; i < static_cast<int>(facts_here.columns.size()); ++i) {
		breathe();
		std::string_view const name = table(index).columns[static_cast<std::size_t>(i)].name;
		if (auto const key = keys.find(name); key != keys.end())
			facts_here.columns[static_cast<std::size_t>(i)].foreign_key = key->second;
		facts_here.columns[static_cast<std::size_t>(i)].key = primary.contains(name);
		read_column(index, i);
		name_column(index, i);
		read_values(index, i);
	}
	find_names(index);
}

/* Each word replaced by the one that stands for its meaning. */
Words
Lexicon::meanings_of(Words words)
{
	for (auto &word : words) {
		auto const [known, added] = meanings.try_emplace(word);
		if (added)
			known->second = concept_of(known->first);
		word = std::string(known->second);
	}
	return words;
}

void
Lexicon::name_table(int index)
{
	const Words &words = facts(index).words;
	Ref ref{index, -1, -1, Tier::exact};
	add(table_names, join(words), ref);
	if (words.size() > 1) {
		add(table_names, join(words, ""), ref);
		ref.tier = Tier::part;
		add(table_names, words.back(), ref);
	}
	ref.tier = Tier::synonym;
	add(table_names, join(meanings_of(words)), ref);
}

void
Lexicon::read_column(int index, int column)
{
	const catalog::Column &source_column = table(index).columns[static_cast<std::size_t>(column)];
	ColumnFacts &out = tables_[static_cast<std::size_t>(index)].columns[static_cast<std::size_t>(column)];
	out.kind = kind_of(source_column);
	out.words = split_name(source_column.name);
	out.key = out.key || is_id(out.words);
	bool const dated = out.kind == Kind::date || out.kind == Kind::moment;
	for (auto const &word : out.words)
		if ((dated || out.foreign_key >= 0) && !is_one_of(word, {"id", "date", "time", "last", "first"}))
			out.roots.push_back(root(word));
	if (out.kind == Kind::number && !out.words.empty())
		out.unit = unit_of(out.words.back());
	if (dated)
		for (auto const &word : out.words)
			if (is_one_of(word, {"birth", "born", "dob", "birthday", "death", "died", "expire", "expiry", "expiration",
			                     "valid", "due", "updated", "modified", "end"}))
				out.birth_or_end = true;
}

void
Lexicon::name_column(int index, int column)
{
	const ColumnFacts &of = facts(index).columns[static_cast<std::size_t>(column)];
	Ref const exact{index, column, -1, Tier::exact};
	Ref part = exact, synonym = exact;
	part.tier = Tier::part;
	synonym.tier = Tier::synonym;
	Words words = of.words;
	add(column_names, join(words), exact);
	add(column_names, join(words, ""), exact);
	/* customer_name in customers, is_active, duration_minutes are as good as name, active, duration. */
	std::size_t const prefix = facts(index).words.size();
	if (words.size() > prefix && slice(words, 0, prefix) == facts(index).words)
		words = slice(words, prefix, words.size() - prefix);
	if (words.size() > 1 && (words[0] == "is" || words[0] == "has"))
		words.erase(words.begin());
	add(column_names, join(words), exact);
	if (words.size() > 1 &&
	    (!of.unit.empty() || is_one_of(words.back(), {"id", "no", "nr", "on", "at", "date", "time", "name"})))
		words.pop_back();
	add(column_names, join(words), words.size() == of.words.size() || !of.unit.empty() ? exact : part);
	if (of.words.size() == 3 && of.words[1] == "of")
		add(column_names, of.words[2] + " " + of.words[0], exact);
	for (auto const &word : of.words)
		if (!is_bookkeeping(word) && of.words.size() > 1)
			add(column_names, word, part);
	add(column_names, join(meanings_of(words)), synonym);
	if (of.words.size() > 1 && !is_bookkeeping(of.words.back()))
		add(column_names, meanings_of({of.words.back()})[0], synonym);
}

void
Lexicon::find_names(int index)
{
	TableFacts &out = tables_[static_cast<std::size_t>(index)];
	std::vector<int> people, titles, others;
	for (int i = 0; i < static_cast<int>(out.columns.size()); ++i) {
		const ColumnFacts &column = out.columns[static_cast<std::size_t>(i)];
		if (column.kind != Kind::text || column.words.empty() || column.foreign_key >= 0)
			continue;
		const std::string &first = column.words.front();
		const std::string &last = column.words.back();
		if (is_one_of(last, {"name", "firstname", "lastname"}) &&
		    is_one_of(first, {"first", "last", "given", "family", "firstname", "lastname"}))
			people.push_back(i);
		else if ((last == "name" && (column.words.size() == 1 || is_one_of(first, {"full", "display"}) ||
		                             is_last_or_first(first, out.words))) ||
		         is_one_of(last, {"title", "fullname"}))
			titles.push_back(i);
		else if (is_one_of(last, {"username", "login", "label", "description", "subject", "code"}) ||
		         (last == "name" && column.words.size() == 2 && first == "user"))
			others.push_back(i);
	}
	if (people.size() > 1)
		out.names = people;
	else if (!titles.empty())
		out.names = {titles.front()};
	else if (!others.empty())
		out.names = {others.front()};
}

void
Lexicon::read_values(int index, int column)
{
	const auto &values_here = table(index).columns[static_cast<std::size_t>(column)].values;
	constexpr std::size_t most_words = 6;
	for (std::size_t i = 0; i < values_here.size(); ++i) {
		std::string words;
		auto const split = split_question(values_here[i]);
		if (split.empty() || split.size() > most_words || values_here[i].find('\\') != std::string::npos)
			continue;
		for (auto const &word : split)
			words += (words.empty() ? "" : " ") + word.stem;
		add(value_names, words, {index, column, static_cast<int>(i), Tier::exact});
	}
}

void
Lexicon::connect()
{
	UniqueKeys unique(*source, waiter_);
	std::unordered_map<std::string, int> places;
	for (std::size_t i = 0; i < source->tables.size(); ++i)
		places[source->tables[i].schema + '\0' + source->tables[i].name] = static_cast<int>(i);
	for (std::size_t i = 0; i < source->tables.size(); ++i)
		for (auto const &key : source->tables[i].foreign_keys) {
			breathe();
			auto const to = places.find(key.schema + '\0' + key.table);
			if (to == places.end() || key.columns.empty() || key.columns.size() != key.referenced_columns.size() ||
			    !unique.within(to->second, key.referenced_columns))
				continue;
			int const from = static_cast<int>(i);
			steps_[i].push_back({from, to->second, &key, true});
			if (from != to->second)
				steps_[static_cast<std::size_t>(to->second)].push_back({to->second, from, &key, false});
		}
}

/* Breadth first, all tables at once. */
bool
Lexicon::rises(int from, int to) const
{
	auto const [known, added] = risen.try_emplace(from);
	if (added) {
		known->second.resize(tables_.size());
		std::vector<int> reached{from};
		for (std::size_t step = 0; step < longest_path && !reached.empty(); ++step) {
			std::vector<int> next;
			for (int const table : reached)
				for (auto const &each : steps(table))
					if (each.up && !known->second[static_cast<std::size_t>(each.to)]) {
						known->second[static_cast<std::size_t>(each.to)] = true;
						next.push_back(each.to);
					}
			reached = std::move(next);
			breathe();
		}
	}
	return known->second[static_cast<std::size_t>(to)];
}

std::vector<Ref>
Lexicon::columns_of(int index, Kind kind) const
{
	std::vector<Ref> out;
	auto const &columns_here = facts(index).columns;
	for (int i = 0; i < static_cast<int>(columns_here.size()); ++i) {
		auto const &column = columns_here[static_cast<std::size_t>(i)];
		bool const same = column.kind == kind || (kind == Kind::date && column.kind == Kind::moment);
		if (same && !(kind == Kind::number && (column.key || column.foreign_key >= 0)))
			out.push_back({index, i, -1, Tier::exact});
	}
	return out;
}

std::string
Lexicon::corrected(const std::string &folded, bool also_values) const
{
	std::string found;
	std::string const single = singular(folded);
	std::vector<const Names *> all{&table_names, &column_names};
	if (also_values)
		all.push_back(&value_names);
	for (const Names *names : all)
		for (std::size_t count = 0; auto const &[words, refs] : *names) {
			if (++count % 1024 == 0)
				breathe();
			if (words != found && words.find(' ') == std::string::npos && resembles(single, words)) {
				if (!found.empty())
					return {};
				found = words;
			}
		}
	return found;
}

} // namespace tenancy::ask
