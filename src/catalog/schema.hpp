/*
 * What a client database has: tables, columns, keys, as detect_client_schema finds and docs/catalog.md describes them.
 * Pure regime.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remote/driver.hpp"

namespace tenancy::catalog {

struct Column {
	std::string name;
	std::string type;        /* PostgreSQL's name of the type that the platform reads it as, as format_type prints it */
	std::string native_type; /* the client server's own word */
	bool nullable = true;
	bool generated = false;
	std::optional<std::string> default_value;
	std::optional<std::string> comment;
	std::vector<std::string> values; /* distinct values of a small text column, where that is allowed */
	bool stores_numbers = false;     /* a date or time of SQLite that begins with numbers, of whatever unit */
};

struct ForeignKey {
	std::string name;
	std::vector<std::string> columns;
	std::string schema, table; /* that it refers to */
	std::vector<std::string> referenced_columns;
	bool operator==(const ForeignKey &) const = default;
};

struct Index {
	std::string name;
	bool unique = false;
	std::vector<std::string> columns; /* an expression as its text */
	bool operator==(const Index &) const = default;
};

struct Table {
	std::string schema, name;
	std::string kind; /* table, view, materialized view, foreign table */
	std::optional<std::string> comment;
	std::optional<std::int64_t> row_estimate;
	std::vector<Column> columns;
	std::vector<std::string> primary_key;
	std::vector<ForeignKey> foreign_keys;
	std::vector<Index> indexes;
};

struct Schema {
	remote::DatabaseType engine = remote::DatabaseType::postgresql;
	std::string server_version;
	std::string default_schema; /* whose tables need no qualification: PostgreSQL usually public, MySQL the database,
	                               SQLite main */
	std::vector<Table> tables;  /* in the order of schema and name */
};

/* The JSON document of docs/catalog.md, and back. parse throws core::Error 22030 for anything that is not one. */
std::string to_json(const Schema &schema);
Schema parse_schema(std::string_view json);

} // namespace tenancy::catalog
