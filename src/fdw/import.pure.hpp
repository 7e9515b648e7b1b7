/*
 * The schema of a client database as foreign tables: what it has, and how CREATE FOREIGN TABLE says that. Pure regime.
 * Names and types are what the remote server says they are, so all of them are quoted, or chosen from a list of ours.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/rows.pure.hpp"
#include "remote/driver.hpp"

namespace tenancy::fdw {

/* The longest name that PostgreSQL takes, in bytes: NAMEDATALEN - 1. */
constexpr std::size_t most_name_bytes = 63;

struct ImportOptions {
	bool not_null = true;
	bool generated = true; /* mark such columns; their expressions are never imported */
	bool tinyint1_as_boolean = false;
	bool byte_collation = false; /* text columns get COLLATE "C" */
};

struct ImportRequest {
	enum class Which : std::uint8_t { all, listed, others };
	std::string schema;
	Which which = Which::all;
	std::vector<std::string> names; /* remote or local ones */
	ImportOptions options;

	/* One more name; 54000 for more than a schema may have tables. */
	void add(std::string_view name);
};

struct ImportedColumn {
	std::string name, local_name;
	std::uint32_t type_oid = 0; /* a built-in type */
	std::int32_t typmod = -1;
	std::string native_type;
	std::optional<std::string> collation;
	bool not_null = false, key = false, indexed = false, generated = false, identity = false;
};

struct ImportedTable {
	std::string name, local_name;
	bool read_only = false;
	bool cut = false; /* it has more columns than PostgreSQL can hold */
	std::vector<ImportedColumn> columns;
};

struct ImportedSchema {
	std::optional<std::string> schema; /* what tables give as schema_name; none in SQLite */
	std::string encoding;              /* of a PostgreSQL database, as it calls it */
	std::vector<ImportedTable> tables; /* in the order of their names' bytes */
	std::vector<std::string> warnings;

	/* A column in CREATE and ALTER FOREIGN TABLE: name, type, options and constraints. */
	static std::string column_definition(const ImportedColumn &column, const ImportOptions &options);
	/* Its type, with COLLATE if options say so. */
	static std::string type_definition(const ImportedColumn &column, const ImportOptions &options);
	/* Does it get COLLATE "C"? */
	static bool has_byte_collation(const ImportedColumn &column, const ImportOptions &options) noexcept;
	/* The whole statement; without a local_schema the name is not qualified. */
	std::string create_statement(const ImportedTable &table, std::string_view local_schema, std::string_view server,
	                             const ImportOptions &options) const;
};

/* The statement that asks for most of it, for history. */
std::string_view catalog_statement(remote::DatabaseType type) noexcept;

/*
 * Read what request asks for, in a small number of statements that does not grow with the number of tables (of a
 * remote server). Throws 3F000 for a schema that is not there.
 */
ImportedSchema read_schema(remote::Session &session, remote::DatabaseType type, const ImportRequest &request,
                           const remote::RunOptions &run, core::Waiter &waiter);

/* The first name of the request that no table of the schema has; null when there is none. */
const std::string *missing_name(const ImportRequest &request, const ImportedSchema &schema);

/* A type's name in pg_type; NULL for one that is not imported as itself. */
const char *type_word(std::uint32_t oid) noexcept;
/* The type whose modifiers a type takes: an array takes those of its elements. */
std::uint32_t modified_type(std::uint32_t oid) noexcept;

/* Tools of the engines' files. */

using catalog::CatalogQuery;
using catalog::contains_ignoring_case;
using catalog::lower_ascii;
using catalog::text_of;
using catalog::truth_of;

/* A client database says itself how much it has; what of it is kept has this room, and 54000 is thrown beyond it. */
class SchemaRoom {
public:
	void take_column();
	/* Takes room for bytes; whose ("tables" or "columns") and kind are words for the message. */
	void take_bytes(std::size_t bytes, const char *whose, const char *kind);

private:
	std::size_t columns_ = 0, bytes_ = 0;
};

/*
 * Adds columns to tables as they arrive, table by table: keeps to what the request wants, and to what PostgreSQL can
 * hold (1600 columns; options of a column within its catalog row), and takes no name of a table, or of a column of one,
 * twice.
 */
class SchemaBuilder {
public:
	explicit SchemaBuilder(const ImportRequest &request)
		: request_(request), named_(request.names.begin(), request.names.end())
	{}
	/* Does the request want it, and can it be had? A warning when only that fails. */
	bool takes_table(const std::string &name);
	/* 54000 for more tables than a schema may have. */
	static void require_room(std::size_t tables);
	/* The table that the following columns belong to; null when it is not taken. */
	ImportedTable *table(std::string name);
	void column(ImportedTable &table, ImportedColumn column);
	void set_encoding(std::string name);
	/* Names, to ask the remote server for no more than these; empty: ask for all. */
	std::vector<std::string> wanted_names() const;
	/* "$2, $3, …" or "?, ?, …" for them, the first with number first. */
	static std::string placeholders(std::size_t count, std::size_t first, bool numbered);
	void warn(std::string text);
	void finish();
	const ImportOptions &options() const noexcept { return request_.options; }

	ImportedSchema schema;

private:
	bool wants_table(const std::string &name) const;

	const ImportRequest &request_;
	std::set<std::string_view> named_;
	std::set<std::string> table_names_, column_names_; /* the latter of the last table */
	SchemaRoom room_;
};

void read_postgres_schema(CatalogQuery &query, const ImportRequest &request, SchemaBuilder &builder);
void read_mysql_schema(CatalogQuery &query, const ImportRequest &request, SchemaBuilder &builder);
void read_sqlite_schema(CatalogQuery &query, const ImportRequest &request, SchemaBuilder &builder);

extern const char *const postgres_catalog_statement;
extern const char *const mysql_catalog_statement;
extern const char *const sqlite_catalog_statement;

} // namespace tenancy::fdw
