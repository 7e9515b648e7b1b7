/*
 * What the worker writes: a batch of records becomes one INSERT of arrays; triggers do the rest. PG regime.
 */
#include "history/step.hpp"
#include "history/worker.hpp"

#include <utility>

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "bridge/setting.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "replication/syncrep.h"
#include "utils/array.h"
}

namespace tenancy::history {

namespace {

namespace spi = bridge::spi;

enum Column {
	id,
	user,
	connection,
	name,
	source,
	question,
	sql,
	status,
	started,
	ended,
	elapsed,
	rows,
	bytes,
	truncated,
	cached,
	code,
	message,
	hash,
	application,
	client,
	role,
	pid,
	transaction,
	column_count
};

struct Type {
	Oid element, array;
	int16 length;
	bool by_value;
	char align;
};
constexpr Type uuid_type = {UUIDOID, UUIDARRAYOID, UUID_LEN, false, TYPALIGN_CHAR};
constexpr Type text_type = {TEXTOID, TEXTARRAYOID, -1, false, TYPALIGN_INT};
constexpr bool wide_datum = sizeof(Datum) >= 8;
constexpr Type time_type = {TIMESTAMPTZOID, TIMESTAMPTZARRAYOID, 8, wide_datum, TYPALIGN_DOUBLE};
constexpr Type int8_type = {INT8OID, INT8ARRAYOID, 8, wide_datum, TYPALIGN_DOUBLE};
constexpr Type int4_type = {INT4OID, INT4ARRAYOID, 4, true, TYPALIGN_INT};
constexpr Type bool_type = {BOOLOID, BOOLARRAYOID, 1, true, TYPALIGN_CHAR};

constexpr Type types[column_count] = {
	uuid_type, /* id */
	uuid_type, /* user */
	uuid_type, /* connection */
	text_type, /* name */
	text_type, /* source */
	text_type, /* question */
	text_type, /* sql */
	text_type, /* status */
	time_type, /* started */
	time_type, /* ended */
	int4_type, /* elapsed */
	int4_type, /* rows */
	int8_type, /* bytes */
	bool_type, /* truncated */
	bool_type, /* cached */
	text_type, /* code */
	text_type, /* message */
	text_type, /* hash */
	text_type, /* application */
	text_type, /* client */
	text_type, /* role */
	int4_type, /* pid */
	int8_type  /* transaction */
};

/* In the order of Column; two of them are sent as other types than they are stored as. */
#define PLAIN_COLUMNS                                                                                                  \
	"id, user_id, database_connection_id, connection_name, source, natural_language_query, generated_sql_query,"       \
	" status, started_at, finished_at, execution_time_ms, row_count, result_bytes, truncated, cached, error_code,"     \
	" error_message, result_hash, application_name, "
#define RUN_COLUMNS PLAIN_COLUMNS "client_addr, role_name, backend_pid, transaction_id"

constexpr char insert_runs[] =
	"INSERT INTO tenancy.running_queries AS r (" RUN_COLUMNS ") SELECT " PLAIN_COLUMNS
	"client_addr::pg_catalog.inet, role_name, backend_pid, transaction_id::pg_catalog.text::pg_catalog.xid8"
	" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"
	" $20, $21, $22, $23) AS run (" RUN_COLUMNS ")"
	" ON CONFLICT (id) DO UPDATE SET status = excluded.status, finished_at = excluded.finished_at,"
	" execution_time_ms = excluded.execution_time_ms, row_count = excluded.row_count,"
	" result_bytes = excluded.result_bytes, truncated = excluded.truncated, cached = excluded.cached,"
	" error_code = excluded.error_code, error_message = excluded.error_message, result_hash = excluded.result_hash"
	" WHERE r.status = 'running'";

/* The columns of a batch, as they become arrays. */
struct Columns {
	Datum *values[column_count];
	bool *nulls[column_count];
	int row;

