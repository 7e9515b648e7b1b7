/*
 * See relevance.pure.hpp. Pure regime.
 */
#include "ask/relevance.pure.hpp"

#include <algorithm>
#include <numeric>

#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

using catalog::Column;
using catalog::ForeignKey;
using catalog::Schema;
using catalog::Table;

constexpr std::size_t shortest_word = 3; /* "by" of a question is not that of "created_by" */
constexpr int whole_table = 8, table_word = 8, column_word = 3, value_word = 3, comment_word = 1;

/* What words of one meaning have in common, whatever their form: "purchases" and "order" may have the same. */
std::string
key_of(std::string_view stem)
{
	return root(concept_of(stem));
}

/* Equal, or a long beginning in common, as "prescrib" and "prescription" have. */
bool
is_alike(std::string_view one, std::string_view other) noexcept
{
	constexpr std::size_t beginning = 6;
	return one == other || (one.size() >= beginning && other.size() >= beginning &&
	                        one.substr(0, beginning) == other.substr(0, beginning));
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

Relevance::Relevance(const Schema &schema, std::string_view question, core::Waiter &waiter)
	: schema_(schema), waiter_(waiter)
{
	for (std::string const &word : split_name(question))
		if (word.size() >= shortest_word && !is_filler(word))
			asked_.insert(key_of(word));
}

bool
Relevance::is_asked(const std::string &word)
{
	auto const [known, added] = known_.try_emplace(word);
	if (added) {
		std::string const key = key_of(word);
		known->second = std::ranges::any_of(asked_, [&](const std::string &other) { return is_alike(key, other); });
	}
	return known->second;
}

int
Relevance::count_asked(std::string_view text)
{
	int count = 0;
	for (std::string const &word : split_name(text))
		count += is_asked(word);
	return count;
}

int
Relevance::score_of(const Column &column)
{
	int score = column_word * count_asked(column.name);
	if (column.comment)
		score += comment_word * count_asked(*column.comment);
	for (std::string const &value : column.values)
		score += count_asked(value) > 0 ? value_word : 0;
	return score;
}

int
Relevance::score_of(const Table &table)
{
	int const of_name = count_asked(table.name);
	int score = table_word * of_name;
	if (of_name > 0 && of_name == static_cast<int>(split_name(table.name).size()))
		score += whole_table;
	if (table.comment)
		score += comment_word * count_asked(*table.comment);
	for (Column const &column : table.columns) {
		waiter_.serve();
		score += score_of(column);
	}
	return score;
}

/* For each table, those that its foreign keys or theirs connect it with. */
std::vector<std::vector<std::size_t>>
Relevance::neighbours() const
{
	std::unordered_map<std::string, std::size_t> places;
	auto const place_of = [](const std::string &schema, const std::string &table) { return schema + '\0' + table; };
	for (std::size_t i = 0; i < schema_.tables.size(); ++i)
		places.try_emplace(place_of(schema_.tables[i].schema, schema_.tables[i].name), i);
	std::vector<std::vector<std::size_t>> result(schema_.tables.size());
	for (std::size_t from = 0; from < schema_.tables.size(); ++from) {
		waiter_.serve();
		for (ForeignKey const &key : schema_.tables[from].foreign_keys)
			if (auto const to = places.find(place_of(key.schema, key.table)); to != places.end()) {
				result[from].push_back(to->second);
				result[to->second].push_back(from);
			}
	}
	return result;
}

bool
Relevance::is_wanted(const Table &table, const Column &column)
{
	waiter_.serve();
	return is_key(table, column.name) || score_of(column) > 0;
}

std::vector<std::size_t>
Relevance::rank()
{
	std::vector<int> scores;
	for (Table const &table : schema_.tables)
		scores.push_back(score_of(table));
	std::vector<std::size_t> order(schema_.tables.size());
	std::iota(order.begin(), order.end(), std::size_t{0});
	std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });

	/* Breadth first from those that match, best ones first; then the rest. */
	auto const next = neighbours();
	std::vector<bool> seen(schema_.tables.size());
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
