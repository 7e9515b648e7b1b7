/*
 * The SQL functions of the catalog. PG regime.
 */
#include "catalog/cache.hpp"
#include "catalog/define.pure.hpp"
#include "catalog/names.pure.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/function.hpp"
#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "history/history.hpp"
#include "query/query.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace tenancy::catalog {

namespace {

constexpr int most_sample_rows = 1000;

/* The statement that samples the named table; NULL when schema has none. */
char *
sample_sql(const Schema *schema, std::string_view name, int rows)
{
	std::string *const sql = bridge::owned<std::string>(CurrentMemoryContext);
	bridge::enter([&] {
		if (const Table *const table = find_table(*schema, name))
			*sql = sample_statement(*schema, *table, rows);
	});
	return sql->empty() ? nullptr : bridge::server_text(sql->c_str());
}

int
sample_size(FunctionCallInfo fcinfo)
{
	int const rows = PG_ARGISNULL(2) ? 10 : PG_GETARG_INT32(2);
	if (rows < 1 || rows > most_sample_rows)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n must be between 1 and %d", most_sample_rows),
		         errhint("tenancy.execute_query() answers as many rows as a statement asks for.")));
	return rows;
}

} // namespace

TENANCY_FUNCTION(detect_client_schema)
{
	PG_RETURN_JSONB_P(
		detect(history::require_connection(connection::selector_argument(fcinfo, 0), history::Source::catalog))
			.document);
}

TENANCY_FUNCTION(schema)
{
	connection::Config const config =
		history::require_connection(connection::selector_argument(fcinfo, 0), history::Source::catalog);
	if (!PG_GETARG_BOOL(1)) {
		Cached const cached = read_cached(config);
		if (cached.fresh)
			PG_RETURN_JSONB_P(cached.document);
	}
	PG_RETURN_JSONB_P(detect(config).document);
}

TENANCY_FUNCTION(schema_place)
{
	const Schema *const schema = parse(PG_GETARG_JSONB_P(0));
	std::string_view const name = bridge::utf8(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	auto const place = bridge::enter([&] {
		const Table *const table = find_table(*schema, name);
		if (table == nullptr)
			refuse_table(*schema, name);
		return table - schema->tables.data();
	});
	PG_RETURN_INT32(static_cast<int32>(place) + 1);
}

TENANCY_FUNCTION(sample_data)
{
	connection::Selector const selector = connection::selector_argument(fcinfo, 0);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("table_name must not be null")));
	std::string_view const name = bridge::utf8(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	int const rows = sample_size(fcinfo);
	connection::Config const config = history::require_connection(selector, history::Source::catalog);
	Cached const cached = read_cached(config);
	char *sql = cached.fresh ? sample_sql(parse(cached.document), name, rows) : nullptr;
	if (sql == nullptr) { /* perhaps a table that is newer than the cache */
		const Schema *const schema = detect(config).schema;
		sql = sample_sql(schema, name, rows);
		if (sql == nullptr)
			bridge::enter([&] { refuse_table(*schema, name); });
	}
	query::Request request{};
	request.selector = selector;
	request.sql = sql;
	request.max_rows = rows;
	request.source = history::Source::sample;
	request.read_only = true;
	PG_RETURN_TEXT_P(query::answer(request, nullptr));
}

TENANCY_FUNCTION(may_define)
{
	text *const sql = PG_GETARG_TEXT_PP(0);
	PG_RETURN_BOOL(may_define({VARDATA_ANY(sql), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(sql))}));
}

} // namespace tenancy::catalog
