/*
 * Names of tables: as people write them, and as statements of each dialect do. Pure regime.
 */
#pragma once

#include <string>
#include <string_view>

#include "catalog/schema.hpp"

namespace tenancy::catalog {

/* A name in the quotes of the engine. */
std::string quoted(std::string_view name, remote::DatabaseType engine);
/* schema.name, both quoted. */
std::string qualified(std::string_view schema, std::string_view name, remote::DatabaseType engine);

/*
 * The table that text means: a name, or schema.name, each as it is or in quotes. An exact name goes before one in
 * another case, the default schema before others. Null when there is none; throws 42P09 when there are several.
 */
const Table *find_table(const Schema &schema, std::string_view text);

/* Throws 42P01 with the names that are close to text. */
[[noreturn]] void refuse_table(const Schema &schema, std::string_view text);

/* The first rows of a table: its columns, by name. */
std::string sample_statement(const Schema &schema, const Table &table, int rows);

} // namespace tenancy::catalog
