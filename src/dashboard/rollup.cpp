/*
 * The rollups of 85-dashboard.sql: each sum of new runs is added to its row. Rows are taken in the order of their keys.
 * PG regime.
 */
#include <algorithm>

#include "bridge/datum.hpp"
#include "bridge/extension.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "dashboard/sum.hpp"
#include "history/history.hpp"

extern "C" {
#include "common/pg_prng.h"
#include "utils/date.h"
}

namespace tenancy::dashboard {

namespace {

namespace spi = bridge::spi;

/* The share of calls with one new statement that also look whether the user has too many of that day. */
constexpr double fold_chance = 1.0 / 64;
constexpr int fold_rest = 20; /* times what the look took */

Datum
stored(const Histogram &histogram)
{
	auto *const bytes = static_cast<bytea *>(palloc(VARHDRSZ + longest_size(bucket_count)));
	SET_VARSIZE(bytes, VARHDRSZ + histogram.store(reinterpret_cast<unsigned char *>(VARDATA(bytes))));
	return PointerGetDatum(bytes);
}

void
write_bucket(Entry &entry, const Sum &sum)
{
	static spi::Statement upsert = {
		"INSERT INTO tenancy.query_rollups AS r (user_id, bucket, database_connection_id, source, status, runs,"
		" row_count, result_bytes, total_ms, max_ms, cached, truncated, latency, part)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
		" ON CONFLICT (user_id, bucket, database_connection_id, source, status, part) DO UPDATE SET"
		" runs = r.runs + excluded.runs, row_count = r.row_count + excluded.row_count,"
		" result_bytes = r.result_bytes + excluded.result_bytes, total_ms = r.total_ms + excluded.total_ms,"
		" max_ms = greatest(r.max_ms, excluded.max_ms), cached = r.cached + excluded.cached,"
		" truncated = r.truncated + excluded.truncated,"
		" latency = tenancy.histogram_add(r.latency, excluded.latency)",
		{UUIDOID, TIMESTAMPTZOID, UUIDOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, INT8OID,
	     INT8OID, BYTEAOID, INT8OID}};
	const Key &key = entry.key;
	Datum const values[] = {bridge::uuid_datum(key.user),
	                        TimestampTzGetDatum(key.span),
	                        bridge::uuid_datum(key.connection),
	                        CStringGetTextDatum(key.source),
	                        CStringGetTextDatum(key.status),
	                        Int64GetDatum(sum.runs),
	                        Int64GetDatum(sum.rows),
	                        Int64GetDatum(sum.bytes),
	                        Int64GetDatum(sum.ms),
	                        Int32GetDatum(sum.max_ms),
	                        Int64GetDatum(sum.cached),
	                        Int64GetDatum(sum.truncated),
	                        stored(sum.latency),
	                        Int64GetDatum(history::part())};
	(void) spi::run(upsert, values);
}

void
write_statement(Entry &entry, const Sum &sum)
{
	static spi::Statement upsert = {
		"INSERT INTO tenancy.statement_rollups AS s (user_id, day, database_connection_id, fingerprint, statement,"
		" runs, failures, row_count, total_ms, max_ms, cached, latency, last_started_at, last_failed_at,"
		" last_error_code, part)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
		" ON CONFLICT (user_id, day, database_connection_id, fingerprint, part) DO UPDATE SET"
		" runs = s.runs + excluded.runs, failures = s.failures + excluded.failures,"
		" row_count = s.row_count + excluded.row_count, total_ms = s.total_ms + excluded.total_ms,"
		" max_ms = greatest(s.max_ms, excluded.max_ms), cached = s.cached + excluded.cached,"
		" latency = tenancy.histogram_add(s.latency, excluded.latency),"
		" last_started_at = greatest(s.last_started_at, excluded.last_started_at),"
		" last_failed_at = greatest(s.last_failed_at, excluded.last_failed_at),"
		" last_error_code = CASE WHEN s.last_failed_at > excluded.last_failed_at OR excluded.last_failed_at IS NULL"
		" THEN s.last_error_code ELSE excluded.last_error_code END"
		" RETURNING s.xmax = 0",
		{UUIDOID, DATEOID, UUIDOID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, INT8OID, BYTEAOID,
	     TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT8OID}};
	const Key &key = entry.key;
	NullableDatum const error = bridge::nullable_text(sum.last_error);
	Datum const values[] = {bridge::uuid_datum(key.user),
	                        DateADTGetDatum(static_cast<DateADT>(key.span)),
	                        bridge::uuid_datum(key.connection),
	                        Int64GetDatum(key.fingerprint),
	                        CStringGetTextDatum(entry.sample),
	                        Int64GetDatum(sum.runs),
	                        Int64GetDatum(sum.failures),
	                        Int64GetDatum(sum.rows),
	                        Int64GetDatum(sum.ms),
	                        Int32GetDatum(sum.max_ms),
	                        Int64GetDatum(sum.cached),
	                        stored(sum.latency),
	                        TimestampTzGetDatum(sum.last_started),
	                        TimestampTzGetDatum(sum.last_failed),
	                        error.value,
	                        Int64GetDatum(history::part())};
	char nulls[std::size(values) + 1] = "                ";
	nulls[13] = sum.failures == 0 ? 'n' : ' ';
	nulls[14] = error.isnull ? 'n' : ' ';
	bool is_null = true;
	entry.fresh = spi::run(upsert, values, nulls) == 1 && DatumGetBool(spi::value(0, 1, &is_null));
}

void
write_connection(Entry &entry, const Sum &sum)
{
	static spi::Statement upsert = {
		"INSERT INTO tenancy.connection_rollups AS c (day, database_connection_id, runs, failures, row_count,"
		" result_bytes, total_ms, max_ms, cached, truncated, latency, part)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
		" ON CONFLICT (day, database_connection_id, part) DO UPDATE SET"
		" runs = c.runs + excluded.runs, failures = c.failures + excluded.failures,"
		" row_count = c.row_count + excluded.row_count, result_bytes = c.result_bytes + excluded.result_bytes,"
		" total_ms = c.total_ms + excluded.total_ms, max_ms = greatest(c.max_ms, excluded.max_ms),"
		" cached = c.cached + excluded.cached, truncated = c.truncated + excluded.truncated,"
		" latency = tenancy.histogram_add(c.latency, excluded.latency)",
		{DATEOID, UUIDOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, INT8OID, INT8OID, BYTEAOID, INT8OID}};
	Datum const values[] = {DateADTGetDatum(static_cast<DateADT>(entry.key.span)),
	                        bridge::uuid_datum(entry.key.connection),
	                        Int64GetDatum(sum.runs),
	                        Int64GetDatum(sum.failures),
	                        Int64GetDatum(sum.rows),
	                        Int64GetDatum(sum.bytes),
	                        Int64GetDatum(sum.ms),
	                        Int32GetDatum(sum.max_ms),
	                        Int64GetDatum(sum.cached),
	                        Int64GetDatum(sum.truncated),
	                        stored(sum.latency),
	                        Int64GetDatum(history::part())};
	(void) spi::run(upsert, values);
}

int
count_fresh(const Entries &entries)
{
	return static_cast<int>(
		std::count_if(entries.first, entries.first + entries.count, [](const Entry &entry) { return entry.fresh; }));
}

/* Look at the days of users that have a new statement. Entries are sorted, so that each user's days stand together. */
void
fold(const Entries &entries)
{
	static spi::Statement fold_one = {"SELECT tenancy.fold_statements($1, $2)", {UUIDOID, DATEOID}};
	const Key *last = nullptr;
	for (int i = 0; i < entries.count; ++i) {
		const Key &key = entries.first[i].key;
		if (!entries.first[i].fresh || (last != nullptr && key.user == last->user && key.span == last->span))
			continue;
		last = &key;
		Datum const values[] = {bridge::uuid_datum(key.user), DateADTGetDatum(static_cast<DateADT>(key.span))};
		(void) spi::run(fold_one, values);
	}
}

/*
 * Now and then, by chance. A look goes through all versions of a day's rows: as long as somebody's open transaction
 * keeps them, each is followed by a rest.
 */
void
fold_by_chance(const Entries &entries)
{
	static TimestampTz rested = 0;
	TimestampTz const begun = GetCurrentTimestamp();
	if (begun < rested || pg_prng_double(&pg_global_prng_state) >= count_fresh(entries) * fold_chance)
		return;
	fold(entries);
	TimestampTz const ended = GetCurrentTimestamp();
	rested = history::part() == 0 ? 0 : ended + fold_rest * (ended - begun);
}

void
add(const Runs &runs)
{
	write_sums(by_bucket(runs), write_bucket);
	write_sums(by_connection(runs), write_connection);
	Entries const statements = by_statement(runs);
	write_sums(statements, write_statement);
	fold_by_chance(statements);
}

} // namespace

/*
 * tenancy.write_rollups() → trigger: AFTER INSERT ON query_history REFERENCING NEW TABLE, FOR EACH STATEMENT.
 * The sums of all users are in every writer's way, and one transaction may come here twice, with keys in any order: so
 * that two writers never wait for each other in a circle, one has its turn from here until it commits.
 */
TENANCY_FUNCTION(write_rollups)
{
	const TriggerData &trigger = bridge::new_rows_of(fcinfo);
	spi::Scope const scope = spi::open();
	Runs const runs = read_runs(trigger);
	bridge::take_turn(bridge::Turn::sums, ExclusiveLock);
	add(runs);
	spi::close(scope);
	return PointerGetDatum(nullptr);
}

/* tenancy.roll_up(ids uuid[]) → void. */
TENANCY_FUNCTION(roll_up)
{
	spi::Scope const scope = spi::open();
	add(find_runs(PG_GETARG_DATUM(0)));
	spi::close(scope);
	PG_RETURN_VOID();
}

} // namespace tenancy::dashboard
