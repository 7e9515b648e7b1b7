/*
 * The types of client databases as types of PostgreSQL, those that the drivers deliver. Pure regime.
 */
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "catalog/rows.pure.hpp"
#include "core/pgtype.hpp"

namespace tenancy::catalog {

struct LocalType {
	std::uint32_t oid = core::pgtype::text;
	std::int32_t typmod = -1;
};

/* The type's name as format_type prints it; text for one that the platform reads as text. */
std::string type_name(LocalType type);

/* Of a column of MySQL: word is its DATA_TYPE, native its COLUMN_TYPE, both in lower case. */
LocalType mysql_type(std::string_view word, std::string_view native, bool tinyint1_as_boolean);

/* Words in lower case; labels of enum and set as they are. */
std::string lower_mysql_type(std::string_view type);

/* Columns of tables, as many as a schema may have: 54000 beyond that. */
class ColumnSet {
public:
	void add(std::string table, std::string column);
	bool contains(const std::string &table, const std::string &column) const
	{
		return columns_.contains({table, column});
	}

private:
	std::set<std::pair<std::string, std::string>> columns_;
	std::size_t bytes_ = 0;
};

/* MariaDB's JSON is text with a check, by which its server too calls the column json. Empty for MySQL. */
ColumnSet read_json_columns(CatalogQuery &query, const std::string &database);

} // namespace tenancy::catalog
