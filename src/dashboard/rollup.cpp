/*
 * The rollups of 85-dashboard.sql: runs become sums per quarter of an hour, and per day of each statement and
 * connection, and each sum is added to its row. Rows are taken in the order of their keys. PG regime.
 */
#include <algorithm>
#include <cstdlib>

#include "dashboard/histogram.pure.hpp"

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "dashboard/run.hpp"
#include "dashboard/statement.hpp"
#include "history/history.hpp"

extern "C" {
#include "commands/trigger.h"
#include "common/pg_prng.h"
#include "storage/lmgr.h"
#include "utils/date.h"
#include "utils/rel.h"
}

namespace tenancy::dashboard {

namespace {

namespace spi = bridge::spi;

constexpr int64 bucket_width = 15 * USECS_PER_MINUTE;
/* Of the calls that add one new statement, how many look whether a user has too many of a day. */
constexpr double fold_chance = 1.0 / 64;
constexpr int fold_rest = 20; /* times what the look took */

/* A run without a user or connection has the nil UUID there, and so is in the table. */
constexpr core::Uuid nobody = {};
constexpr core::Uuid everyone = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};

/* What runs of one sum have in common; what does not count for its kind is the same in all keys. */
struct Key {
	core::Uuid user;
	int64 span; /* the bucket's begin, or the day */
	core::Uuid connection;
	int64 fingerprint;
	const char *source, *status;
};

struct Entry {
	Key key;
	const Run *run;
	const char *sample; /* the statement without literals */
	bool fresh;         /* its sum had no row yet; set by who writes it, in the first entry of a sum */
};

struct Entries {
	Entry *first;
	int count;
};

int
compare(const Key &left, const Key &right)
{
	if (auto const order = left.user <=> right.user; order != 0)
		return order < 0 ? -1 : 1;
	if (left.span != right.span)
		return left.span < right.span ? -1 : 1;
	if (auto const order = left.connection <=> right.connection; order != 0)
		return order < 0 ? -1 : 1;
	if (left.fingerprint != right.fingerprint)
		return left.fingerprint < right.fingerprint ? -1 : 1;
	int const order = strcmp(left.source, right.source);
	return order != 0 ? order : strcmp(left.status, right.status);
}

int
compare_entries(const void *left, const void *right)
{
	return compare(static_cast<const Entry *>(left)->key, static_cast<const Entry *>(right)->key);
}

int64
floor_divide(int64 value, int64 by)
{
	return value / by - (value % by < 0 ? 1 : 0);
}

DateADT
day_of(const Run &run)
{
	return static_cast<DateADT>(floor_divide(run.started, USECS_PER_DAY));
}

/* Each run counts for its user and for all users together. */
void
enter_twice(Entries &to, const Run &run, Key key, const char *sample)
{
	key.user = run.user;
	key.connection = run.connection;
	to.first[to.count++] = {key, &run, sample, false};
	key.user = everyone;
	key.connection = nobody;
	to.first[to.count++] = {key, &run, sample, false};
}

Entries
room_for(const Runs &runs)
{
	return {static_cast<Entry *>(palloc(sizeof(Entry) * 2 * static_cast<Size>(runs.count + 1))), 0};
}

Entries
by_bucket(const Runs &runs)
{
	Entries entries = room_for(runs);
	for (const Run &run : runs) {
		int64 const bucket = floor_divide(run.started, bucket_width) * bucket_width;
		enter_twice(entries, run, {{}, bucket, {}, 0, run.source, run.status}, nullptr);
	}
	return entries;
}

Entries
by_statement(const Runs &runs)
{
	Entries entries = room_for(runs);
	for (const Run &run : runs)
		if (run.stated)
			enter_twice(entries, run, {{}, day_of(run), {}, run.statement.fingerprint, "", ""}, run.statement.sample);
	return entries;
}

Entries
by_connection(const Runs &runs)
{
	Entries entries = room_for(runs);
	for (const Run &run : runs)
		entries.first[entries.count++] = {{everyone, day_of(run), run.connection, 0, "", ""}, &run, nullptr, false};
	return entries;
}

/* What runs with the same key amount to. */
struct Sum {
	int64 runs, failures, rows, bytes, ms, cached, truncated;
	int32 max_ms;
	TimestampTz last_started, last_failed; /* DT_NOBEGIN: never */
	const char *last_error;
	Histogram latency;

