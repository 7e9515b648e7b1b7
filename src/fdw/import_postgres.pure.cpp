/*
 * Tables of a PostgreSQL server. Pure regime.
 */
#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "fdw/import.pure.hpp"

namespace tenancy::fdw {

namespace {

namespace pgtype = core::pgtype;
using core::Error;
using core::FailureKind;

enum Field {
	table_name,
	table_kind,
	column_name,
	type_oid,
	typmod,
	type_kind,
	native,
	not_null,
	key,
	indexed,
	generated,
	identity,
	collation,
	encoding,
	fields
};

} // namespace

/*
 * Columns of catalogs that only newer servers have are read by way of jsonb, so one text serves all since 9.5.
 * NOT NULL counts where no row can escape it: not with children that may lack it, not on foreign tables, not while it
 * is not validated. A primary key of an inheritance parent says nothing of its children's rows. What an index only
 * INCLUDEs is behind its key in indkey, which counts from 0.
 */
const char *const postgres_catalog_statement =
	"WITH RECURSIVE domain (type, base, typmod) AS (\n"
	"  SELECT t.oid, t.typbasetype, t.typtypmod FROM pg_catalog.pg_type AS t WHERE t.typtype = 'd'\n"
	"  UNION ALL\n"
	"  SELECT d.type, t.typbasetype, t.typtypmod\n"
	"  FROM domain AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.base WHERE t.typtype = 'd'\n"
	"), relation AS (\n"
	"  SELECT c.oid, c.relname, c.relkind,\n"
	"         c.relkind = 'p' OR c.relkind = 'r' AND NOT c.relhassubclass AS alone\n"
	"  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace\n"
	"  WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'm', 'f', 'p')\n"
	"    AND coalesce(pg_catalog.to_jsonb(c) ->> 'relispartition', 'false') = 'false'\n"
	"    AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')/* which */\n"
	")\n"
	"SELECT r.relname, r.relkind::pg_catalog.text, a.attname, b.oid::pg_catalog.int8, m.typmod,\n"
	"       b.typtype::pg_catalog.text, pg_catalog.format_type(b.oid, m.typmod),\n"
	"       a.attnotnull AND r.alone AND (r.relkind = 'r' OR i.indrelid IS NOT NULL) AND NOT EXISTS (\n"
	"         SELECT FROM pg_catalog.pg_constraint AS k\n"
	"         WHERE k.conrelid = r.oid AND k.contype = 'n' AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum]),\n"
	"       r.alone AND i.indrelid IS NOT NULL,\n"
	"       EXISTS (SELECT FROM pg_catalog.pg_index AS x WHERE x.indrelid = r.oid AND x.indisvalid AND x.indpred IS "
	"NULL"
	" AND x.indkey[0] = a.attnum),\n"
	"       coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> '',\n"
	"       coalesce(pg_catalog.to_jsonb(a) ->> 'attidentity', '') <> ''\n"
	"         OR coalesce(pg_catalog.pg_get_expr(e.adbin, e.adrelid) LIKE 'nextval(%', false),\n"
	"       CASE WHEN a.attcollation = 0 THEN NULL WHEN pg_catalog.to_jsonb(l) ->> 'collisdeterministic' = 'false'"
	" THEN 'nondeterministic' WHEN a.attcollation = 100 THEN 'default' ELSE 'deterministic' END,\n"
	"       pg_catalog.current_setting('server_encoding')\n"
	"FROM relation AS r\n"
	"LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped\n"
	"LEFT JOIN LATERAL (\n"
	"  SELECT d.base, d.typmod FROM domain AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.base\n"
	"  WHERE d.type = a.atttypid AND t.typtype <> 'd') AS o ON true\n"
	"CROSS JOIN LATERAL (SELECT CASE WHEN o.base IS NULL THEN a.atttypmod ELSE o.typmod END AS typmod) AS m\n"
	"LEFT JOIN pg_catalog.pg_type AS b ON b.oid = coalesce(o.base, a.atttypid)\n"
	"LEFT JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = r.oid AND e.adnum = a.attnum\n"
	"LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation\n"
	"LEFT JOIN pg_catalog.pg_index AS i\n"
	"  ON i.indrelid = r.oid AND i.indisprimary AND i.indisvalid AND a.attnum = ANY ((i.indkey::pg_catalog.int2[])\n"
	"    [0:coalesce((pg_catalog.to_jsonb(i) ->> 'indnkeyatts')::pg_catalog.int4, i.indnatts) - 1])\n"
	"ORDER BY r.relname::pg_catalog.text COLLATE \"C\", a.attnum";

namespace {

ImportedColumn
column_of(const remote::Cell *cells)
{
	ImportedColumn column;
	column.name = text_of(cells[column_name]);
	column.native_type = text_of(cells[native]);
	/* Only OIDs below first_unpinned mean the same here; the builder knows which of them it takes. */
	std::int64_t const oid = cells[type_oid].kind == remote::CellKind::integer ? cells[type_oid].integer : 0;
	bool const pinned = oid > 0 && oid < pgtype::first_unpinned;
	column.type_oid = pinned ? static_cast<std::uint32_t>(oid) : pgtype::text;
	if (pinned && cells[typmod].kind == remote::CellKind::integer)
		column.typmod = static_cast<std::int32_t>(cells[typmod].integer);
	if (text_of(cells[type_kind]) == "e")
		column.native_type = "enum";
	column.not_null = truth_of(cells[not_null]);
	column.key = truth_of(cells[key]);
	column.indexed = truth_of(cells[indexed]);
	column.generated = truth_of(cells[generated]);
	column.identity = truth_of(cells[identity]);
	if (cells[collation].kind != remote::CellKind::null)
		column.collation = text_of(cells[collation]);
	return column;
}

} // namespace

void
read_postgres_schema(CatalogQuery &query, const ImportRequest &request, SchemaBuilder &builder)
{
	std::vector<std::string> params = builder.wanted_names();
	std::string sql = postgres_catalog_statement;
	constexpr std::string_view mark = "/* which */";
	sql.replace(
		sql.find(mark), mark.size(),
		params.empty() ? "" : "\n    AND c.relname IN (" + SchemaBuilder::placeholders(params.size(), 2, true) + ")");
	params.insert(params.begin(), request.schema);
	builder.schema.schema = request.schema;
	query(sql, params, fields, [&builder](const remote::Cell *cells) {
		ImportedTable *const table = builder.table(text_of(cells[table_name]));
		if (table == nullptr)
			return;
		table->read_only = text_of(cells[table_kind]) == "m";
		builder.set_encoding(text_of(cells[encoding]));
		if (cells[column_name].kind != remote::CellKind::null)
			builder.column(*table, column_of(cells));
	});
	if (!builder.schema.tables.empty())
		return;
	bool there = false;
	query("SELECT 1 FROM pg_catalog.pg_namespace AS n WHERE n.nspname = $1", {request.schema}, 1,
	      [&there](const remote::Cell *) { there = true; });
	if (!there)
		throw Error(FailureKind::query, "3F000",
		            "schema \"" + request.schema + "\" does not exist on the remote server");
}

} // namespace tenancy::fdw
