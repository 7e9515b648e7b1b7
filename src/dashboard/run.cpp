/*
 * See run.hpp. PG regime.
 */
#include <algorithm>

#include "dashboard/run.hpp"

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "utils/hsearch.h"
}

namespace tenancy::dashboard {

namespace {

namespace spi = bridge::spi;

enum Column {
	user,
	connection,
	started,
	finished,
	rows,
	bytes,
	ms,
	cached,
	truncated,
	source,
	status,
	error_code,
	sql,
	column_count
};

constexpr const char *names[column_count] = {"user_id",
                                             "database_connection_id",
                                             "started_at",
                                             "finished_at",
                                             "row_count",
                                             "result_bytes",
                                             "execution_time_ms",
                                             "cached",
                                             "truncated",
                                             "source",
                                             "status",
                                             "error_code",
                                             "generated_sql_query"};

/* Where the columns are. */
struct Layout {
	TupleDesc description;
	int numbers[column_count];
};

Layout
layout_of(TupleDesc description)
{
	Layout layout = {description, {}};
	for (int c = 0; c < column_count; ++c)
		layout.numbers[c] = bridge::column_of(description, "query_history", names[c]);
	return layout;
}

/* A row that is being read. */
class Row {
public:
	Row(HeapTuple tuple, const Layout &layout) : tuple_(tuple), layout_(layout) {}

	core::Uuid uuid(Column column) const
	{
		NullableDatum const found = get(column);
		return found.isnull ? core::Uuid{} : bridge::uuid_value(found.value);
	}
	bool is_null(Column column) const { return get(column).isnull; }
	/* Null counts as 0 or false. */
	int32 integer(Column column) const
	{
		NullableDatum const found = get(column);
		return found.isnull ? 0 : DatumGetInt32(found.value);
	}
	int64 bigint(Column column) const
	{
		NullableDatum const found = get(column);
		return found.isnull ? 0 : DatumGetInt64(found.value);
	}
	bool boolean(Column column) const
	{
		NullableDatum const found = get(column);
		return !found.isnull && DatumGetBool(found.value);
	}
	const char *word(Column column) const
	{
		NullableDatum const found = get(column);
		return found.isnull ? nullptr : text_to_cstring(DatumGetTextPP(found.value));
	}
	/* False when it is null. A text that was stored apart is here only as long as this takes. */
	bool statement(Column column, const char *database_type, Statement *statement) const
	{
		NullableDatum const found = get(column);
		if (found.isnull)
			return false;
		text *const sql = DatumGetTextPP(found.value);
		*statement = statement_of(sql, database_type);
		if (sql != reinterpret_cast<text *>(DatumGetPointer(found.value)))
			pfree(sql);
		return true;
	}

private:
	NullableDatum get(Column column) const
	{
		NullableDatum found;
		found.value = SPI_getbinval(tuple_, layout_.description, layout_.numbers[column], &found.isnull);
		return found;
	}

	HeapTuple tuple_;
	const Layout &layout_;
};

struct Connection {
	core::Uuid id;
	char database_type[20]; /* empty: not known */
};

/* Reads rows of one layout; asks for the type of each of their connections once. */
class Reader {
public:
	explicit Reader(TupleDesc description) : layout_(layout_of(description))
	{
		HASHCTL control{};
		control.keysize = sizeof(core::Uuid);
		control.entrysize = sizeof(Connection);
		control.hcxt = CurrentMemoryContext;
		connections_ = hash_create("connections of runs", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}

	Run read(HeapTuple tuple) const
	{
		Row const row(tuple, layout_);
		Run run;
		run.user = row.uuid(user);
		run.connection = row.uuid(connection);
		run.started = row.bigint(started);
		/* A run without a time of execution never began; a clock that was set back counts as no time. */
		run.duration = row.is_null(ms) ? -1 : std::max<int64>(0, row.bigint(finished) - run.started);
		run.rows = row.integer(rows);
		run.bytes = row.bigint(bytes);
		run.ms = row.integer(ms);
		run.cached = row.boolean(cached);
		run.truncated = row.boolean(truncated);
		run.source = row.word(source);
		run.status = row.word(status);
		run.error_code = row.word(error_code);
		run.stated = row.statement(sql, database_type_of(run.connection), &run.statement);
		return run;
	}

private:
	const char *database_type_of(const core::Uuid &id) const
	{
		if (id.is_nil())
			return nullptr;
		bool known;
		auto *const found = static_cast<Connection *>(hash_search(connections_, &id, HASH_ENTER, &known));
		if (!known)
			ask_for(*found);
		return found->database_type[0] == 0 ? nullptr : found->database_type;
	}
	static void ask_for(Connection &connection)
	{
		static spi::Statement find = {"SELECT c.database_type FROM tenancy.database_connections AS c WHERE c.id = $1",
		                              {UUIDOID}};
		connection.database_type[0] = 0;
		Datum const values[] = {bridge::uuid_datum(connection.id)};
		if (spi::read(find, values) > 0)
			strlcpy(connection.database_type, spi::text(0, 1), sizeof connection.database_type);
	}

	Layout layout_;
	HTAB *connections_;
};

Runs
room_for(int64 count)
{
	return {static_cast<Run *>(palloc(sizeof(Run) * static_cast<Size>(count))), 0};
}

} // namespace

Runs
read_runs(const TriggerData &trigger)
{
	Reader const reader(RelationGetDescr(trigger.tg_relation));
	Runs runs = room_for(tuplestore_tuple_count(trigger.tg_newtable));
	bridge::for_each_new_row(trigger, [&](TupleTableSlot *slot) {
		bool made;
		HeapTuple const tuple = ExecFetchSlotHeapTuple(slot, false, &made);
		runs.first[runs.count++] = reader.read(tuple);
		if (made)
			heap_freetuple(tuple);
	});
	return runs;
}

Runs
find_runs(Datum ids)
{
	static spi::Statement find = {
		"SELECT q.user_id, q.database_connection_id, q.started_at, q.finished_at, q.row_count, q.result_bytes,"
		" q.execution_time_ms, q.cached, q.truncated, q.source, q.status, q.error_code, q.generated_sql_query"
		" FROM tenancy.query_history AS q WHERE q.id = ANY ($1)",
		{UUIDARRAYOID}};
	uint64 const count = spi::read(find, &ids);
	SPITupleTable *const table = SPI_tuptable;
	Reader const reader(table->tupdesc);
	Runs runs = room_for(static_cast<int64>(count));
	for (uint64 i = 0; i < count; ++i)
		runs.first[runs.count++] = reader.read(table->vals[i]);
	return runs;
}

} // namespace tenancy::dashboard