	void clear()
	{
		*this = {};
		last_started = last_failed = DT_NOBEGIN;
	}
	void add(const Run &run)
	{
		++runs;
		rows += run.rows;
		bytes += run.bytes;
		ms += run.ms;
		max_ms = std::max(max_ms, run.ms);
		cached += run.cached;
		truncated += run.truncated;
		last_started = std::max(last_started, run.started);
		if (run.failed()) {
			++failures;
			if (run.started >= last_failed) {
				last_failed = run.started;
				last_error = run.error_code;
			}
		}
		if (run.duration >= 0)
			latency.add(static_cast<uint64>(run.duration));
	}
};

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
		14,
		{UUIDOID, TIMESTAMPTZOID, UUIDOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, INT8OID,
	     INT8OID, BYTEAOID, INT8OID},
		nullptr};
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
	(void) spi::run(upsert, values, nullptr, false);
}

void
write_statement(Entry &entry, const Sum &sum)
{
	static spi::Statement upsert = {
		"INSERT INTO tenancy.statement_rollups AS s (user_id, day, database_connection_id, fingerprint, statement, "
		"runs,"
		" failures, row_count, total_ms, max_ms, cached, latency, last_started_at, last_failed_at, last_error_code, part)"
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
		16,
		{UUIDOID, DATEOID, UUIDOID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, INT8OID, BYTEAOID,
	     TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT8OID},
		nullptr};
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
	entry.fresh = spi::run(upsert, values, nulls, false) == 1 && DatumGetBool(spi::value(0, 1, &is_null));
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
		12,
		{DATEOID, UUIDOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, INT8OID, INT8OID, BYTEAOID, INT8OID},
		nullptr};
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
	(void) spi::run(upsert, values, nullptr, false);
}

/* Sum up entries with the same key, and write each sum; what that takes is given back before the next. */
void
write_sums(const Entries &entries, void (*write)(Entry &, const Sum &))
{
	qsort(entries.first, static_cast<Size>(entries.count), sizeof(Entry), compare_entries);
	auto *const sum = static_cast<Sum *>(palloc(sizeof(Sum)));
	MemoryContext const place = AllocSetContextCreate(CurrentMemoryContext, "rollup", ALLOCSET_DEFAULT_SIZES);
	MemoryContext const context = MemoryContextSwitchTo(place);
	for (int begin = 0, end = 0; begin < entries.count; begin = end) {
		sum->clear();
		for (; end < entries.count && compare(entries.first[begin].key, entries.first[end].key) == 0; ++end)
			sum->add(*entries.first[end].run);
		write(entries.first[begin], *sum);
		MemoryContextReset(place);
	}
	MemoryContextSwitchTo(context);
	MemoryContextDelete(place);
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
	static spi::Statement fold_one = {"SELECT tenancy.fold_statements($1, $2)", 2, {UUIDOID, DATEOID}, nullptr};
	const Key *last = nullptr;
	for (int i = 0; i < entries.count; ++i) {
		const Key &key = entries.first[i].key;
		if (!entries.first[i].fresh || (last != nullptr && key.user == last->user && key.span == last->span))
			continue;
		last = &key;
		Datum const values[] = {bridge::uuid_datum(key.user), DateADTGetDatum(static_cast<DateADT>(key.span))};
		(void) spi::run(fold_one, values, nullptr, false);
	}
}

/*
 * Now and then, by chance. A look goes through all versions of a day's rows: as long as somebody's open transaction keeps
 * them, each is followed by a rest.
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

/*
 * The sums of all users are in every writer's way, and one transaction may come here twice, with keys in any order: so
 * that two writers never wait for each other in a circle, one has its turn from here until it commits.
 */
void
take_turn(Oid history)
{
	LockDatabaseObject(RelationRelationId, history, 1, ExclusiveLock);
}

} // namespace

/* tenancy.write_rollups() → trigger: AFTER INSERT ON query_history REFERENCING NEW TABLE, FOR EACH STATEMENT. */
TENANCY_FUNCTION(write_rollups)
{
	auto const *const trigger = reinterpret_cast<const TriggerData *>(fcinfo->context);
	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_newtable == nullptr)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		                errmsg("function must be called as a trigger with a table of new rows")));
	spi::Scope const scope = spi::open();
	Runs const runs = read_runs(trigger->tg_newtable, RelationGetDescr(trigger->tg_relation));
	take_turn(RelationGetRelid(trigger->tg_relation));
	add(runs);
	spi::close(scope);
	return PointerGetDatum(nullptr);
}

/* tenancy.take_rollup_turn(history) → void. */
TENANCY_FUNCTION(take_rollup_turn)
{
	take_turn(PG_GETARG_OID(0));
	PG_RETURN_VOID();
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
