/*
 * The trigger that moves ended runs from running_queries to query_history, with all that follows from them. PG regime.
 * It never waits for a lock on users or connections: a run whose user or connection is locked against references, or
 * still invisible because its own transaction made it, stays in running_queries until the worker tries again. A few
 * short statements, each for the whole batch: with one run in it, their start is what a batch costs.
 */
#include "history/chain.hpp"
#include "history/ended.hpp"
#include "history/worker.hpp"

#include <algorithm>

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"
}

namespace tenancy::history {

namespace {

namespace spi = bridge::spi;

constexpr int64 connected_spacing = USECS_PER_SEC; /* of last_connected_at */
constexpr int64 kept_spacing = USECS_PER_MINUTE;   /* the same, while its old versions cannot be removed */

/* Different ids, in their order. */
struct Ids {
	core::Uuid *first;
	int count;

	bool has(const core::Uuid &id) const { return std::binary_search(first, first + count, id); }
	Datum array() const { return bridge::uuid_array(first, count); }
};

Ids
ids_of(const EndedRuns &runs, core::Uuid Ended::*member)
{
	auto *const ids = static_cast<core::Uuid *>(palloc(sizeof(core::Uuid) * static_cast<Size>(runs.count)));
	core::Uuid *end = ids;
	for (const Ended &run : runs)
		if (!(run.*member).is_nil())
			*end++ = run.*member;
	std::sort(ids, end);
	return {ids, static_cast<int>(std::unique(ids, end) - ids)};
}

/* Those of the ids that the statement, which has them as its argument, returns in its first column. */
Ids
find(spi::Statement &statement, const Ids &ids)
{
	if (ids.count == 0)
		return {nullptr, 0};
	Datum const array = ids.array();
	auto const count = static_cast<int>(spi::run(statement, &array));
	auto *const found = static_cast<core::Uuid *>(palloc(sizeof(core::Uuid) * static_cast<Size>(count)));
	bool is_null;
	for (int i = 0; i < count; ++i)
		found[i] = bridge::uuid_value(spi::value(static_cast<uint64>(i), 1, &is_null));
	std::sort(found, found + count);
	return {found, count};
}

/* A connection that runs name, locked so that it stays there. */
struct Target {
	core::Uuid id;
	TimestampTz last; /* DT_NOBEGIN: never */
};

struct Targets {
	Target *first;
	int count;

