/*
 * Which tables of a schema a question is likely about, and the text of them for a prompt. Pure regime.
 */
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "catalog/schema.hpp"
#include "core/waiter.hpp"

namespace tenancy::ask {

/* One question about one schema, whose words are looked at once, however many names repeat them. */
class Relevance {
public:
	/* The waiter serves interrupts, as the work grows with the schema. */
	Relevance(const catalog::Schema &schema, std::string_view question, core::Waiter &waiter);

	/*
	 * Indexes of schema.tables, most relevant first: those that share words with the question, then what joins them
	 * along foreign keys, then the rest in the schema's order.
	 */
	std::vector<std::size_t> rank();

	/* Is the column a key of the table, or does it share words with the question? */
	bool is_wanted(const catalog::Table &table, const catalog::Column &column);

private:
	bool is_asked(const std::string &word);
	int count_asked(std::string_view text);
	int score_of(const catalog::Column &column);
	int score_of(const catalog::Table &table);
	std::vector<std::vector<std::size_t>> neighbours() const;

	const catalog::Schema &schema_;
	core::Waiter &waiter_;
	std::set<std::string> asked_;                 /* keys of what the question is about */
	std::unordered_map<std::string, bool> known_; /* words met so far: are they asked for? */
};

struct Extent {
	std::size_t most_bytes = 16'000;
	bool with_values = false; /* also the known values of columns, which are data */
};

/* JSON of the tables that fit, most relevant first; a table too wide is cut down to its keys and matching columns. */
std::string describe_schema(const catalog::Schema &schema, std::string_view question, const Extent &extent,
                            core::Waiter &waiter);

} // namespace tenancy::ask
