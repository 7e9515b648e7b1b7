/*
 * What works beside the history worker, and the state of history as others see it. PG regime.
 */
#include "history/local.hpp"
#include "history/worker.hpp"

namespace tenancy::history {

namespace {

constexpr int tend_ms = 1000;

Companion companion{};

} // namespace

void
accompany(const Companion &other)
{
	companion = other;
}

void
tend_companion(Oid database)
{
	static TimestampTz last = 0;
	TimestampTz const now = GetCurrentTimestamp();
	if (companion.tend == nullptr || !TimestampDifferenceExceeds(last, now, tend_ms))
		return;
	last = now;
	companion.tend(database);
}

void
dismiss_companion(Oid database)
{
	if (companion.dismiss != nullptr)
		companion.dismiss(database);
}

bool
companion_makes_room()
{
	return companion.make_room != nullptr && companion.make_room();
}

Condition
condition()
{
	Condition result{};
	char trouble[brief_size];
	prepare_process();
	LWLockAcquire(queue->lock, LW_SHARED);
	if (int const i = find_slot(MyDatabaseId); i >= 0) {
		const Slot &slot = queue->slots[i];
		result.pid = slot.pid;
		result.ready = slot.ready;
		result.since = slot.started;
		result.pending = slot.unwritten();
		result.running = slot.running();
		result.troubled = slot.troubled;
		memcpy(trouble, slot.trouble, brief_size);
		for (Line const line : unwritten_lines)
			for (dsa_pointer const p : slot.line(line))
				if (TimestampTz const since = in_line_since(*record_at(p)); result.oldest == 0 || since < result.oldest)
					result.oldest = since;
	}
	LWLockRelease(queue->lock);
	if (result.troubled != 0)
		result.trouble = pstrdup(trouble);
	result.bytes = pg_atomic_read_u64(&queue->bytes);
	result.capacity = queue->capacity;
	return result;
}

} // namespace tenancy::history