	void set(Column column, Datum datum) { values[column][row] = datum; }
	void null(Column column) { nulls[column][row] = true; }
	void set_uuid(Column column, const core::Uuid &uuid)
	{
		uuid.is_nil() ? null(column) : set(column, bridge::uuid_datum(uuid));
	}
	void set_text(Column column, const char *text)
	{
		text == nullptr || text[0] == 0 ? null(column) : set(column, CStringGetTextDatum(text));
	}
	/* A text of the record's tail; advances to the next. */
	void set_text(Column column, const char *&text, int length)
	{
		if (length < 0)
			return null(column);
		set(column, PointerGetDatum(cstring_to_text_with_len(text, length)));
		text += length + 1;
	}
};

const char *
word_of(Source source_of_run)
{
	switch (source_of_run) {
	case Source::sql: return "sql";
	case Source::ask: return "ask";
	case Source::fdw: return "fdw";
	case Source::sample: return "sample";
	case Source::catalog: return "catalog";
	}
	return "sql";
}

int32
clamp(int64 value)
{
	return static_cast<int32>(value < 0 ? 0 : value > PG_INT32_MAX ? PG_INT32_MAX : value);
}

void
fill_start(Columns &to, Record *record, bool stripped)
{
	to.set_uuid(id, record->id);
	to.set_uuid(user, record->user);
	to.set_uuid(connection, record->connection);
	to.set(source, CStringGetTextDatum(word_of(record->source)));
	const char *text = texts_of(record);
	to.set_text(name, text, stripped ? -1 : record->connection_name_length);
	to.set_text(question, text, stripped ? -1 : record->question_length);
	to.set_text(sql, text, stripped ? -1 : record->sql_length);
	to.set(started, TimestampTzGetDatum(record->started));
	to.set_text(application, stripped ? nullptr : record->application);
	to.set_text(client, stripped ? nullptr : record->client);
	to.set_text(role, record->role);
	to.set(pid, Int32GetDatum(record->pid));
	record->transaction == 0 ? to.null(transaction)
							 : to.set(transaction, Int64GetDatum(static_cast<int64>(record->transaction)));
}

void
fill_end(Columns &to, Record *record, bool finished, Stripped stripped)
{
	to.set(status, CStringGetTextDatum(name_of(finished ? record->status : Status::running)));
	if (!finished) {
		for (Column const column : {ended, elapsed, rows, bytes, truncated, cached, code, message, hash})
			to.null(column);
		return;
	}
	to.set(ended, TimestampTzGetDatum(record->ended));
	to.set(elapsed, Int32GetDatum(clamp((record->ended - record->started) / 1000)));
	to.set(rows, Int32GetDatum(clamp(record->rows)));
	to.set(bytes, Int64GetDatum(record->bytes));
	to.set(truncated, BoolGetDatum(record->truncated));
	to.set(cached, BoolGetDatum(record->cached));
	to.set_text(code, record->sqlstate);
	switch (stripped) {
	case Stripped::nothing: to.set_text(message, message_of(record)); break;
	case Stripped::message: to.set_text(message, "the message of this run could not be stored"); break;
	case Stripped::texts: to.set_text(message, "the texts of this run could not be stored"); break;
	}
	to.set_text(hash, record->result_hash);
}

Datum
array_of(const Type &type, Datum *values, bool *nulls, int count)
{
	int dimension = count;
	int bound = 1;
	return PointerGetDatum(
		construct_md_array(values, nulls, 1, &dimension, &bound, type.element, type.length, type.by_value, type.align));
}

/*
 * Commits without waiting for the disk: who waits for a run flushes it, see wait_for(). If a standby has to have it
 * too, this worker waits.
 */
void
commit_without_disk()
{
	if (SyncRepStandbyNames == nullptr || SyncRepStandbyNames[0] == 0)
		bridge::set_locally("synchronous_commit", "off");
}

/* Removes the texts of a run whose start is written already. A run that is stripped is alone in its batch. */
void
strip_start(const core::Uuid &run)
{
	static spi::Statement strip = {"UPDATE tenancy.running_queries SET connection_name = NULL,"
	                               " natural_language_query = NULL, generated_sql_query = NULL,"
	                               " application_name = NULL, client_addr = NULL WHERE id = $1",
	                               {UUIDOID}};
	Datum const value = bridge::uuid_datum(run);
	(void) execute(strip, &value);
}

/* Keep the runs of nobody, and of users that this transaction sees and keeps. */
void
drop_unknown(Batch &batch)
{
	static spi::Statement find = {
		"SELECT u.id FROM tenancy.users AS u WHERE u.id = ANY ($1) FOR KEY SHARE OF u SKIP LOCKED", {UUIDARRAYOID}};
	auto *const users = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(batch.count)));
	for (int i = 0; i < batch.count; ++i)
		users[i] = bridge::uuid_datum(record_at(batch.items[i].pointer)->user);
	Datum const ids = bridge::uuid_array(users, batch.count);
	uint64 const known = execute(find, &ids);
	auto const is_known = [&](const core::Uuid &user) {
		bool is_null;
		for (uint64 row = 0; row < known; ++row)
			if (bridge::uuid_value(spi::value(row, 1, &is_null)) == user)
				return true;
		return user.is_nil();
	};
	int kept = 0;
	for (int i = 0; i < batch.count; ++i)
		if (is_known(record_at(batch.items[i].pointer)->user))
			std::swap(batch.items[kept++], batch.items[i]);
	batch.count = kept;
}

} // namespace

const char *
name_of(Status status_of_run)
{
	switch (status_of_run) {
	case Status::running: return "running";
	case Status::success: return "success";
	case Status::error: return "error";
	case Status::timeout: return "timeout";
	case Status::cancelled: return "cancelled";
	case Status::denied: return "denied";
	case Status::lost: return "lost";
	case Status::refused: return "refused";
	}
	return "error";
}

void
write_batch(void *arg)
{
	static spi::Statement insert = {insert_runs};
	auto &batch = *static_cast<Batch *>(arg);
	commit_without_disk();
	if (batch.known_only)
		drop_unknown(batch);
	if (batch.count == 0)
		return;
	if (batch.items->stripped == Stripped::texts)
		strip_start(record_at(batch.items->pointer)->id);
	Size const count = static_cast<Size>(batch.count);
	Columns columns;
	for (int c = 0; c < column_count; ++c) {
		columns.values[c] = static_cast<Datum *>(palloc0(sizeof(Datum) * count));
		columns.nulls[c] = static_cast<bool *>(palloc0(sizeof(bool) * count));
	}
	for (columns.row = 0; columns.row < batch.count; ++columns.row) {
		const Item &item = batch.items[columns.row];
		fill_start(columns, record_at(item.pointer), item.stripped == Stripped::texts);
		fill_end(columns, record_at(item.pointer), item.finished, item.stripped);
	}
	Datum arrays[column_count];
	for (int c = 0; c < column_count; ++c) {
		arrays[c] = array_of(types[c], columns.values[c], columns.nulls[c], batch.count);
		insert.types[c] = types[c].array;
	}
	execute(insert, arrays);
}

void
defer() noexcept
{
	if (mine != nullptr)
		pg_atomic_write_u32(&mine->deferred, 1);
}

bool
take_deferred() noexcept
{
	return pg_atomic_exchange_u32(&mine->deferred, 0) != 0;
}

/* tenancy.history_retry() → void: version 0.1 of the trigger tells the worker that runs are left for later. */
TENANCY_FUNCTION(history_retry)
{
	defer();
	PG_RETURN_VOID();
}

} // namespace tenancy::history
