/*
 * Which columns of a client database no two rows share. Pure regime.
 */
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "catalog/schema.hpp"
#include "core/waiter.hpp"

namespace tenancy::ask {

/* Reads the keys of a table when it is first asked for: thousands of foreign keys may have to be compared with each. */
class UniqueKeys {
public:
	UniqueKeys(const catalog::Schema &of, core::Waiter *serving)
		: schema(of), waiter(serving), folds(of.engine != remote::DatabaseType::postgresql)
	{}

	/* Is there at most one row for values of these columns? MySQL and SQLite let foreign keys refer to any. */
	bool within(int table, const std::vector<std::string> &columns);

private:
	using Numbers = std::vector<int>; /* of columns, ascending */

	struct Keys {
		std::unordered_map<std::string, int> columns;
		std::vector<Numbers> all;
		std::map<Numbers, bool> answers;
	};

	void read(Keys &keys, const catalog::Table &table) const;
	Numbers numbers(const Keys &keys, const std::vector<std::string> &columns) const;
	std::string named(const std::string &column) const;
	void breathe() const;

	const catalog::Schema &schema;
	core::Waiter *waiter;
	bool folds;
	std::unordered_map<int, Keys> tables;
};

} // namespace tenancy::ask