	Target *find(const core::Uuid &id) const
	{
		Target *const end = first + count;
		Target *const found = std::find_if(first, end, [&](const Target &target) { return target.id == id; });
		return found == end ? nullptr : found;
	}
};

Targets
lock_targets(const Ids &ids)
{
	static spi::Statement lock = {"SELECT c.id, c.last_connected_at FROM tenancy.database_connections AS c"
	                              " WHERE c.id = ANY ($1) FOR KEY SHARE OF c SKIP LOCKED",
	                              {UUIDARRAYOID}};
	if (ids.count == 0)
		return {nullptr, 0};
	Datum const array = ids.array();
	auto const count = static_cast<int>(spi::run(lock, &array));
	auto *const targets = static_cast<Target *>(palloc(sizeof(Target) * static_cast<Size>(count)));
	for (int i = 0; i < count; ++i) {
		bool is_null;
		auto const row = static_cast<uint64>(i);
		targets[i].id = bridge::uuid_value(spi::value(row, 1, &is_null));
		Datum const last = spi::value(row, 2, &is_null);
		targets[i].last = is_null ? DT_NOBEGIN : DatumGetTimestampTz(last);
	}
	return {targets, count};
}

/*
 * Is the user or connection that could not be locked certain to be none? The run's transaction, which may have made it,
 * is asked for first: if it is over, whatever it made is seen by the statement after that.
 */
bool
is_none(spi::Statement &look, const core::Uuid &id, const Ended &run)
{
	static spi::Statement ask = {"SELECT true WHERE pg_catalog.pg_xact_status($1) = 'in progress'", {XID8OID}};
	auto const finds = [](spi::Statement &statement, Datum value) {
		uint64 const rows = spi::run(statement, &value);
		SPI_freetuptable(SPI_tuptable); /* there may be a thousand runs */
		return rows > 0;
	};
	if (!run.transaction.isnull && finds(ask, run.transaction.value))
		return false;
	return !finds(look, PointerGetDatum(id.bytes.data()));
}

/*
 * Locks what the runs name. Runs whose user and connection are there, or certain to be none, come first; answers how
 * many.
 */
int
settle_names(const EndedRuns &runs, Targets *targets)
{
	static spi::Statement lock_users = {
		"SELECT u.id FROM tenancy.users AS u WHERE u.id = ANY ($1) FOR KEY SHARE OF u SKIP LOCKED", {UUIDARRAYOID}};
	static spi::Statement look_for_user = {"SELECT u.id FROM tenancy.users AS u WHERE u.id = $1", {UUIDOID}};
	static spi::Statement look_for_connection = {"SELECT c.id FROM tenancy.database_connections AS c WHERE c.id = $1",
	                                             {UUIDOID}};
	Ids const users = find(lock_users, ids_of(runs, &Ended::user));
	*targets = lock_targets(ids_of(runs, &Ended::connection));
	auto const is_settled = [&](Ended &run) {
		run.entry.nulls[attribute_user] = !users.has(run.user);
		run.entry.nulls[attribute_connection] = targets->find(run.connection) == nullptr;
		return (run.user.is_nil() || !run.entry.nulls[attribute_user] || is_none(look_for_user, run.user, run)) &&
		       (run.connection.is_nil() || !run.entry.nulls[attribute_connection] ||
		        is_none(look_for_connection, run.connection, run));
	};
	return static_cast<int>(std::partition(runs.begin(), runs.end(), is_settled) - runs.begin());
}

/* Inserts the runs in the order of their ids. */
void
insert(const EndedRuns &runs)
{
	static spi::Statement insert = {"INSERT INTO tenancy.query_history SELECT e.* FROM entries AS e"};
	static char name[] = "entries";
	std::sort(runs.begin(), runs.end(), [](const Ended &left, const Ended &right) { return left.id < right.id; });
	Relation const history = table_openrv(
		makeRangeVar(const_cast<char *>("tenancy"), const_cast<char *>("query_history"), -1), RowExclusiveLock);
	TupleDesc const description = RelationGetDescr(history);
	if (description->natts != attribute_count)
		elog(ERROR, "query_history has %d columns instead of %d", description->natts, attribute_count);
	Tuplestorestate *const rows = tuplestore_begin_heap(false, false, work_mem);
	for (Ended &run : runs)
		tuplestore_putvalues(rows, description, run.entry.values, run.entry.nulls);
	EphemeralNamedRelationData entries{};
	entries.md.name = name;
	entries.md.reliddesc = RelationGetRelid(history);
	entries.md.enrtype = ENR_NAMED_TUPLESTORE;
	entries.md.enrtuples = runs.count;
	entries.reldata = rows;
	if (SPI_register_relation(&entries) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the entries of history");
	(void) spi::run(insert);
	(void) SPI_unregister_relation(name);
	tuplestore_end(rows);
	table_close(history, NoLock);
}

/* Updates connections whose last_connected_at is too old for what was written. */
void
touch_targets(const EndedRuns &written, const Targets &targets, int64 spacing)
{
	static spi::Statement touch = {
		"WITH free AS MATERIALIZED (SELECT c.id FROM tenancy.database_connections AS c"
		" WHERE c.id = ANY ($1) FOR NO KEY UPDATE OF c SKIP LOCKED)"
		" UPDATE tenancy.database_connections AS c SET last_connected_at = s.seen"
		" FROM unnest($1, $2) AS s (id, seen) JOIN free AS f ON f.id = s.id WHERE c.id = s.id",
		{UUIDARRAYOID, TIMESTAMPTZARRAYOID}};
	Size const size = sizeof(Datum) * static_cast<Size>(targets.count);
	auto *const ids = static_cast<Datum *>(palloc(size)), *const times = static_cast<Datum *>(palloc(size));
	int count = 0;
	for (int i = 0; i < targets.count; ++i) {
		const Target &target = targets.first[i];
		TimestampTz seen = DT_NOBEGIN;
		for (const Ended &run : written)
			if (run.connected && run.connection == target.id)
				seen = Max(seen, DatumGetTimestampTz(run.entry.values[attribute_finished]));
		if (TIMESTAMP_IS_NOBEGIN(seen) || (!TIMESTAMP_IS_NOBEGIN(target.last) && target.last >= seen - spacing))
			continue;
		ids[count] = PointerGetDatum(target.id.bytes.data());
		times[count++] = TimestampTzGetDatum(seen);
	}
	if (count == 0)
		return;
	Datum const values[] = {bridge::uuid_array(ids, count),
	                        PointerGetDatum(construct_array(times, count, TIMESTAMPTZOID, sizeof(TimestampTz),
	                                                        FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))};
	(void) spi::run(touch, values);
}

void
remove(const Ids &ids)
{
	static spi::Statement remove = {"DELETE FROM tenancy.running_queries AS r WHERE r.id = ANY ($1)", {UUIDARRAYOID}};
	Datum const array = ids.array();
	(void) spi::run(remove, &array);
}

/*
 * The entries come last, as the sums that their trigger writes have one writer at a time, until it commits: whoever
 * waits for that turn waits for nothing else of ours.
 */
void
write(const EndedRuns &runs, const Targets &targets)
{
	int64 const part = take_part(get_relname_relid("history_chain", get_namespace_oid("tenancy", false)));
	Heads const heads = read_heads(runs);
	extend(heads, runs);
	write_heads(heads, part);
	touch_targets(runs, targets, part == 0 ? connected_spacing : kept_spacing);
	insert(runs);
}

/* Leaves the runs where they are, and has the worker try again. */
void
leave(const EndedRuns &runs)
{
	static spi::Statement list = {
		"INSERT INTO tenancy.deferred_queries (id) SELECT i FROM unnest($1) AS i ON CONFLICT DO NOTHING",
		{UUIDARRAYOID}};
	Datum const ids = ids_of(runs, &Ended::id).array();
	(void) spi::run(list, &ids);
	defer();
}

/*
 * Moves runs into query_history. The rest of the transaction can still read what is removed, texts that are stored
 * apart included.
 */
void
move(const EndedRuns &ended)
{
	static spi::Statement find_written = {"SELECT q.id FROM tenancy.query_history AS q WHERE q.id = ANY ($1)",
	                                      {UUIDARRAYOID}};
	Targets targets;
	EndedRuns const settled = {ended.first, settle_names(ended, &targets)};
	if (settled.count < ended.count)
		leave({ended.first + settled.count, ended.count - settled.count});
	if (settled.count == 0)
		return;
	Ids const ids = ids_of(settled, &Ended::id);
	/* The worker may have died between a commit and noting it. */
	Ids const written = find(find_written, ids);
	Ended *const end =
		std::partition(settled.begin(), settled.end(), [&](const Ended &run) { return !written.has(run.id); });
	EndedRuns const fresh = {settled.first, static_cast<int>(end - settled.first)};
	remove(ids);
	if (fresh.count > 0)
		write(fresh, targets);
}

} // namespace

/*
 * tenancy.write_history() → trigger: AFTER INSERT OR UPDATE ON running_queries REFERENCING NEW TABLE, FOR EACH
 * STATEMENT.
 */
TENANCY_FUNCTION(write_history)
{
	EndedRuns const ended = read_ended(bridge::new_rows_of(fcinfo));
	if (ended.count > 0) {
		spi::Scope const scope = spi::open();
		move(ended);
		spi::close(scope);
	}
	return PointerGetDatum(nullptr);
}

} // namespace tenancy::history
