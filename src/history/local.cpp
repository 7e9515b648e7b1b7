/*
 * See local.hpp. PG regime; the callbacks at the end of (sub)transactions and of the process never raise.
 */
#include "history/local.hpp"

#include "bridge/readable.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace tenancy::history {

namespace {

/* How a run would end, should the error that is on its way leave the (sub)transaction of that level. */
struct Note {
	int level;
	Finish end;
	char sqlstate[6];
	char message[FLEXIBLE_ARRAY_MEMBER];
};

struct Local {
	dsa_pointer pointer;
	SubTransactionId subtransaction;
	bool waiting;
	Note *note; /* mostly NULL */
};

/*
 * A plan has as many runs as it has foreign tables, and they take turns in one process. But each has a record in the
 * queue, so that a user's places bound those too.
 */
constexpr int scans_per_place = 16;

/* Runs that are not over, in no order. */
Local *locals = nullptr;
int local_count = 0;
int local_capacity = 0;

const Finish interrupted = {Status::error, 0, 0, false, false, "40000", "the transaction was aborted", nullptr};
const Finish unread = {
	Status::cancelled, 0, 0, false, false, "57014", "the transaction ended before the result was read", nullptr};
const Finish terminated = {Status::cancelled, 0, 0, false, false, "57P01", "the session was terminated", nullptr};

/* Counts the user's runs on foreign tables in this backend that are not over, except for one. */
int
count_scans(const core::Uuid &user, int except) noexcept
{
	int count = 0;
	for (int i = 0; i < local_count; ++i) {
		const Record *const record = record_at(locals[i].pointer);
		count += i != except && !locals[i].waiting && record->source == Source::fdw && record->user == user;
	}
	return count;
}

/* Does the user have one place more with that run than without it? */
bool
is_counted(Source source, const core::Uuid &user, int except) noexcept
{
	return source != Source::fdw || count_scans(user, except) % scans_per_place == 0;
}

void
end_local(int i, const Finish &report) noexcept
{
	if (locals[i].waiting)
		abandon(locals[i].pointer);
	else
		end_record(i, report, GetCurrentTimestamp(), false);
	forget_local(i);
}

void
end_all(const Finish &report) noexcept
{
	while (local_count > 0)
		end_local(local_count - 1, report);
}

const Finish &
error_of(const Local &local) noexcept
{
	return local.note != nullptr ? local.note->end : interrupted;
}

/* A run from before the subtransaction goes on, unless it was what failed: a cursor that was read inside. */
void
end_if_broken(int i, SubXactEvent event) noexcept
{
	const Note *const note = locals[i].note;
	if (event == SUBXACT_EVENT_ABORT_SUB && note != nullptr && note->level >= GetCurrentTransactionNestLevel())
		end_local(i, note->end);
}

void
end_transaction(XactEvent event, void *)
{
	switch (event) {
	case XACT_EVENT_COMMIT:
	case XACT_EVENT_PARALLEL_COMMIT:
	case XACT_EVENT_PREPARE: end_all(unread); break;
	case XACT_EVENT_ABORT:
	case XACT_EVENT_PARALLEL_ABORT:
		while (local_count > 0)
			end_local(local_count - 1, error_of(locals[local_count - 1]));
		break;
	default: break;
	}
}

void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *)
{
	for (int i = local_count - 1; i >= 0; --i) {
		if (locals[i].subtransaction != mine) {
			end_if_broken(i, event);
			continue;
		}
		if (event == SUBXACT_EVENT_ABORT_SUB)
			end_local(i, error_of(locals[i]));
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
			locals[i].subtransaction = parent;
	}
}

void
end_process(int, Datum)
{
	end_all(terminated);
}

/*
 * Copy text; of one that the database's encoding does not allow, each byte beyond ASCII becomes a question mark: one
 * bad byte of a remote server must not stop history.
 */
void
copy_valid(char *to, const char *from, Size length) noexcept
{
	memcpy(to, from, length);
	to[length] = 0;
	if (pg_verifymbstr(to, static_cast<int>(length), true))
		return;
	for (Size i = 0; i < length; ++i)
		if ((to[i] & 0x80) != 0)
			to[i] = '?';
}

char *
append_text(char *to, const char *text, int *length)
{
	*length = -1;
	if (text == nullptr)
		return to;
	Size const size = strlen(text);
	copy_valid(to, text, size);
	*length = static_cast<int>(size);
	return to + size + 1;
}

/* The message of an error, in room of its own; without room for it, its beginning. */
void
store_message(Record *record, const char *message) noexcept
{
	if (message == nullptr || message[0] == 0)
		return;
	Size const length = strlen(message);
	if (allocate(record->user, length + 1, true, &record->message) == Room::found) {
		record->message_size = length + 1;
		copy_valid(static_cast<char *>(address_of(record->message)), message, length);
		return;
	}
	int const kept = pg_mbcliplen(message, static_cast<int>(length), brief_size - 1);
	copy_valid(record->brief, message, static_cast<Size>(kept));
}

} // namespace

