/*
 * The chores: expiring the result cache, pruning history and folding its sums, deleting old sessions, seeing what
 * queries found. PG regime.
 */
#include "health/chores.hpp"

#include "bridge/spi.hpp"
#include "bridge/worker.hpp"
#include "health/member.hpp"
#include "settings.hpp"

namespace tenancy::health {

namespace {

namespace spi = bridge::spi;

constexpr int most_rounds = 1000; /* of one chore in a row; then the others have their turn */

/* The functions of the extension's version that is installed here; the library may be newer. */
bool
exists(const char *signature)
{
	static spi::Statement look = {"SELECT pg_catalog.to_regprocedure($1) IS NOT NULL", {TEXTOID}};
	Datum const value = CStringGetTextDatum(signature);
	bool is_null = true;
	return spi::read(look, &value) == 1 && DatumGetBool(spi::value(0, 1, &is_null));
}

/* Rows that a step has dealt with. */
struct Round {
	int64 rows;
};

void
expire_cache(void *)
{
	static spi::Statement call = {"SELECT tenancy.expire_query_cache()"};
	if (exists("tenancy.expire_query_cache()"))
		(void) spi::run(call);
}

void
prune_history(void *arg)
{
	static spi::Statement call = {"SELECT tenancy.prune_history(1000)::pg_catalog.int8"};
	bool is_null = true;
	if (!exists("tenancy.prune_history(integer)") || spi::run(call) != 1)
		return;
	Datum const rows = spi::value(0, 1, &is_null);
	static_cast<Round *>(arg)->rows = is_null ? 0 : DatumGetInt64(rows);
}

void
fold_rollups(void *arg)
{
	static spi::Statement call = {"SELECT tenancy.fold_rollups(500)"};
	bool is_null = true;
	if (exists("tenancy.fold_rollups(integer)") && spi::run(call) == 1)
		static_cast<Round *>(arg)->rows = DatumGetInt64(spi::value(0, 1, &is_null));
}

/* Deletes sessions that expired so long ago that no clock and no open transaction still takes them for valid. */
void
forget_sessions(void *arg)
{
	static spi::Statement forget = {
		"DELETE FROM tenancy.user_sessions WHERE id = ANY (ARRAY(SELECT s.id FROM tenancy.user_sessions AS s"
		" WHERE s.expires_at < pg_catalog.now() - '1 day'::pg_catalog.interval LIMIT 1000 FOR UPDATE SKIP LOCKED))"};
	static_cast<Round *>(arg)->rows = static_cast<int64>(spi::run(forget));
}

/* A query that succeeded since a database was found down says that it is back. */
void
notice_use(void *)
{
	static spi::Statement hurry = {
		"UPDATE tenancy.connection_health AS h SET next_check_at = pg_catalog.now()"
		" FROM (SELECT d.connection_id FROM tenancy.connection_health AS d"
		" JOIN tenancy.database_connections AS c ON c.id = d.connection_id"
		" WHERE d.state = 'down' AND c.last_connected_at > d.checked_at"
		" AND d.next_check_at > pg_catalog.now() + '1 minute'::pg_catalog.interval FOR UPDATE OF d SKIP LOCKED) AS back"
		" WHERE h.connection_id = back.connection_id"};
	if (settings::health_interval > 0)
		(void) spi::run(hurry);
}

/*
 * ALTER DATABASE and ROLE … SET reach only processes that begin later, and what is pruned does not come back. This
 * process has the role that initdb made, whose id is 10 (BOOTSTRAP_SUPERUSERID).
 */
bool outdated = false;

void
compare_settings(void *)
{
	static spi::Statement look = {
		"SELECT coalesce(string_agg(s.setconfig::pg_catalog.text, ' ' ORDER BY s.setdatabase, s.setrole), '')"
		" FROM pg_catalog.pg_db_role_setting AS s WHERE s.setrole IN (0, 10) AND s.setdatabase IN"
		" (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))"};
	static char *begun_with = nullptr;
	bool is_null;
	(void) spi::read(look);
	const char *const now = TextDatumGetCString(spi::value(0, 1, &is_null));
	if (begun_with == nullptr)
		begun_with = MemoryContextStrdup(TopMemoryContext, now);
	outdated = strcmp(begun_with, now) != 0;
}

/* What is left is the next process's, which begins with the new settings. */
void
prune_or_leave(void *round)
{
	compare_settings(nullptr);
	if (!outdated)
		prune_history(round);
}

/*
 * Nobody made these due: the transaction that made a connection or activated it did not see, in its snapshot, that its
 * user was activated since.
 */
void
resume_checks(void *)
{
	static spi::Statement resume = {
		"UPDATE tenancy.connection_health AS h SET next_check_at = pg_catalog.now()"
		" FROM (SELECT d.connection_id FROM tenancy.connection_health AS d"
		" JOIN tenancy.database_connections AS c ON c.id = d.connection_id JOIN tenancy.users AS u ON u.id = c.user_id"
		" WHERE d.next_check_at IS NULL AND c.is_active AND c.deleted_at IS NULL AND u.is_active"
		" FOR UPDATE OF d SKIP LOCKED) AS forgotten WHERE h.connection_id = forgotten.connection_id"};
	(void) spi::run(resume);
}

constexpr const char *cannot_compare = "could not look for changed settings";

struct Chore {
	void (*step)(void *);
	int every_ms;
	const char *complaint;
	TimestampTz last;
};

} // namespace

void
note_settings()
{
	(void) transact(compare_settings, nullptr, cannot_compare);
}

bool
is_outdated() noexcept
{
	return outdated;
}

void
do_chores(Oid database)
{
	static Chore chores[] = {
		{compare_settings, 5000, cannot_compare, 0},
		{expire_cache, 10'000, "could not expire cached results", 0},
		{notice_use, 5000, "could not look for databases that are back", 0},
		{resume_checks, 60'000, "could not look for connections that nobody checks", 0},
		{prune_or_leave, 60'000, "could not prune history", 0},
		{fold_rollups, 60'000, "could not fold the sums of history", 0},
		{forget_sessions, 600'000, "could not delete expired sessions", 0},
	};
	for (Chore &chore : chores) {
		if (outdated)
			return;
		if (!TimestampDifferenceExceeds(chore.last, GetCurrentTimestamp(), chore.every_ms))
			continue;
		chore.last = GetCurrentTimestamp();
		for (int i = 0; i < most_rounds; ++i) {
			Round round{};
			if (!transact(chore.step, &round, chore.complaint) || round.rows == 0)
				break;
			bridge::serve_interrupts();
			if (!may_stay(database))
				return;
		}
	}
}

void
look_for_due(void *arg)
{
	static spi::Statement look = {
		"SELECT (SELECT pg_catalog.min(next_check_at) FROM tenancy.connection_health WHERE NOT slow),"
		" (SELECT pg_catalog.min(next_check_at) FROM tenancy.connection_health WHERE slow)"};
	auto *const due = static_cast<Due *>(arg);
	*due = {};
	if (spi::read(look) != 1)
		return;
	bool is_null = true;
	Datum const fast = spi::value(0, 1, &is_null);
	due->fast = is_null ? 0 : DatumGetTimestampTz(fast);
	Datum const slow = spi::value(0, 2, &is_null);
	due->slow = is_null ? 0 : DatumGetTimestampTz(slow);
}

/* Longest as next_delay() has it: what asking does harm to is left alone for as long as before. */
void
draw_near(void *)
{
	static spi::Statement draw = {
		"UPDATE tenancy.connection_health AS h"
		" SET next_check_at = pg_catalog.now() + far.longest * pg_catalog.random()"
		" FROM (SELECT d.connection_id, l.longest FROM tenancy.connection_health AS d,"
		" LATERAL (SELECT pg_catalog.make_interval(secs => CASE"
		" WHEN d.code IN ('timeout', 'password', 'tls', 'denied_address')"
		" THEN least($1 * 2 ^ least(greatest(d.failures - 1, 0), 4), greatest($1, 3600)) ELSE $1 END) AS longest) AS l"
		" WHERE d.next_check_at > pg_catalog.now() + l.longest FOR UPDATE OF d SKIP LOCKED) AS far"
		" WHERE h.connection_id = far.connection_id",
		{FLOAT8OID}};
	Datum const interval = Float8GetDatum(settings::health_interval);
	(void) spi::run(draw, &interval);
}

} // namespace tenancy::health
