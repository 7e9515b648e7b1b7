/*
 * The C functions of 85-dashboard.sql that compute: histograms of durations, fingerprints of statements. PG regime.
 */
#include "bridge/pg.hpp"

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "dashboard/histogram.pure.hpp"
#include "dashboard/statement.hpp"

#include <cmath>

extern "C" {
#include "access/detoast.h"
}

namespace tenancy::dashboard {

namespace {

constexpr int most_text = 16 << 20; /* of a fingerprint: to read a statement takes a while, and cannot be interrupted */

/* The state of an aggregate: made by its first row, in the aggregate's memory. */
Histogram *
state_of(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	if (AggCheckCallContext(fcinfo, &context) == 0)
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (!PG_ARGISNULL(0))
		return reinterpret_cast<Histogram *>(PG_GETARG_POINTER(0));
	return static_cast<Histogram *>(MemoryContextAllocZero(context, sizeof(Histogram)));
}

Bytes
bytes_of(const bytea *stored)
{
	return {reinterpret_cast<const unsigned char *>(VARDATA_ANY(stored)), VARSIZE_ANY_EXHDR(stored)};
}

/* A caller's value is an argument like any other; one that the rollups hold (histogram_add) is damage. */
[[noreturn]] void
refuse_bytes(int code)
{
	ereport(ERROR, (errcode(code), errmsg("value is not a histogram of durations")));
}

} // namespace

/* histogram_collect(started, finished): one more duration; a clock that was set back counts as none. */
TENANCY_FUNCTION(histogram_collect_step)
{
	Histogram *const state = state_of(fcinfo);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2)) {
		int64 const duration = PG_GETARG_TIMESTAMPTZ(2) - PG_GETARG_TIMESTAMPTZ(1);
		state->add(duration < 0 ? 0 : static_cast<uint64>(duration));
	}
	PG_RETURN_POINTER(state);
}

/* histogram_merge(histogram): one more histogram. */
TENANCY_FUNCTION(histogram_merge_step)
{
	Histogram *const state = state_of(fcinfo);
	if (!PG_ARGISNULL(1) && !state->add(bytes_of(PG_GETARG_BYTEA_PP(1))))
		refuse_bytes(ERRCODE_INVALID_BINARY_REPRESENTATION);
	PG_RETURN_POINTER(state);
}

TENANCY_FUNCTION(histogram_result)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	auto const *const state = reinterpret_cast<const Histogram *>(PG_GETARG_POINTER(0));
	auto *const result = static_cast<bytea *>(palloc(VARHDRSZ + longest_size(bucket_count)));
	SET_VARSIZE(result, VARHDRSZ + state->store(reinterpret_cast<unsigned char *>(VARDATA(result))));
	PG_RETURN_BYTEA_P(result);
}

/* tenancy.histogram_add(bytea, bytea) → bytea: their sum. */
TENANCY_FUNCTION(histogram_add)
{
	Bytes const left = bytes_of(PG_GETARG_BYTEA_PP(0)), right = bytes_of(PG_GETARG_BYTEA_PP(1));
	/* A count of the sum may need one byte more than both had for it. */
	auto *const result = static_cast<bytea *>(palloc(VARHDRSZ + 2 * (left.size() + right.size()) + longest_pair));
	Size const size = add_stored(left, right, reinterpret_cast<unsigned char *>(VARDATA(result)));
	if (size == 0)
		refuse_bytes(ERRCODE_DATA_CORRUPTED);
	SET_VARSIZE(result, VARHDRSZ + size);
	PG_RETURN_BYTEA_P(result);
}

/* tenancy.histogram_count(bytea) → how many durations it has. */
TENANCY_FUNCTION(histogram_count)
{
	auto const count = count_of(bytes_of(PG_GETARG_BYTEA_PP(0)));
	if (!count)
		refuse_bytes(ERRCODE_INVALID_BINARY_REPRESENTATION);
	PG_RETURN_INT64(static_cast<int64>(*count));
}

/* tenancy.histogram_quantile(bytea, fraction) → milliseconds, NULL when it is empty. */
TENANCY_FUNCTION(histogram_quantile)
{
	double const fraction = PG_GETARG_FLOAT8(1);
	if (!(fraction >= 0 && fraction <= 1))
		ereport(ERROR,
		        (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("fraction %g is not between 0 and 1", fraction)));
	double const microseconds = quantile_of(bytes_of(PG_GETARG_BYTEA_PP(0)), fraction);
	if (std::isnan(microseconds))
		refuse_bytes(ERRCODE_INVALID_BINARY_REPRESENTATION);
	if (microseconds < 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(microseconds / 1000);
}

/* tenancy.fingerprint(sql, database_type) → (fingerprint, statement). */
TENANCY_FUNCTION(fingerprint)
{
	TupleDesc description;
	if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) > most_text + VARHDRSZ)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("statement is too long"),
		                errdetail("Statements have at most %d bytes here.", most_text)));
	Statement const statement = statement_of(PG_GETARG_TEXT_PP(0), bridge::text_argument(fcinfo, 1));
	Datum values[] = {Int64GetDatum(statement.fingerprint), CStringGetTextDatum(statement.sample)};
	bool nulls[] = {false, false};
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls)));
}

} // namespace tenancy::dashboard
