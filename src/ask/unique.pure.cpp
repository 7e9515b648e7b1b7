/*
 * See unique.pure.hpp. Pure regime.
 */
#include "ask/unique.pure.hpp"

#include <algorithm>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

bool
UniqueKeys::within(int table, const std::vector<std::string> &columns)
{
	auto const [at, first_of_table] = tables.try_emplace(table);
	Keys &keys = at->second;
	if (first_of_table)
		read(keys, schema.tables[static_cast<std::size_t>(table)]);
	auto const [place, first] = keys.answers.try_emplace(numbers(keys, columns));
	auto &[asked, answer] = *place;
	if (first)
		answer = std::any_of(keys.all.begin(), keys.all.end(), [this, &given = asked](const Numbers &key) {
			breathe();
			return std::includes(given.begin(), given.end(), key.begin(), key.end());
		});
	return answer;
}

void
UniqueKeys::read(Keys &keys, const catalog::Table &table) const
{
	auto const add = [&](const std::vector<std::string> &columns) {
		breathe();
		for (auto const &column : columns)
			keys.columns.try_emplace(named(column), static_cast<int>(keys.columns.size()));
		if (!columns.empty())
			keys.all.push_back(numbers(keys, columns));
	};
	add(table.primary_key);
	for (auto const &index : table.indexes)
		if (index.unique)
			add(index.columns);
}

/* Columns of no unique key are left out. */
UniqueKeys::Numbers
UniqueKeys::numbers(const Keys &keys, const std::vector<std::string> &columns) const
{
	Numbers found;
	for (auto const &column : columns)
		if (auto const known = keys.columns.find(named(column)); known != keys.columns.end())
			found.push_back(known->second);
	std::sort(found.begin(), found.end());
	found.erase(std::unique(found.begin(), found.end()), found.end());
	return found;
}

std::string
UniqueKeys::named(const std::string &column) const
{
	return folds ? fold(column) : column;
}

void
UniqueKeys::breathe() const
{
	if (waiter != nullptr)
		waiter->serve();
}

} // namespace tenancy::ask
