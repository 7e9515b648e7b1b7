/*
 * See relevance.pure.hpp. Pure regime.
 */
#include "ask/relevance.pure.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

using catalog::Column;
using catalog::ForeignKey;
using catalog::Schema;
using catalog::Table;
using Words = std::set<std::string>;

constexpr std::size_t shortest_word = 3; /* "by" of a question is not that of "created_by" */
constexpr int whole_table = 8, table_word = 8, column_word = 3, value_word = 3, comment_word = 1;

/* What words of one meaning have in common, whatever their form: "purchases" and "order" may have the same. */
std::string
key_of(std::string_view stem)
{
	return root(concept_of(stem));
}

/* Keys of what a question is about. */
Words
asked_words(std::string_view question)
{
	Words words;
	for (std::string const &word : split_name(question))
		if (word.size() >= shortest_word && !is_filler(word))
			words.insert(key_of(word));
	return words;
}

/* Equal, or a long beginning in common, as "prescrib" and "prescription" have. */
bool
is_alike(std::string_view one, std::string_view other) noexcept
{
	constexpr std::size_t beginning = 6;
	return one == other || (one.size() >= beginning && other.size() >= beginning &&
	                        one.substr(0, beginning) == other.substr(0, beginning));
}

int
count_alike(const Words &asked, std::string_view text)
{
	int count = 0;
	for (std::string const &word : split_name(text)) {
		std::string const key = key_of(word);
		count += std::ranges::any_of(asked, [&](const std::string &other) { return is_alike(key, other); });
	}
	return count;
}

int
score_of(const Column &column, const Words &asked)
{
	int score = column_word * count_alike(asked, column.name);
	if (column.comment)
		score += comment_word * count_alike(asked, *column.comment);
	for (std::string const &value : column.values)
		score += count_alike(asked, value) > 0 ? value_word : 0;
	return score;
}

int
score_of(const Table &table, const Words &asked)
{
	int const of_name = count_alike(asked, table.name);
	int score = table_word * of_name;
	if (of_name > 0 && of_name == static_cast<int>(split_name(table.name).size()))
		score += whole_table;
	if (table.comment)
		score += comment_word * count_alike(asked, *table.comment);
	for (Column const &column : table.columns)
		score += score_of(column, asked);
	return score;
}

/* For each table, those that its foreign keys or theirs connect it with. */
std::vector<std::vector<std::size_t>>
neighbours(const Schema &schema)
{
	std::vector<std::vector<std::size_t>> result(schema.tables.size());
	for (std::size_t from = 0; from < schema.tables.size(); ++from)
		for (ForeignKey const &key : schema.tables[from].foreign_keys)
			for (std::size_t to = 0; to < schema.tables.size(); ++to)
				if (schema.tables[to].name == key.table && schema.tables[to].schema == key.schema) {
					result[from].push_back(to);
					result[to].push_back(from);
				}
	return result;
}

bool
is_key(const Table &table, const std::string &column)
{
	auto const holds = [&](const std::vector<std::string> &names) {
		return std::ranges::find(names, column) != names.end();
	};
	return holds(table.primary_key) ||
	       std::ranges::any_of(table.foreign_keys, [&](const ForeignKey &key) { return holds(key.columns); });
}

} // namespace

bool
is_wanted(const Table &table, const Column &column, std::string_view question)
{
	return is_key(table, column.name) || score_of(column, asked_words(question)) > 0;
}

std::vector<std::size_t>
rank_tables(const Schema &schema, std::string_view question)
{
	Words const asked = asked_words(question);
	std::vector<int> scores;
	for (Table const &table : schema.tables)
		scores.push_back(score_of(table, asked));
	std::vector<std::size_t> order(schema.tables.size());
	std::iota(order.begin(), order.end(), std::size_t{0});
	std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });

	/* Breadth first from those that match, best ones first; then the rest. */
	auto const next = neighbours(schema);
	std::vector<bool> seen(schema.tables.size());
	std::vector<std::size_t> ranked;
	auto const add = [&](std::size_t table) {
		if (!seen[table]) {
			seen[table] = true;
			ranked.push_back(table);
		}
	};
	for (std::size_t const table : order)
		if (scores[table] > 0)
			add(table);
	for (std::size_t i = 0; i < ranked.size(); ++i)
		for (std::size_t const table : next[ranked[i]])
			add(table);
	for (std::size_t const table : order)
		add(table);
	return ranked;
}

} // namespace tenancy::ask
