/*
 * tenancy.query and tenancy.describe_query: rows of a client database as rows. PG regime.
 */
#include "query/query.hpp"

#include "query/answer.pure.hpp"

#include "bridge/cell.hpp"
#include "bridge/datum.hpp"
#include "bridge/error.hpp"
#include "bridge/function.hpp"
#include "bridge/owned.hpp"
#include "bridge/readable.hpp"
#include "bridge/wait.hpp"
#include "query/cache.hpp"
#include "query/execution.hpp"
#include "query/params.hpp"
#include "settings.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace tenancy::query {

namespace {

char *
required_sql(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("sql must not be null")));
	return text_to_cstring(PG_GETARG_TEXT_PP(1));
}

/* The caller's column list must be as wide as the result; a difference is an error before the first row. */
void
check_width(Execution &execution, TupleDesc wanted)
{
	int const given = static_cast<int>(execution.stream->columns().size());
	if (given == wanted->natts)
		return;
	if (execution.writes)
		finish_writing(execution);
	ereport(ERROR,
	        (errcode(ERRCODE_DATATYPE_MISMATCH),
	         errmsg("the query returns %d columns, but the column definition list has %d", given, wanted->natts),
	         errhint("tenancy.describe_query() lists the columns of a query.")));
}

void
store_rows(const remote::Batch &batch, bridge::Converter *converters, ReturnSetInfo *info, MemoryContext per_row)
{
	TupleDesc const descriptor = info->setDesc;
	auto *const values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(descriptor->natts)));
	auto *const nulls = static_cast<bool *>(palloc(sizeof(bool) * static_cast<Size>(descriptor->natts)));
	MemoryContext const outer = MemoryContextSwitchTo(per_row);
	for (std::size_t i = 0; i < batch.rows(); ++i) {
		remote::Cell const *const row = batch.row(i);
		for (int column = 0; column < descriptor->natts; ++column)
			values[column] = bridge::cell_datum(converters[column], row[column], &nulls[column]);
		tuplestore_putvalues(info->setResult, descriptor, values, nulls);
		MemoryContextReset(per_row);
	}
	MemoryContextSwitchTo(outer);
	pfree(values);
	pfree(nulls);
}

/* It goes into memory and then into a temporary file, of which nobody else must run out. */
void
check_size(const Stream &stream)
{
	int const most = settings::max_query_bytes;
	if (most > 0 && stream.bytes() / 1024 > most)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("the result of the query is too large"),
		                errdetail("The values of one result have at most %d kB.", most),
		                errhint("Select less, or read it in parts with tenancy.open_query().")));
}

/* From the start of the statement to its last row. */
void
drain(Execution &execution, const char *sql, remote::ParamList params, ReturnSetInfo *info)
{
	bridge::Failure failure;
	if (!start(execution, sql, params, fetch_rows, failure))
		fail(execution, failure);
	Stream *const stream = execution.stream;
	bool const has_rows = !stream->columns().empty();
	if (has_rows)
		check_width(execution, info->setDesc);
	bridge::Converter *const converters = bridge::make_converters(info->setDesc);
	if (has_rows)
		bridge::match(converters, stream->columns().data(), info->setDesc->natts);
	MemoryContext const per_row = AllocSetContextCreate(CurrentMemoryContext, "query row", ALLOCSET_DEFAULT_SIZES);
	for (bool more = true; more;) {
		if (!bridge::attempt(failure, [&] { more = stream->fetch(bridge::waiter()); }))
			fail(execution, failure);
		if (more && !has_rows)
			check_width(execution, info->setDesc); /* rows of no columns, as SELECT without a list gives on PostgreSQL */
		if (more)
			store_rows(stream->batch(), converters, info, per_row);
		check_size(*stream);
	}
	MemoryContextDelete(per_row);

	(void) finish(execution, success_of(*stream));
}

struct Description {
	std::vector<remote::Column> columns;
};

void
describe(Description &description, connection::Pool &pool, connection::Opening &opening, std::string_view sql)
{
	connection::Lease lease(pool, opening, bridge::waiter());
	remote::RunOptions options;
	options.timeout_ms = opening.statement_timeout_ms;
	options.read_only = opening.read_only;
	description.columns = lease.session().describe(sql, options, bridge::waiter());
	check_columns(description.columns);
}

/* Rows of an unnamed type need the caller's column list; say so, rather than what mode is missing. */
void
require_column_list(FunctionCallInfo fcinfo)
{
	auto const *const info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	if (info == nullptr || !IsA(info, ReturnSetInfo) || info->expectedDesc == nullptr)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("tenancy.query needs a column definition list"),
		                errhint("Call it in FROM, as in SELECT * FROM tenancy.query(…) AS t(a int, b text); "
		                        "or use tenancy.open_query() or tenancy.execute_query().")));
}

} // namespace

TENANCY_FUNCTION(query)
{
	connection::Selector const selector = connection::selector_argument(fcinfo, 0);
	char *const sql = required_sql(fcinfo);
	remote::ParamList const params = variadic_params(fcinfo, 2);
	require_column_list(fcinfo);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	auto *const info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	Execution execution{};

	if (!begin(execution, selector, history::Source::sql, nullptr, sql))
		connection::deny(selector);
	bridge::on_error([&] { drain(execution, sql, params, info); },
	                 [&](const ErrorData *error) { abandon(execution, history::outcome_of(error)); });
	return static_cast<Datum>(0);
}

TENANCY_FUNCTION(describe_query)
{
	connection::Config const config = connection::require(connection::selector_argument(fcinfo, 0));
	char *const sql = required_sql(fcinfo);
	connection::Opening *const opening = connection::prepare(config);
	Description *const description = bridge::owned<Description>(CurrentMemoryContext);
	connection::Pool &pool = connection::pool();
	std::string_view const text = pg_server_to_any(sql, static_cast<int>(strlen(sql)), PG_UTF8);
	bridge::enter([&] { describe(*description, pool, *opening, text); });

	InitMaterializedSRF(fcinfo, 0);
	auto *const info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	for (remote::Column const &column : description->columns) {
		char *const name = bridge::readable(column.name);
		Datum values[] = {CStringGetTextDatum(name),
		                  CStringGetTextDatum(format_type_with_typemod(column.type_oid, column.typmod))};
		bool nulls[] = {false, false};
		tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
	}
	return static_cast<Datum>(0);
}

void
initialize()
{
	initialize_cursors();
}

void
request_shared_memory()
{
	cache::request_shared_memory();
}

void
start_shared_memory()
{
	cache::start_shared_memory();
}

} // namespace tenancy::query
