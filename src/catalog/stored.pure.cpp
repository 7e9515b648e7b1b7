/*
 * Columns of dates and times in which SQLite keeps numbers. Pure regime.
 */
#include <algorithm>
#include <vector>

#include "catalog/names.pure.hpp"
#include "catalog/read.pure.hpp"
#include "core/error.hpp"

namespace tenancy::catalog {

namespace {

constexpr std::size_t columns_at_once = 200; /* SQLite takes 500 terms of a UNION */
constexpr int most_rows = 1000;              /* that are looked at for one that has a value */

struct Place {
	const Table *table;
	Column *column;
};

/* Views may be slow, or broken. */
std::vector<Place>
date_columns(Schema &schema)
{
	std::vector<Place> places;
	for (Table &table : schema.tables)
		for (Column &column : table.columns)
			if (table.kind == "table" && (column.type == "date" || column.type.starts_with("timestamp")))
				places.push_back({&table, &column});
	return places;
}

std::string
branch(const Place &place, std::size_t number)
{
	return "SELECT " + std::to_string(number) + ", (SELECT typeof(s.v) FROM (SELECT " +
	       quoted(place.column->name, remote::DatabaseType::sqlite) + " AS v FROM " +
	       qualified(place.table->schema, place.table->name, remote::DatabaseType::sqlite) + " LIMIT " +
	       std::to_string(most_rows) + ") AS s WHERE s.v IS NOT NULL LIMIT 1) IN ('integer', 'real')";
}

/* False when there is something among them that cannot be read, as a virtual table without its module. */
bool
look_at(CatalogQuery &query, const std::vector<Place> &places, std::size_t first, std::size_t end)
{
	std::string sql;
	for (std::size_t i = first; i < end; ++i)
		sql += (i == first ? "" : " UNION ALL ") + branch(places[i], i);
	try {
		query(sql, {}, 2, [&places](const remote::Cell *cells) {
			auto const number = static_cast<std::size_t>(cells[0].integer);
			if (cells[0].kind == remote::CellKind::integer && number < places.size())
				places[number].column->stores_numbers = truth_of(cells[1]);
		});
		return true;
	} catch (const core::Error &error) {
		if (!fails_alone(error))
			throw;
		return false;
	}
}

/* Halves find what cannot be read, which alone stays unknown. */
void
look_at_each(CatalogQuery &query, const std::vector<Place> &places, std::size_t first, std::size_t end)
{
	if (look_at(query, places, first, end) || end - first == 1)
		return;
	std::size_t const middle = first + (end - first) / 2;
	look_at_each(query, places, first, middle);
	look_at_each(query, places, middle, end);
}

} // namespace

void
read_stored_numbers(CatalogQuery &query, Schema &schema)
{
	std::vector<Place> const places = date_columns(schema);
	for (std::size_t first = 0; first < places.size(); first += columns_at_once)
		look_at_each(query, places, first, std::min(places.size(), first + columns_at_once));
}

} // namespace tenancy::catalog
