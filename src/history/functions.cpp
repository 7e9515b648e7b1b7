/*
 * The small C functions of 40-history.sql. PG regime.
 */
#include "history/queue.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/extension.hpp"
#include "bridge/function.hpp"

namespace tenancy::history {

namespace {

void
add_piece(char *&to, Datum piece, bool present)
{
	if (!present)
		return;
	auto *const bytes = DatumGetByteaPP(piece);
	memcpy(to, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	to += VARSIZE_ANY_EXHDR(bytes);
}

Size
piece_size(Datum piece, bool present)
{
	return present ? VARSIZE_ANY_EXHDR(DatumGetByteaPP(piece)) : 0;
}

} // namespace

/* tenancy.history_chain_step(state, head, digest) → bytea: sha256((state, or at first head) || digest). */
TENANCY_FUNCTION(history_chain_step)
{
	int const before = PG_ARGISNULL(0) ? 1 : 0;
	bool const has_before = !PG_ARGISNULL(before);
	bool const has_digest = !PG_ARGISNULL(2);
	Size const size = piece_size(PG_GETARG_DATUM(before), has_before) + piece_size(PG_GETARG_DATUM(2), has_digest);
	auto *const both = static_cast<bytea *>(palloc(VARHDRSZ + size));
	SET_VARSIZE(both, VARHDRSZ + size);
	char *to = VARDATA(both);
	add_piece(to, PG_GETARG_DATUM(before), has_before);
	add_piece(to, PG_GETARG_DATUM(2), has_digest);
	PG_RETURN_DATUM(DirectFunctionCall1(sha256_bytea, PointerGetDatum(both)));
}

/* tenancy.take_turn(work) → void: of work on the history, "pruning" or "sums". */
TENANCY_FUNCTION(take_turn)
{
	const char *const work = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool const pruning = strcmp(work, "pruning") == 0;
	if (!pruning && strcmp(work, "sums") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown turn \"%s\"", work)));
	bridge::take_turn(pruning ? bridge::Turn::pruning : bridge::Turn::sums, ExclusiveLock);
	PG_RETURN_VOID();
}

/* tenancy.make_uuid_v7() → uuid: time-ordered. */
TENANCY_FUNCTION(make_uuid_v7)
{
	core::Uuid const uuid = bridge::enter([] { return core::make_uuid_v7(); });
	PG_RETURN_DATUM(bridge::uuid_datum(uuid));
}

/* tenancy.first_uuid(at) → uuid: not greater than any of version 7 that is made at that time or later. */
TENANCY_FUNCTION(first_uuid)
{
	/* Milliseconds since 1970, in 48 bits. */
	int64 const at = PG_GETARG_TIMESTAMPTZ(0);
	int64 const most = (INT64CONST(1) << 48) - 1;
	int64 ms = 0;
	if (TIMESTAMP_IS_NOEND(at) || at > bridge::from_unix_micros(most * 1000))
		ms = most;
	else if (at > bridge::from_unix_micros(0))
		ms = bridge::unix_micros(at) / 1000;
	core::Uuid uuid;
	for (int i = 0; i < 6; ++i)
		uuid.bytes[static_cast<Size>(i)] = static_cast<unsigned char>(ms >> (40 - 8 * i));
	PG_RETURN_DATUM(bridge::uuid_datum(uuid));
}

/* tenancy.history_queue() → (worker_pid, queued, running, bytes, capacity, commits) of this database. */
TENANCY_FUNCTION(history_queue)
{
	TupleDesc description;
	if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	Slot copy{};
	LWLockAcquire(queue->lock, LW_SHARED);
	if (int const i = find_slot(MyDatabaseId); i >= 0)
		copy = queue->slots[i];
	LWLockRelease(queue->lock);
	Datum values[] = {Int32GetDatum(copy.pid),
	                  Int32GetDatum(copy.unwritten()),
	                  Int32GetDatum(copy.running()),
	                  Int64GetDatum(static_cast<int64>(pg_atomic_read_u64(&queue->bytes))),
	                  Int64GetDatum(static_cast<int64>(queue->capacity)),
	                  Int64GetDatum(static_cast<int64>(copy.commits))};
	bool nulls[] = {copy.pid == 0, false, false, false, false, false};
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls)));
}

} // namespace tenancy::history
