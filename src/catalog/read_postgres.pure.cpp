/*
 * The schema of a PostgreSQL database: all schemas but the server's own, as far as the user may read. Pure regime.
 */
#include "catalog/read.pure.hpp"
#include "catalog/type.pure.hpp"

namespace tenancy::catalog {

namespace {

namespace pgtype = core::pgtype;

/*
 * Partitions are parts of their table. Columns of catalogs that only newer servers have are read by way of jsonb, so
 * one text serves all since 9.5. A privilege asked for by OID is null when the object has just gone. SELECT on
 * a table is of no use without USAGE on its schema.
 */
#define RELATIONS                                                                                                      \
	"relation AS (\n"                                                                                                  \
	"  SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples,\n"                                                  \
	"         pg_catalog.has_table_privilege(c.oid, 'SELECT') AS whole\n"                                              \
	"  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n"                    \
	"  WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'\n"   \
	"    AND coalesce(pg_catalog.to_jsonb(c) ->> 'relispartition', 'false') = 'false'\n"                               \
	"    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, "          \
	"'SELECT')\n"                                                                                                      \
	")\n"

/*
 * The table that a key refers to is looked up in pg_class: a join with relation itself would try every pair. The
 * columns of a temporal key (PERIOD) are not equal to what they refer to, only contained in it.
 */
constexpr const char *keys_statement =
	"WITH " RELATIONS
	"SELECT r.nspname, r.relname, k.contype::pg_catalog.text, k.conname, a.attname, m.nspname, f.relname, b.attname\n"
	"FROM relation AS r\n"
	"JOIN pg_catalog.pg_constraint AS k ON k.conrelid = r.oid AND k.contype IN ('p', 'f')\n"
	"CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) WITH ORDINALITY AS o (attnum, place)\n"
	"JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = o.attnum\n"
	"LEFT JOIN pg_catalog.pg_class AS f ON f.oid = k.confrelid\n"
	"LEFT JOIN pg_catalog.pg_namespace AS m ON m.oid = f.relnamespace\n"
	"LEFT JOIN pg_catalog.pg_attribute AS b ON b.attrelid = f.oid AND b.attnum = k.confkey[o.place]\n"
	"WHERE k.contype = 'p'\n"
	"  OR f.oid IS NOT NULL AND coalesce(pg_catalog.to_jsonb(k) ->> 'conperiod', 'false') = 'false'\n"
	"ORDER BY r.oid, k.oid, o.place";

constexpr const char *indexes_statement =
	"WITH " RELATIONS "SELECT r.nspname, r.relname, x.relname, i.indisunique AND i.indisvalid AND i.indpred IS NULL,\n"
	"       CASE WHEN o.attnum = 0 THEN pg_catalog.\"left\"(pg_catalog.pg_get_indexdef(i.indexrelid, "
	"o.place::pg_catalog.int4, false), 1000) ELSE a.attname END\n"
	"FROM relation AS r\n"
	"JOIN pg_catalog.pg_index AS i ON i.indrelid = r.oid AND NOT i.indisprimary\n"
	"JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid\n"
	"CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS o (attnum, place)\n"
	"LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum = o.attnum AND o.attnum > 0\n"
	"WHERE o.place <= coalesce((pg_catalog.to_jsonb(i) ->> 'indnkeyatts')::pg_catalog.int4, i.indnatts)\n"
	"ORDER BY r.oid, x.oid, o.place";

} // namespace

const char *const postgres_statement =
	"WITH RECURSIVE domain (type, base, typmod) AS (\n"
	"  SELECT t.oid, t.typbasetype, t.typtypmod FROM pg_catalog.pg_type AS t WHERE t.typtype = 'd'\n"
	"  UNION ALL\n"
	"  SELECT d.type, t.typbasetype, t.typtypmod\n"
	"  FROM domain AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.base WHERE t.typtype = 'd'\n"
	"), " RELATIONS "SELECT r.nspname, r.relname, r.relkind::pg_catalog.text,\n"
	"       pg_catalog.\"left\"(pg_catalog.obj_description(r.oid, 'pg_class'), 1001),\n"
	"       CASE WHEN r.reltuples >= 0 AND r.relkind <> 'v' THEN r.reltuples::pg_catalog.int8 END,\n"
	"       a.attname, coalesce(o.base, a.atttypid)::pg_catalog.int8,\n"
	"       CASE WHEN o.base IS NULL THEN a.atttypmod ELSE o.typmod END,\n"
	"       pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,\n"
	"       coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> '',\n"
	"       pg_catalog.\"left\"(pg_catalog.pg_get_expr(e.adbin, e.adrelid), 1001),\n"
	"       pg_catalog.\"left\"(pg_catalog.col_description(r.oid, a.attnum), 1001)\n"
	"FROM relation AS r\n"
	"JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped\n"
	"  AND (r.whole OR pg_catalog.has_column_privilege(r.oid, a.attnum, 'SELECT'))\n"
	"LEFT JOIN LATERAL (\n"
	"  SELECT d.base, d.typmod FROM domain AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.base\n"
	"  WHERE d.type = a.atttypid AND t.typtype <> 'd') AS o ON true\n"
	"LEFT JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = r.oid AND e.adnum = a.attnum\n"
	"ORDER BY r.oid, a.attnum";

namespace {

enum Field {
	schema_name,
	table_name,
	kind,
	table_comment,
	row_estimate,
	column_name,
	type_oid,
	typmod,
	native,
	not_null,
	generated,
	default_value,
	column_comment,
	fields
};
enum KeyField { key_schema, key_table, key_type, key_name, key_column, to_schema, to_table, to_column, key_fields };
enum IndexField { index_schema, index_table, index_name, index_unique, index_column, index_fields };

const char *
kind_of(std::string_view relkind) noexcept
{
	switch (relkind.empty() ? ' ' : relkind.front()) {
	case 'v': return "view";
	case 'm': return "materialized view";
	case 'f': return "foreign table";
	default: return "table";
	}
}

Column
column_of(const remote::Cell *cells)
{
	Column column;
	column.name = text_of(cells[column_name]);
	column.native_type = text_of(cells[native]);
	LocalType type;
	std::int64_t const oid = cells[type_oid].kind == remote::CellKind::integer ? cells[type_oid].integer : 0;
	/* Only OIDs below this mean the same here. */
	if (oid > 0 && oid < pgtype::first_unpinned) {
		type.oid = static_cast<std::uint32_t>(oid);
		if (cells[typmod].kind == remote::CellKind::integer)
			type.typmod = static_cast<std::int32_t>(cells[typmod].integer);
	}
	column.type = type_name(type);
	column.nullable = !truth_of(cells[not_null]);
	column.generated = truth_of(cells[generated]);
	column.default_value = Collector::note(cells[default_value]);
	column.comment = Collector::note(cells[column_comment]);
	return column;
}

void
read_tables(CatalogQuery &query, Collector &collector)
{
	query(postgres_statement, {}, fields, [&collector](const remote::Cell *cells) {
		std::string const schema = text_of(cells[schema_name]), name = text_of(cells[table_name]);
		Table *table = collector.find(schema, name);
		if (table == nullptr) {
			table = collector.add_table(schema, name, kind_of(text_of(cells[kind])));
			if (table == nullptr)
				return;
			table->comment = Collector::note(cells[table_comment]);
			if (cells[row_estimate].kind == remote::CellKind::integer)
				table->row_estimate = cells[row_estimate].integer;
		}
		collector.add_column(*table, column_of(cells));
	});
}

} // namespace

void
read_postgres(CatalogQuery &query, Collector &collector, Schema &schema)
{
	read_tables(query, collector);
	query(keys_statement, {}, key_fields, [&collector](const remote::Cell *cells) {
		Table *const table = collector.find(text_of(cells[key_schema]), text_of(cells[key_table]));
		if (table == nullptr)
			return;
		std::string const column = text_of(cells[key_column]);
		if (text_of(cells[key_type]) == "p")
			return collector.add_primary_key_column(*table, column);
		std::string const name = text_of(cells[key_name]);
		collector.add_key_column(*table, name, {name, {}, text_of(cells[to_schema]), text_of(cells[to_table]), {}},
		                         column, text_of(cells[to_column]));
	});
	query(indexes_statement, {}, index_fields, [&collector](const remote::Cell *cells) {
		if (Table *const table = collector.find(text_of(cells[index_schema]), text_of(cells[index_table])))
			collector.add_index_column(*table, text_of(cells[index_name]), truth_of(cells[index_unique]),
			                           text_of(cells[index_column]));
	});
	schema.default_schema = "public";
	query("SELECT pg_catalog.current_schema()", {}, 1, [&schema](const remote::Cell *cells) {
		if (cells[0].kind != remote::CellKind::null)
			schema.default_schema = Collector::cleaned(text_of(cells[0]));
	});
}

} // namespace tenancy::catalog
