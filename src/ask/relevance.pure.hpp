/*
 * Which tables of a schema a question is likely about, and the text of them for a prompt. Pure regime.
 */
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/schema.hpp"

namespace tenancy::ask {

/*
 * Indexes of schema.tables, most relevant first: those that share words with the question, then what joins them along
 * foreign keys, then the rest in the schema's order.
 */
std::vector<std::size_t> rank_tables(const catalog::Schema &schema, std::string_view question);

/* Is the column a key of the table, or does it share words with the question? */
bool is_wanted(const catalog::Table &table, const catalog::Column &column, std::string_view question);

struct Extent {
	std::size_t most_bytes = 16'000;
	bool with_values = false; /* also the known values of columns, which are data */
};

/* JSON of the tables that fit, most relevant first; a table too wide is cut down to its keys and matching columns. */
std::string describe_schema(const catalog::Schema &schema, std::string_view question, const Extent &extent);

} // namespace tenancy::ask
