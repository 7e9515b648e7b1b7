/*
 * The schema of a SQLite database: its pragmas as tables, joined with sqlite_schema. Pure regime.
 */
#include <charconv>

#include "catalog/read.pure.hpp"
#include "catalog/type.pure.hpp"
#include "core/error.hpp"
#include "remote/sqlite/declared_type.hpp"

namespace tenancy::catalog {

const char *const sqlite_statement =
	"SELECT m.name, x.name, x.type, x.\"notnull\", x.pk, x.hidden, substr(x.dflt_value, 1, 1001)"
	" FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS x"
	" WHERE m.type = 'table' AND m.rootpage <> 0 AND substr(m.name, 1, 7) <> 'sqlite_' ORDER BY m.name, x.cid";

namespace {

constexpr const char *tables_statement =
	"SELECT l.name, l.type, l.wr FROM pragma_table_list AS l"
	" WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND substr(l.name, 1, 7) <> 'sqlite_'";

constexpr const char *keys_statement = "SELECT m.name, k.id, k.\"table\", k.\"from\", k.\"to\""
									   " FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS k"
									   " WHERE m.type = 'table' AND m.rootpage <> 0 ORDER BY m.name, k.id, k.seq";

constexpr const char *indexes_statement =
	"SELECT m.name, i.name, i.\"unique\" AND NOT i.partial, i.origin, n.name"
	" FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS i JOIN pragma_index_info(i.name) AS n"
	" WHERE m.type = 'table' AND m.rootpage <> 0 AND i.origin <> 'pk' ORDER BY m.name, i.name, n.seqno";

enum TableField { table_name, table_type, without_rowid, table_fields };
enum ColumnField { column_table, column_name, declared, not_null, key, hidden, default_value, column_fields };
enum KeyField { key_table, key_id, to_table, key_column, to_column, key_fields };
enum IndexField { index_table, index_name, index_unique, index_origin, index_column, index_fields };

constexpr const char *main_schema = "main";

/* Columns of a primary key, which say in which place of it they are. */
using KeyPlaces = std::map<std::string, std::map<std::int64_t, std::string>>;

struct Reader {
	CatalogQuery &query;
	Collector &collector;
	KeyPlaces keys;
	std::set<std::string> without_rowids;
	std::vector<std::string> fragile; /* views and virtual tables: these may be broken, and then only they are */

	void read_tables()
	{
		query(tables_statement, {}, table_fields, [this](const remote::Cell *cells) {
			std::string name = text_of(cells[table_name]);
			std::string const type = text_of(cells[table_type]);
			if (collector.add_table(main_schema, name, type == "view" ? "view" : "table") == nullptr)
				return;
			if (truth_of(cells[without_rowid]))
				without_rowids.insert(name);
			if (type != "table")
				fragile.push_back(std::move(name));
		});
	}

	void add_column(const remote::Cell *cells)
	{
		Table *const table = collector.find(main_schema, text_of(cells[column_table]));
		std::int64_t const visibility = cells[hidden].integer;
		if (table == nullptr || visibility == 1) /* of a virtual table, and not in SELECT * */
			return;
		Column column;
		column.name = text_of(cells[column_name]);
		column.native_type = text_of(cells[declared]);
		column.type = type_name({remote::sqlite::type_of_declaration(column.native_type), -1});
		column.generated = visibility == 2 || visibility == 3;
		column.default_value = Collector::note(cells[default_value]);
		column.nullable = !truth_of(cells[not_null]) && !(truth_of(cells[key]) && without_rowids.contains(table->name));
		if (truth_of(cells[key]))
			keys[table->name].emplace(cells[key].integer, column.name);
		collector.add_column(*table, std::move(column));
	}

	void read_columns()
	{
		query(sqlite_statement, {}, column_fields, [this](const remote::Cell *cells) { add_column(cells); });
		for (const std::string &name : fragile) {
			try {
				query("SELECT ?1, x.name, x.type, x.\"notnull\", x.pk, x.hidden, NULL"
				      " FROM pragma_table_xinfo(?1) AS x ORDER BY x.cid",
				      {name}, column_fields, [this](const remote::Cell *cells) { add_column(cells); });
			} catch (const core::Error &error) {
				if (!fails_alone(error))
					throw;
			}
		}
	}

	/* The key of a rowid is never null, whatever is declared. */
	void finish_keys()
	{
		for (auto const &[name, places] : keys) {
			Table *const table = collector.find(main_schema, name);
			for (auto const &[place, column] : places)
				collector.add_primary_key_column(*table, column);
			for (Column &column : table->columns)
				if (places.size() == 1 && column.name == places.begin()->second &&
				    lower_ascii(column.native_type) == "integer")
					column.nullable = false;
		}
	}

	void read_foreign_keys()
	{
		query(keys_statement, {}, key_fields, [&](const remote::Cell *cells) {
			Table *const table = collector.find(main_schema, text_of(cells[key_table]));
			if (table != nullptr)
				collector.add_key_column(*table, text_of(cells[key_id]),
				                         {{}, {}, main_schema, text_of(cells[to_table]), {}},
				                         text_of(cells[key_column]), text_of(cells[to_column]));
		});
	}

	void read_indexes()
	{
		query(indexes_statement, {}, index_fields, [this](const remote::Cell *cells) {
			Table *const table = collector.find(main_schema, text_of(cells[index_table]));
			if (table == nullptr)
				return;
			bool const plain = cells[index_column].kind != remote::CellKind::null;
			collector.add_index_column(*table, text_of(cells[index_name]), truth_of(cells[index_unique]),
			                           plain ? text_of(cells[index_column]) : "(expression)");
		});
	}

	/* What ANALYZE counted, if it ever ran: the first number of any index of the table. */
	void read_estimates()
	{
		bool analyzed = false;
		query("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'", {}, 1,
		      [&analyzed](const remote::Cell *) { analyzed = true; });
		if (!analyzed)
			return;
		query("SELECT tbl, stat FROM sqlite_stat1", {}, 2, [this](const remote::Cell *cells) {
			Table *const table = collector.find(main_schema, text_of(cells[0]));
			std::string const stat = text_of(cells[1]);
			std::int64_t rows = 0;
			if (table != nullptr && std::from_chars(stat.data(), stat.data() + stat.size(), rows).ec == std::errc() &&
			    rows >= 0)
				table->row_estimate = rows;
		});
	}
};

} // namespace

void
read_sqlite(CatalogQuery &query, Collector &collector)
{
	Reader reader{query, collector, {}, {}, {}};
	reader.read_tables();
	reader.read_columns();
	reader.finish_keys();
	reader.read_foreign_keys();
	reader.read_indexes();
	reader.read_estimates();
}

} // namespace tenancy::catalog
