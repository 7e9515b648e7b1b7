/*
 * Runs are entered under the keys of their sums, sorted, and added up. PG regime.
 */
#include <algorithm>
#include <cstdlib>

#include "dashboard/sum.hpp"

extern "C" {
#include "utils/date.h"
}

namespace tenancy::dashboard {

namespace {

constexpr int64 bucket_width = 15 * USECS_PER_MINUTE;

constexpr core::Uuid nobody = {};
constexpr core::Uuid everyone = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};

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

} // namespace

void
Sum::clear()
{
	*this = {};
	last_started = last_failed = DT_NOBEGIN;
}

void
Sum::add(const Run &run)
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

} // namespace tenancy::dashboard
