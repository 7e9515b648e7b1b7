/*
 * The distinct values of small text columns, in one statement for all. Pure regime.
 */
#include <algorithm>
#include <charconv>

#include "catalog/names.pure.hpp"
#include "catalog/read.pure.hpp"
#include "core/error.hpp"

namespace tenancy::catalog {

namespace {

constexpr std::size_t most_columns = 200; /* SQLite takes 500 terms of a UNION */
constexpr std::size_t most_values = 50;
constexpr std::int64_t most_rows = 20'000;
constexpr int most_characters = 50;

struct Place {
	Table *table;
	Column *column;
	bool full = false; /* it has more values than are taken */
};

bool
is_short_text(const Column &column)
{
	if (column.type != "text" && !column.type.starts_with("character"))
		return false;
	std::size_t const open = column.native_type.find_first_of("('");
	int length = 0;
	if (open == std::string::npos || column.native_type[open] == '\'')
		return true;
	std::from_chars(column.native_type.data() + open + 1, column.native_type.data() + column.native_type.size(),
	                length);
	return length <= most_characters;
}

std::vector<Place>
choose(Schema &schema)
{
	std::vector<Place> places;
	for (Table &table : schema.tables)
		for (Column &column : table.columns)
			if (table.kind == "table" && table.row_estimate.value_or(0) <= most_rows && is_short_text(column) &&
			    std::ranges::find(table.primary_key, column.name) == table.primary_key.end() &&
			    places.size() < most_columns)
				places.push_back({&table, &column});
	return places;
}

/*
 * SELECT of up to one value more than is taken, among the first rows; its own number tells whose they are. A zero byte
 * is in no text of PostgreSQL.
 */
std::string
branch(const Place &place, std::size_t number, remote::DatabaseType engine)
{
	std::string const column = quoted(place.column->name, engine);
	std::string const from = qualified(place.table->schema, place.table->name, engine);
	std::string const length = engine == remote::DatabaseType::mysql ? "char_length(" : "length(";
	std::string value = column, sound;
	if (engine == remote::DatabaseType::postgresql)
		value = "CAST(" + column + " AS pg_catalog.text) COLLATE pg_catalog.\"C\"";
	else if (engine == remote::DatabaseType::mysql) {
		value = "CONVERT(" + column + " USING utf8mb4) COLLATE utf8mb4_bin";
		sound = " AND LOCATE(CHAR(0 USING utf8mb4), s.v) = 0";
	} else {
		value = "CAST(" + column + " AS TEXT) COLLATE BINARY";
		sound = " AND instr(s.v, char(0)) = 0";
	}
	return "SELECT " + std::to_string(number) + " AS n, d.v FROM (SELECT DISTINCT s.v FROM (SELECT " + value +
	       " AS v FROM " + from + " LIMIT " + std::to_string(most_rows) + ") AS s WHERE s.v IS NOT NULL AND " + length +
	       "s.v) <= " + std::to_string(most_characters) + sound + " LIMIT " + std::to_string(most_values + 1) +
	       ") AS d";
}

void
add_value(std::vector<Place> &places, const remote::Cell *cells)
{
	if (cells[0].kind != remote::CellKind::integer || cells[0].integer < 0 ||
	    static_cast<std::size_t>(cells[0].integer) >= places.size())
		return;
	Place &place = places[static_cast<std::size_t>(cells[0].integer)];
	std::vector<std::string> &values = place.column->values;
	place.full = place.full || values.size() == most_values;
	if (!place.full)
		values.push_back(Collector::cleaned(text_of(cells[1])));
}

} // namespace

void
read_values(CatalogQuery &query, Schema &schema)
{
	std::vector<Place> places = choose(schema);
	if (places.empty())
		return;
	std::string sql;
	for (std::size_t i = 0; i < places.size(); ++i)
		sql += (i == 0 ? "" : " UNION ALL ") + branch(places[i], i, schema.engine);
	bool readable = true;
	try {
		query(sql, {}, 2, [&places](const remote::Cell *cells) { add_value(places, cells); });
	} catch (const core::Error &error) {
		if (!fails_alone(error) && error.kind != core::FailureKind::timeout)
			throw;
		readable = false; /* one table, or one value, of all that the statement reads; or they are too much */
	}
	for (Place &place : places) {
		if (place.full || !readable)
			place.column->values.clear();
		std::ranges::sort(place.column->values);
	}
}

} // namespace tenancy::catalog