const Peer &
whoami()
{
	static Peer peer;
	if (!peer.known) {
		LOCAL_FCINFO(call, 0);
		InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
		Datum const address = inet_client_addr(call);
		if (!call->isnull)
			strlcpy(peer.address, DatumGetCString(DirectFunctionCall1(inet_out, address)), sizeof peer.address);
		peer.known = true;
	}
	/*
	 * Look the role up each time: it may be another one, or have another name. All databases share the names, in the
	 * encoding of whoever made them, and history has them in UTF-8, in the digest of each run.
	 */
	char *const name = GetUserNameFromId(GetSessionUserId(), true);
	strlcpy(peer.role_name, name != nullptr ? name : "", sizeof peer.role_name);
	if (!bridge::has_utf8(peer.role_name))
		for (char &c : peer.role_name)
			c = IS_HIGHBIT_SET(c) ? '?' : c;
	if (name != nullptr)
		pfree(name);
	return peer;
}

void
prepare_process()
{
	static bool prepared = false;
	if (prepared)
		return;
	attach();
	RegisterXactCallback(end_transaction, nullptr);
	RegisterSubXactCallback(end_subtransaction, nullptr);
	before_shmem_exit(end_process, 0);
	prepared = true;
}

void
reserve_local()
{
	if (local_count < local_capacity)
		return;
	int const wanted = local_capacity == 0 ? 16 : local_capacity * 2;
	Size const size = sizeof(Local) * static_cast<Size>(wanted);
	locals =
		static_cast<Local *>(locals == nullptr ? MemoryContextAlloc(TopMemoryContext, size) : repalloc(locals, size));
	local_capacity = wanted;
}

void
add_local(dsa_pointer pointer) noexcept
{
	locals[local_count++] = {pointer, GetCurrentSubTransactionId(), false, nullptr};
}

bool
needs_place(const Start &report) noexcept
{
	return is_counted(report.source, report.user, -1);
}

int
find_local(dsa_pointer pointer) noexcept
{
	for (int i = local_count - 1; i >= 0; --i)
		if (locals[i].pointer == pointer)
			return i;
	return -1;
}

void
forget_local(int i) noexcept
{
	drop_note(i);
	locals[i] = locals[--local_count];
}

void
note_local(int i, int level, const Finish &report) noexcept
{
	drop_note(i);
	Size const size = strlen(report.message) + 1;
	auto *const note = static_cast<Note *>(
		MemoryContextAllocExtended(TopMemoryContext, sizeof(Note) + size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE));
	if (note == nullptr)
		return;
	note->level = level;
	note->end = report;
	strlcpy(note->sqlstate, report.sqlstate, sizeof note->sqlstate);
	memcpy(note->message, report.message, size);
	note->end.sqlstate = note->sqlstate;
	note->end.message = note->message;
	locals[i].note = note;
}

void
drop_note(int i) noexcept
{
	if (locals[i].note != nullptr)
		pfree(locals[i].note);
	locals[i].note = nullptr;
}

Size
texts_size(const Start &report)
{
	Size size = 0;
	for (const char *const text : {report.connection_name, report.question, report.sql})
		if (text != nullptr)
			size += strlen(text) + 1;
	return size;
}

Record *
fill_record(dsa_pointer pointer, const Start &report, const Peer &peer)
{
	Record *const record = record_at(pointer);
	pg_atomic_init_u32(&record->progress, static_cast<uint32>(Progress::reported));
	record->connection = report.connection;
	record->source = report.source;
	record->started = report.started != 0 ? report.started : GetCurrentTimestamp();
	record->owner = MyLatch;
	record->pid = MyProcPid;
	record->transaction = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	char *to = append_text(texts_of(record), report.connection_name, &record->connection_name_length);
	to = append_text(to, report.question, &record->question_length);
	append_text(to, report.sql, &record->sql_length);
	strlcpy(record->role, peer.role_name, sizeof record->role);
	strlcpy(record->application, application_name != nullptr ? application_name : "", sizeof record->application);
	strlcpy(record->client, peer.address, sizeof record->client);
	return record;
}

void
end_record(int i, const Finish &report, TimestampTz when, bool awaited) noexcept
{
	dsa_pointer const pointer = locals[i].pointer;
	Record *const record = record_at(pointer);
	Slot &slot = queue->slots[record->slot];
	if (is_counted(record->source, record->user, i))
		give_back_place(record->user);
	locals[i].waiting = awaited;
	record->ended = when;
	record->status = report.status;
	record->truncated = report.truncated;
	record->cached = report.cached;
	record->rows = report.rows;
	record->bytes = report.bytes;
	if (report.sqlstate != nullptr)
		strlcpy(record->sqlstate, report.sqlstate, sizeof record->sqlstate);
	if (report.result_hash != nullptr)
		strlcpy(record->result_hash, report.result_hash, sizeof record->result_hash);
	store_message(record, report.message);

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	record->finished = true;
	record->awaited = awaited;
	record->put_off = 0; /* what held up its start need not hold up its end */
	if (record->written || awaited || is_long(*record)) {
		remove(slot, pointer);
		enqueue(slot, pointer);
	}
	wake(slot, record->line, awaited);
	LWLockRelease(queue->lock);
}

void
abandon(dsa_pointer pointer) noexcept
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	Record *const record = record_at(pointer);
	bool const over = progress_of(record) >= Progress::over;
	record->awaited = false;
	LWLockRelease(queue->lock);
	if (over)
		discard(pointer);
}

} // namespace tenancy::history
