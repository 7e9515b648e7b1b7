/*
 * What is different between two schemas. Pure regime.
 */
#pragma once

#include <string>
#include <vector>

#include "catalog/schema.hpp"

namespace tenancy::catalog {

struct Change {
	const char *change; /* added, dropped, changed */
	std::string schema, table;
	std::optional<std::string> column;        /* none: the table itself */
	std::string what;                         /* table, column, type, nullable, … */
	std::optional<std::string> before, after; /* of something changed */
};

/* In the order of tables, then of columns. Estimates of rows, values and the server's version are no changes. */
std::vector<Change> changes_between(const Schema &before, const Schema &after);

/*
 * changed is original, whose texts may have become others: all of it but names and values that have. A key or an index
 * is one name with those in it.
 */
Schema without_other_names(Schema changed, const Schema &original);

/*
 * The document as it is cached: with its version, the time of its detection, and the changes against the version
 * before. changes is a JSON array.
 */
std::string document_of(const Schema &schema, std::int64_t version, std::string_view detected_at,
                        std::string_view changes);
std::string changes_json(const std::vector<Change> &changes);

} // namespace tenancy::catalog
