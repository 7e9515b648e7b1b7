/*
 * See chain.hpp. PG regime.
 */
#include "history/chain.hpp"

#include <algorithm>
#include <tuple>

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"
#include "history/worker.hpp"

namespace tenancy::history {

namespace {

namespace spi = bridge::spi;

Datum *
room_for(int count)
{
	return static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(count)));
}

Datum
bigints(Datum *values, int count)
{
	return PointerGetDatum(construct_array(values, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
users_of(const Heads &heads)
{
	Datum *const users = room_for(heads.count);
	for (int i = 0; i < heads.count; ++i)
		users[i] = PointerGetDatum(heads.first[i].user.bytes.data());
	return bridge::uuid_array(users, heads.count);
}

Heads
chains_of(const EndedRuns &runs)
{
	auto *const users = static_cast<core::Uuid *>(palloc(sizeof(core::Uuid) * static_cast<Size>(runs.count)));
	std::transform(runs.begin(), runs.end(), users, owner_of);
	std::sort(users, users + runs.count);
	auto const count = static_cast<int>(std::unique(users, users + runs.count) - users);
	auto *const heads = static_cast<Head *>(palloc0(sizeof(Head) * static_cast<Size>(count)));
	for (int i = 0; i < count; ++i)
		heads[i].user = users[i];
	return {heads, count};
}

Head &
head_of(const Heads &heads, const core::Uuid &user)
{
	return *std::lower_bound(heads.begin(), heads.end(), user,
	                         [](const Head &head, const core::Uuid &wanted) { return head.user < wanted; });
}

void
link(Head &head, const Entry &entry, StringInfo buffer)
{
	unsigned char digest[hash_size];
	digest_of(entry, buffer, digest);
	link_of(head.stored ? head.hash : nullptr, digest, head.hash);
	head.stored = true;
}

/* The part that the head's row goes to. A head that was restored from another cluster starts in the current part. */
int64
part_of(const Head &head, int64 part)
{
	return is_of_another_cluster(head.part) ? part : Max(head.part, part);
}

/* Removes old rows of heads: a head that was in another part has a row of its own there. */
void
remove_replaced(const Heads &heads, int64 part)
{
	static spi::Statement remove = {"DELETE FROM tenancy.history_chain AS h USING unnest($1, $2) AS o (user_id, part)"
	                                " WHERE h.user_id = o.user_id AND h.part = o.part",
	                                {UUIDARRAYOID, INT8ARRAYOID}};
	Datum *const users = room_for(heads.count), *const parts = room_for(heads.count);
	int count = 0;
	for (const Head &head : heads) {
		if (head.part == part_of(head, part))
			continue;
		users[count] = PointerGetDatum(head.user.bytes.data());
		parts[count++] = Int64GetDatum(head.part);
	}
	if (count == 0)
		return;
	Datum const values[] = {bridge::uuid_array(users, count), bigints(parts, count)};
	(void) spi::run(remove, values);
}

} // namespace

core::Uuid
owner_of(const Ended &run)
{
	return run.entry.nulls[attribute_user] ? core::Uuid{} : run.user;
}

Heads
read_heads(const EndedRuns &runs)
{
	/* The newest part first: of older ones there may be many versions that cannot be removed. */
	static spi::Statement find = {"SELECT o.id, h.seq, h.hash, h.part FROM unnest($1) AS o (id)"
	                              " CROSS JOIN LATERAL (SELECT c.seq, c.hash, c.part FROM tenancy.history_chain AS c"
	                              " WHERE c.user_id = o.id ORDER BY c.part DESC LIMIT 1) AS h",
	                              {UUIDARRAYOID}};
	Heads const heads = chains_of(runs);
	Datum const users = users_of(heads);
	uint64 const count = spi::run(find, &users);
	for (uint64 i = 0; i < count; ++i) {
		bool is_null;
		Head &head = head_of(heads, bridge::uuid_value(spi::value(i, 1, &is_null)));
		head.stored = true;
		head.seq = DatumGetInt64(spi::value(i, 2, &is_null));
		/* A hash of another size was changed: the chain goes on from zeros, which verify_history() finds. */
		(void) hash_value(spi::value(i, 3, &is_null), false, head.hash);
		head.part = DatumGetInt64(spi::value(i, 4, &is_null));
	}
	return heads;
}

void
extend(const Heads &heads, const EndedRuns &runs)
{
	std::sort(runs.begin(), runs.end(), [](const Ended &left, const Ended &right) {
		auto const key = [](const Ended &run) {
			return std::tuple(owner_of(run), DatumGetTimestampTz(run.entry.values[attribute_finished]), run.id);
		};
		return key(left) < key(right);
	});
	MemoryContext const scratch = AllocSetContextCreate(CurrentMemoryContext, "history digest", ALLOCSET_DEFAULT_SIZES);
	for (Ended &run : runs) {
		Head &head = head_of(heads, owner_of(run));
		run.entry.set(attribute_seq, Int64GetDatum(++head.seq));
		/* Texts that are stored apart are in memory while they are digested, and no longer. */
		MemoryContext const before = MemoryContextSwitchTo(scratch);
		StringInfoData buffer;
		initStringInfo(&buffer);
		link(head, run.entry, &buffer);
		MemoryContextSwitchTo(before);
		MemoryContextReset(scratch);
		run.entry.set(attribute_hash, bridge::bytea_datum(head.hash, hash_size));
	}
	MemoryContextDelete(scratch);
}

void
write_heads(const Heads &heads, int64 part)
{
	static spi::Statement upsert = {
		"INSERT INTO tenancy.history_chain (user_id, seq, hash, part)"
		" SELECT o.user_id, o.seq, o.hash, o.part FROM unnest($1, $2, $3, $4) AS o (user_id, seq, hash, part)"
		" ON CONFLICT (user_id, part) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
		{UUIDARRAYOID, INT8ARRAYOID, BYTEAARRAYOID, INT8ARRAYOID}};
	Datum *const seqs = room_for(heads.count), *const hashes = room_for(heads.count),
				 *const parts = room_for(heads.count);
	for (int i = 0; i < heads.count; ++i) {
		const Head &head = heads.first[i];
		seqs[i] = Int64GetDatum(head.seq);
		hashes[i] = bridge::bytea_datum(head.hash, hash_size);
		parts[i] = Int64GetDatum(part_of(head, part));
	}
	Datum const values[] = {users_of(heads), bigints(seqs, heads.count),
	                        PointerGetDatum(construct_array(hashes, heads.count, BYTEAOID, -1, false, TYPALIGN_INT)),
	                        bigints(parts, heads.count)};
	(void) spi::run(upsert, values);
	remove_replaced(heads, part);
}

} // namespace tenancy::history
