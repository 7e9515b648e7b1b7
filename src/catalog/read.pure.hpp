/*
 * Reading the schema of a client database, in a number of statements that does not grow with its tables. Pure regime.
 */
#pragma once

#include <map>
#include <string>
#include <utility>

#include "catalog/rows.pure.hpp"
#include "catalog/schema.hpp"

namespace tenancy::catalog {

/* What is read. */
struct ReadRequest {
	remote::DatabaseType engine = remote::DatabaseType::postgresql;
	std::string database; /* of MySQL, where it is the schema */
	bool values = false;  /* distinct values of small text columns too */
};

/* The statement that asks for most of it, for history. */
const char *statement_of(remote::DatabaseType engine) noexcept;

/* Everything that the connection's user may read. Throws 54000 for more than a catalog should hold. */
Schema read_schema(remote::Session &session, const ReadRequest &request, const remote::RunOptions &run,
                   core::Waiter &waiter);

/*
 * What a client database says becomes a Schema here: names that cannot be names in PostgreSQL's UTF-8 are left out,
 * other texts are cleaned and cut, and there is an end to how much of it all is taken.
 */
class Collector {
public:
	explicit Collector(Schema &schema) : schema_(schema) {}
	/* A new table, or null for one that is left out. Valid until the next call. */
	Table *add_table(std::string schema, std::string name, const char *kind);
	Table *find(const std::string &schema, const std::string &name);
	void add_column(Table &table, Column column);
	/*
	 * Columns of keys and indexes arrive one by one, those of a key together. name tells one key of a table from the
	 * next; to is all of a new key but its columns. No referenced column: the primary key of that table.
	 */
	void add_primary_key_column(Table &table, const std::string &column);
	void add_key_column(Table &table, const std::string &name, ForeignKey to, const std::string &column,
	                    const std::string &referenced_column);
	void add_index_column(Table &table, const std::string &name, bool unique, const std::string &column);
	/* Sorts, and keeps of the foreign keys those between columns of the schema. That can take a while. */
	void finish(core::Waiter &waiter);

	static std::optional<std::string> note(const remote::Cell &cell); /* cleaned and cut; none for NULL */
	static std::string cleaned(std::string_view text);

private:
	void count(std::size_t bytes);
	void count_key_column(std::size_t bytes);

	Schema &schema_;
	std::map<std::pair<std::string, std::string>, std::size_t> places_;
	std::string last_key_;
	std::size_t columns_ = 0, key_columns_ = 0, bytes_ = 0;
};

void read_postgres(CatalogQuery &query, Collector &collector, Schema &schema);
void read_mysql(CatalogQuery &query, const std::string &database, Collector &collector);
void read_sqlite(CatalogQuery &query, Collector &collector);
/* Which columns of dates and times SQLite keeps numbers in, by the first of their values. */
void read_stored_numbers(CatalogQuery &query, Schema &schema);
/* The distinct values of small text columns, in one statement more; none where the server refuses that. */
void read_values(CatalogQuery &query, Schema &schema);

extern const char *const postgres_statement;
extern const char *const mysql_statement;
extern const char *const sqlite_statement;

} // namespace tenancy::catalog
