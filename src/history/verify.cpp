/*
 * Walking hash chains: every row must follow from the one before it, and the last one must be the head. PG regime.
 * A chain is read in its order, in batches, so that memory stays flat; the first thing that is wrong is named.
 */
#include "history/digest.hpp"
#include "history/verify.hpp"

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "identity/identity.hpp"

namespace tenancy::history {

namespace {

namespace spi = bridge::spi;

constexpr long batch_rows = 1000;

using Hash = unsigned char[hash_size];

/* What is known of a chain while its rows pass. */
struct Walk {
	core::Uuid user; /* nil: the runs of nobody */
	int64 rows;
	Ends ends;
	int64 last; /* seq of the row before; at first, of the last pruned row */
	bool linked;
	Hash link; /* the hash of the row before */
	/* The first thing that is wrong. */
	const char *problem; /* NULL: nothing */
	const char *detail;
	int64 seq;
	core::Uuid id;
	/* A row whose hash is not what it should be: the row after it tells which of the two was changed. */
	bool suspect;
	bool before_linked;
	Hash before, wanted, found;
};

void
blame(Walk &walk, const char *problem, int64 seq, const core::Uuid &id, const char *detail)
{
	walk.problem = problem;
	walk.detail = detail;
	walk.seq = seq;
	walk.id = id;
}

const char *
rows_are_missing(int64 first, int64 last)
{
	return first == last ? psprintf("Row " INT64_FORMAT " is missing.", first)
	                     : psprintf("Rows " INT64_FORMAT " to " INT64_FORMAT " are missing.", first, last);
}

void
start_walk(Walk &walk, const core::Uuid &user)
{
	memset(static_cast<void *>(&walk), 0, sizeof walk);
	walk.user = user;
	read_ends(user, &walk.ends);
	walk.last = walk.ends.pruned_seq;
	walk.linked = walk.ends.pruned_seq > 0;
	memcpy(walk.link, walk.ends.pruned_hash, hash_size);
}

/* One row later it is known what was changed of a suspect: had its hash been right, would this row follow from it? */
void
judge_suspect(Walk &walk, const unsigned char *digest, const unsigned char *hash)
{
	Hash follows;
	link_of(walk.wanted, digest, follows);
	if (memcmp(follows, hash, hash_size) == 0)
		blame(walk, "hash", walk.seq, walk.id, "The row is as it was written, but its hash was changed.");
	walk.suspect = false;
}

void
step(Walk &walk, const Entry &entry, StringInfo buffer, MemoryContext lasting)
{
	++walk.rows;
	if (walk.problem != nullptr && !walk.suspect)
		return;
	int64 const seq = DatumGetInt64(entry.values[attribute_seq]);
	core::Uuid const id = bridge::uuid_value(entry.values[attribute_id]);
	Hash digest, wanted, found;
	bool const hashed = hash_value(entry.values[attribute_hash], entry.nulls[attribute_hash], found);
	digest_of(entry, buffer, digest);
	if (walk.suspect)
		return judge_suspect(walk, digest, found);
	MemoryContext const before = MemoryContextSwitchTo(lasting);
	link_of(walk.linked ? walk.link : nullptr, digest, wanted);
	if (seq <= walk.last)
		blame(walk, "duplicate", seq, id, "Another row has this place, or a pruned one had it.");
	else if (seq > walk.last + 1)
		blame(walk, "missing", seq, id, rows_are_missing(walk.last + 1, seq - 1));
	else if (walk.ends.headed && seq > walk.ends.seq)
		blame(walk, "beyond", seq, id, psprintf("The head of the chain is row " INT64_FORMAT ".", walk.ends.seq));
	else if (!hashed || memcmp(wanted, found, hash_size) != 0) {
		blame(walk, "changed", seq, id,
		      "The row, or the one before it with its hash, was changed after it was written.");
		walk.suspect = true;
		walk.before_linked = walk.linked;
		memcpy(walk.before, walk.link, hash_size);
		memcpy(walk.wanted, wanted, hash_size);
		memcpy(walk.found, found, hash_size);
	}
	MemoryContextSwitchTo(before);
	walk.last = seq;
	walk.linked = true;
	memcpy(walk.link, found, hash_size);
}

/* Judges the last row, when no other follows. */
void
finish_walk(Walk &walk)
{
	if (walk.suspect && walk.ends.headed && walk.seq == walk.ends.seq &&
	    memcmp(walk.wanted, walk.ends.hash, hash_size) == 0)
		blame(walk, "hash", walk.seq, walk.id, "The row is as it was written, but its hash was changed.");
	walk.suspect = false;
	if (walk.problem != nullptr)
		return;
	if (!walk.ends.headed && walk.last > 0)
		blame(walk, "head", walk.last, core::Uuid{}, "The chain has no head in history_chain.");
	else if (walk.ends.headed && walk.last < walk.ends.seq)
		blame(walk, "cut", walk.last + 1, core::Uuid{}, rows_are_missing(walk.last + 1, walk.ends.seq));
	else if (walk.ends.headed && walk.linked && memcmp(walk.link, walk.ends.hash, hash_size) != 0)
		blame(walk, "head", walk.last, core::Uuid{}, "The head in history_chain is not the hash of the last row.");
}

/* Have body look at each row of a statement; its memory, its whole texts above all, is given back before the next. */
template <typename Body>
void
for_each_row(spi::Statement &statement, const Datum *values, Body body)
{
	MemoryContext const context = AllocSetContextCreate(CurrentMemoryContext, "history rows", ALLOCSET_DEFAULT_SIZES);
	Portal const portal = SPI_cursor_open(nullptr, spi::plan_of(statement), const_cast<Datum *>(values), nullptr, true);
	for (;;) {
		SPI_cursor_fetch(portal, true, batch_rows);
		SPITupleTable *const table = SPI_tuptable;
		uint64 const count = SPI_processed;
		MemoryContext const before = MemoryContextSwitchTo(context);
		for (uint64 i = 0; i < count; ++i) {
			CHECK_FOR_INTERRUPTS();
			Entry entry;
			take_apart(table->vals[i], table->tupdesc, &entry);
			StringInfoData buffer;
			initStringInfo(&buffer);
			body(entry, &buffer);
			MemoryContextReset(context);
		}
		MemoryContextSwitchTo(before);
		SPI_freetuptable(table);
		if (count < static_cast<uint64>(batch_rows))
			break;
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(context);
}

template <typename Row>
void
for_each_row_of(const core::Uuid &user, Row row)
{
	static spi::Statement of_user = {
		"SELECT q.* FROM tenancy.query_history AS q WHERE q.user_id = $1 ORDER BY q.chain_seq", {UUIDOID}};
	static spi::Statement of_nobody = {
		"SELECT q.* FROM tenancy.query_history AS q WHERE q.user_id IS NULL ORDER BY q.chain_seq"};
	Datum const id = bridge::uuid_datum(user);
	for_each_row(user.is_nil() ? of_nobody : of_user, &id, row);
}

/* Does the changed row hold what another row should? Then the two were exchanged. */
void
look_for_exchange(Walk &walk)
{
	if (walk.problem == nullptr || strcmp(walk.problem, "changed") != 0)
		return;
	int64 other = 0;
	for_each_row_of(walk.user, [&](Entry &entry, StringInfo buffer) {
		int64 const seq = DatumGetInt64(entry.values[attribute_seq]);
		Hash digest, wanted, found;
		if (seq == walk.seq || !hash_value(entry.values[attribute_hash], entry.nulls[attribute_hash], found))
			return;
		entry.values[attribute_seq] = Int64GetDatum(walk.seq);
		digest_of(entry, buffer, digest);
		link_of(walk.before_linked ? walk.before : nullptr, digest, wanted);
		if (memcmp(wanted, walk.found, hash_size) == 0 || memcmp(wanted, found, hash_size) == 0)
			other = seq;
	});
	if (other != 0)
		blame(walk, "exchanged", walk.seq, walk.id,
		      psprintf("Rows " INT64_FORMAT " and " INT64_FORMAT " were exchanged.", walk.seq, other));
}

void
put_walk(ReturnSetInfo *result, Walk &walk)
{
	finish_walk(walk);
	look_for_exchange(walk);
	bool const broken = walk.problem != nullptr;
	Datum values[] = {bridge::uuid_datum(walk.user),
	                  Int64GetDatum(walk.rows),
	                  Int64GetDatum(walk.seq),
	                  bridge::uuid_datum(walk.id),
	                  bridge::nullable_text(walk.problem).value,
	                  bridge::nullable_text(walk.detail).value};
	bool nulls[] = {walk.user.is_nil(), false, !broken, !broken || walk.id.is_nil(), !broken, !broken};
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

void
verify_one(ReturnSetInfo *result, const core::Uuid &user)
{
	Walk walk;
	start_walk(walk, user);
	MemoryContext const lasting = CurrentMemoryContext;
	for_each_row_of(user, [&](Entry &entry, StringInfo buffer) { step(walk, entry, buffer, lasting); });
	put_walk(result, walk);
}

/* Heads whose rows are all gone, and what retention has noted of such a chain: no row leads to them. */
void
verify_empty(ReturnSetInfo *result)
{
	static spi::Statement heads = {"SELECT h.user_id FROM (SELECT user_id FROM tenancy.history_chain"
	                               " UNION SELECT user_id FROM tenancy.history_pruned) AS h WHERE NOT EXISTS ("
	                               "SELECT FROM tenancy.query_history AS q WHERE q.user_id = h.user_id"
	                               " OR h.user_id = '00000000-0000-0000-0000-000000000000' AND q.user_id IS NULL)"};
	uint64 const count = spi::read(heads);
	SPITupleTable *const table = SPI_tuptable;
	for (uint64 i = 0; i < count; ++i) {
		bool is_null;
		Walk walk;
		start_walk(walk, bridge::uuid_value(SPI_getbinval(table->vals[i], table->tupdesc, 1, &is_null)));
		put_walk(result, walk);
	}
	SPI_freetuptable(table);
}

void
verify_all(ReturnSetInfo *result)
{
	static spi::Statement all = {"SELECT q.* FROM tenancy.query_history AS q ORDER BY q.user_id, q.chain_seq"};
	Walk walk;
	bool walking = false;
	MemoryContext const lasting = CurrentMemoryContext;
	for_each_row(all, nullptr, [&](Entry &entry, StringInfo buffer) {
		core::Uuid const user =
			entry.nulls[attribute_user] ? core::Uuid{} : bridge::uuid_value(entry.values[attribute_user]);
		if (!walking || walk.user != user) {
			MemoryContext const before = MemoryContextSwitchTo(lasting);
			if (walking)
				put_walk(result, walk);
			start_walk(walk, user);
			walking = true;
			MemoryContextSwitchTo(before);
		}
		step(walk, entry, buffer, lasting);
	});
	if (walking)
		put_walk(result, walk);
	verify_empty(result);
}

} // namespace

bool
choose_user(FunctionCallInfo fcinfo, core::Uuid *user)
{
	bool const named = !PG_ARGISNULL(0);
	core::Uuid const wanted = named ? bridge::uuid_value(PG_GETARG_DATUM(0)) : core::Uuid{};
	if (identity::is_admin()) {
		*user = wanted;
		return named;
	}
	*user = identity::require_user();
	if (named && wanted != *user)
		deny_others_history();
	return true;
}

void
deny_others_history()
{
	ereport(ERROR,
	        (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for the history of another user")));
}

void
read_ends(const core::Uuid &user, Ends *ends)
{
	static spi::Statement select = {"SELECT h.seq, h.hash, p.seq, p.hash FROM (VALUES ($1)) AS u (id)"
	                                " LEFT JOIN tenancy.history_chain AS h ON h.user_id = u.id"
	                                " LEFT JOIN tenancy.history_pruned AS p ON p.user_id = u.id",
	                                {UUIDOID}};
	memset(ends, 0, sizeof *ends);
	Datum const id = bridge::uuid_datum(user);
	(void) spi::read(select, &id);
	SPITupleTable *const table = SPI_tuptable;
	bool no_seq, no_hash;
	Datum const seq = SPI_getbinval(table->vals[0], table->tupdesc, 1, &no_seq);
	ends->headed = !no_seq;
	ends->seq = no_seq ? 0 : DatumGetInt64(seq);
	Datum const hash = SPI_getbinval(table->vals[0], table->tupdesc, 2, &no_hash);
	(void) hash_value(hash, no_hash, ends->hash);
	Datum const pruned = SPI_getbinval(table->vals[0], table->tupdesc, 3, &no_seq);
	ends->pruned_seq = no_seq ? 0 : DatumGetInt64(pruned);
	Datum const pruned_hash = SPI_getbinval(table->vals[0], table->tupdesc, 4, &no_hash);
	(void) hash_value(pruned_hash, no_hash, ends->pruned_hash);
	SPI_freetuptable(table);
}

/* tenancy.verify_history(user_id) → one row for each chain: (user_id, row_count, seq, id, problem, detail). */
TENANCY_FUNCTION(verify_history)
{
	core::Uuid user;
	bool const one = choose_user(fcinfo, &user);
	InitMaterializedSRF(fcinfo, 0);
	auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	spi::Scope const scope = spi::open();
	if (one)
		verify_one(result, user);
	else
		verify_all(result);
	spi::close(scope);
	return static_cast<Datum>(0);
}

} // namespace tenancy::history
