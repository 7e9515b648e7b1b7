/*
 * Claiming a due connection, asking it, and recording what it said. PG regime.
 * A claim moves next_check_at forward and commits: no lock is held while a client database is awaited, and a worker
 * that dies leaves a row that comes due again. Nor is the connection looked up before: one whose row cannot be read
 * would stay the next one for ever.
 */
#include <algorithm>
#include <chrono>

#include "health/check.hpp"
#include "health/schedule.pure.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/spi.hpp"
#include "settings.hpp"

extern "C" {
#include "common/pg_prng.h"
}

namespace tenancy::health {

namespace {

namespace spi = bridge::spi;

/*
 * A check may take so long to connect, and again to get an answer. The fast lane has connections that needed less when
 * they were last asked.
 */
constexpr long longest_check_ms = 10'000;
constexpr long longest_fast_check_ms = 2000;
constexpr int longest_message = 500;
constexpr int locked_ms = 1000;

#define CLAIM_OF(order)                                                                                                \
	"UPDATE tenancy.connection_health AS h SET next_check_at = pg_catalog.now() + '1 minute'"                          \
	" FROM (SELECT d.connection_id FROM tenancy.connection_health AS d"                                                \
	" WHERE d.slow = $1 AND d.next_check_at <= pg_catalog.now() ORDER BY " order                                       \
	"d.next_check_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS due"                                                           \
	" WHERE h.connection_id = due.connection_id RETURNING h.connection_id, h.next_check_at, h.failures, h.state = "    \
	"'unknown'"

spi::Statement claim_oldest = {CLAIM_OF(""), {BOOLOID}};
spi::Statement claim_of_others = {CLAIM_OF("d.user_id = ANY ($2), "), {BOOLOID, UUIDARRAYOID}};

spi::Statement next_due = {"SELECT pg_catalog.min(next_check_at) FROM tenancy.connection_health WHERE slow = $1 OR $2",
                           {BOOLOID, BOOLOID}};

spi::Statement record_check = {
	"UPDATE tenancy.connection_health AS h SET state = $3, code = $4, last_error = $5, latency_ms = $6,"
	" checked_at = pg_catalog.now(), since = CASE WHEN h.state = $3 THEN h.since ELSE pg_catalog.now() END,"
	" failures = $7, slow = $8, next_check_at = pg_catalog.now() + pg_catalog.make_interval(secs => $9)"
	" FROM (SELECT d.connection_id FROM tenancy.connection_health AS d"
	" WHERE d.connection_id = $1 AND d.next_check_at = $2 FOR UPDATE SKIP LOCKED) AS mine"
	" WHERE h.connection_id = mine.connection_id",
	{UUIDOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, INT4OID, BOOLOID, FLOAT8OID}};

/* It stays due, and a worker of the slow lane has the time for it. */
spi::Statement defer_check = {"UPDATE tenancy.connection_health AS h SET slow = true, next_check_at = pg_catalog.now()"
                              " FROM (SELECT d.connection_id FROM tenancy.connection_health AS d"
                              " WHERE d.connection_id = $1 AND d.next_check_at = $2 FOR UPDATE SKIP LOCKED) AS mine"
                              " WHERE h.connection_id = mine.connection_id",
                              {UUIDOID, TIMESTAMPTZOID}};

/*
 * The statement that makes a connection due may not see, in the snapshot of its transaction, that the user was
 * deactivated since. Activating the user makes it due again.
 */
spi::Statement end_checks = {
	"UPDATE tenancy.connection_health AS h SET next_check_at = NULL"
	" FROM (SELECT d.connection_id FROM tenancy.connection_health AS d"
	" JOIN tenancy.database_connections AS c ON c.id = d.connection_id JOIN tenancy.users AS u ON u.id = c.user_id"
	" WHERE d.connection_id = $1 AND d.next_check_at = $2 AND NOT (c.is_active AND u.is_active)"
	" FOR UPDATE OF d SKIP LOCKED) AS mine WHERE h.connection_id = mine.connection_id",
	{UUIDOID, TIMESTAMPTZOID}};

/*
 * When one connection answers late or never, others to the same server will too, and must not hold up the fast lane.
 * Only those of the same user are moved: else a tenant could make the connections of others slow, and learn of theirs
 * by its own.
 */
spi::Statement suspect_server = {
	"UPDATE tenancy.connection_health AS h SET slow = true"
	" FROM (SELECT d.connection_id FROM tenancy.connection_health AS d JOIN tenancy.database_connections AS c"
	" ON c.id = d.connection_id WHERE c.user_id = $3 AND c.host = $1 AND c.port = $2 AND NOT d.slow FOR UPDATE OF d "
	"SKIP LOCKED) AS near"
	" WHERE h.connection_id = near.connection_id",
	{TEXTOID, INT4OID, UUIDOID}};

bool
claim_in(Lane lane, const Served &served, Check *check)
{
	Datum const values[] = {BoolGetDatum(lane == Lane::slow), served.empty() ? 0 : served.array()};
	if (spi::run(served.empty() ? claim_oldest : claim_of_others, values) == 0)
		return false;
	bool is_null;
	check->id = bridge::uuid_value(spi::value(0, 1, &is_null));
	check->lease = DatumGetTimestampTz(spi::value(0, 2, &is_null));
	check->failures = DatumGetInt32(spi::value(0, 3, &is_null));
	check->unknown = DatumGetBool(spi::value(0, 4, &is_null));
	check->lane = lane;
	return true;
}

void
look_ahead(const Lanes &lanes, Check *check)
{
	Datum const values[] = {BoolGetDatum(lanes.first == Lane::slow), BoolGetDatum(lanes.both)};
	bool is_null = true;
	if (spi::read(next_due, values) != 1)
		return;
	Datum const value = spi::value(0, 1, &is_null);
	TimestampTz const next = is_null ? 0 : DatumGetTimestampTz(value), now = GetCurrentTransactionStartTimestamp();
	/* The check is due but was not claimed: somebody has its row locked, perhaps for long. */
	check->next = next != 0 && next <= now ? TimestampTzPlusMilliseconds(now, locked_ms) : next;
}

char *
clip(char *message)
{
	message[pg_mbcliplen(message, static_cast<int>(strlen(message)), longest_message)] = 0;
	return message;
}

/* A file that the connection makes when it is first used is no failure. */
bool
is_yet_to_be_made(const connection::Probe &probe, bool creates)
{
	return creates && strcmp(probe.code, "database") == 0;
}

} // namespace

bool
Served::has(const core::Uuid &user) const noexcept
{
	return std::find(users_, users_ + count_, user) != users_ + count_;
}

/* Adds a user; when there is no room left, in the place of whoever was added first. */
void
Served::add(const core::Uuid &user) noexcept
{
	if (has(user))
		return;
	if (count_ < most)
		users_[count_++] = user;
	else
		users_[next_++ % most] = user;
}

Datum
Served::array() const
{
	return bridge::uuid_array(users_, count_);
}

void
claim(void *arg)
{
	auto const &[check, lanes] = *static_cast<Claim *>(arg);
	check->claimed = false;
	check->next = 0;
	Lane const other = lanes->first == Lane::fast ? Lane::slow : Lane::fast;
	check->claimed =
		claim_in(lanes->first, *lanes->served, check) || (lanes->both && claim_in(other, *lanes->served, check));
	if (!check->claimed)
		look_ahead(*lanes, check);
}

void
look_up(void *arg)
{
	auto *const check = static_cast<Check *>(arg);
	Datum const mine[] = {bridge::uuid_datum(check->id), TimestampTzGetDatum(check->lease)};
	bool const ended = spi::run(end_checks, mine) == 1;
	MemoryContext const context = MemoryContextSwitchTo(check->context); /* a statement leaves another one behind */
	check->config = {};
	check->found = !ended && connection::find_for_worker(check->id, &check->config);
	MemoryContextSwitchTo(context);
}

void
ask(void *arg)
{
	auto *const check = static_cast<Check *>(arg);
	connection::Opening *const opening = connection::prepare_for_owner(check->config);
	bool const creates = opening->target.create;
	bool const is_file = opening->target.type == remote::DatabaseType::sqlite;
	long const limit = check->lane == Lane::fast ? longest_fast_check_ms : longest_check_ms;
	bool const hurried = limit < opening->target.connect_timeout_ms;
	opening->target.connect_timeout_ms = std::min(opening->target.connect_timeout_ms, limit);
	opening->target.create = false;
	opening->target.read_only = opening->target.read_only || is_file;
	auto const begun = std::chrono::steady_clock::now();
	connection::Probe const probe = connection::probe(*opening);
	bool const late = strcmp(probe.code, "timeout") == 0;
	check->elapsed_ms = static_cast<long>(
		std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count());
	check->slow = late || check->elapsed_ms > longest_fast_check_ms;
	check->deferred = late && hurried && check->lane == Lane::fast;
	check->state = probe.ok ? "up" : is_yet_to_be_made(probe, creates && check->unknown) ? "unknown" : "down";
	check->code = probe.code;
	check->message = probe.ok ? nullptr : probe.message;
	check->latency_ms = probe.latency_ms;
}

namespace {

void
record_result(const Check &check)
{
	bool const up = strcmp(check.state, "up") == 0;
	int const failures = up ? 0 : std::min(check.failures, 1'000'000) + 1;
	double const delay =
		next_delay(outcome_of(check.code), failures, settings::health_interval, pg_prng_double(&pg_global_prng_state));
	Datum const values[] = {bridge::uuid_datum(check.id),
	                        TimestampTzGetDatum(check.lease),
	                        CStringGetTextDatum(check.state),
	                        CStringGetTextDatum(check.code),
	                        check.message == nullptr ? 0 : CStringGetTextDatum(clip(check.message)),
	                        Float8GetDatum(check.latency_ms),
	                        Int32GetDatum(failures),
	                        BoolGetDatum(check.slow),
	                        Float8GetDatum(delay)};
	const char nulls[] = {' ', ' ', ' ', ' ', check.message == nullptr ? 'n' : ' ', up ? ' ' : 'n', ' ', ' ', ' '};
	(void) spi::run(record_check, values, nulls);
}

} // namespace

void
record(void *arg)
{
	auto const *const check = static_cast<const Check *>(arg);
	if (check->deferred) {
		Datum const mine[] = {bridge::uuid_datum(check->id), TimestampTzGetDatum(check->lease)};
		(void) spi::run(defer_check, mine);
	} else
		record_result(*check);
	if (check->slow && check->lane == Lane::fast && check->config.host != nullptr) {
		Datum const server[] = {CStringGetTextDatum(check->config.host), Int32GetDatum(check->config.port),
		                        bridge::uuid_datum(check->config.user)};
		(void) spi::run(suspect_server, server);
	}
}

} // namespace tenancy::health
