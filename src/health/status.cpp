/*
 * What tenancy.status() cannot ask in SQL: shared memory, the key ring, files. PG regime.
 */
#include <sys/stat.h>

#include "remote/address.hpp"

#include "bridge/enter.hpp"
#include "bridge/function.hpp"
#include "credential/credential.hpp"
#include "health/crew.hpp"
#include "history/history.hpp"
#include "identity/identity.hpp"
#include "query/query.hpp"
#include "settings.hpp"

namespace tenancy::health {

namespace {

/* Facts are pairs of texts; what is not known is not put. */
void
put(ReturnSetInfo *to, const char *fact, const char *value)
{
	if (value == nullptr)
		return;
	Datum values[] = {CStringGetTextDatum(fact), CStringGetTextDatum(value)};
	bool nulls[] = {false, false};
	tuplestore_putvalues(to->setResult, to->setDesc, values, nulls);
}

void
put_number(ReturnSetInfo *to, const char *fact, int64 value)
{
	put(to, fact, psprintf(INT64_FORMAT, value));
}

void
put_time(ReturnSetInfo *to, const char *fact, TimestampTz value)
{
	if (value != 0)
		put(to, fact, timestamptz_to_str(value)); /* whatever DateStyle the session has */
}

void
put_history(ReturnSetInfo *to)
{
	history::Condition const condition = history::condition();
	if (condition.pid != 0) {
		put_number(to, "history_pid", condition.pid);
		put_time(to, "history_since", condition.since);
	}
	put(to, "history_ready", condition.ready ? "true" : "false");
	put_number(to, "history_pending", condition.pending);
	put_number(to, "history_running", condition.running);
	put_time(to, "history_oldest", condition.oldest);
	put_number(to, "history_bytes", static_cast<int64>(condition.bytes));
	put_number(to, "history_capacity", static_cast<int64>(condition.capacity));
	put(to, "history_trouble", condition.trouble);
	put_time(to, "history_troubled", condition.troubled);
	put(to, "listed", history::listing_of_database());
	put(to, "preloaded", "true"); /* or nobody could say it */
}

void
put_cache(ReturnSetInfo *to)
{
	query::CacheCondition const condition = query::cache_condition();
	if (condition.capacity == 0)
		return;
	put_number(to, "cache_answers", condition.answers);
	put_number(to, "cache_bytes", static_cast<int64>(condition.bytes));
	put_number(to, "cache_capacity", static_cast<int64>(condition.capacity));
}

void
put_crew(ReturnSetInfo *to)
{
	Crew const crew = crew_of(MyDatabaseId);
	int checkers = 0;
	for (int i = 1; i < max_members; ++i)
		checkers += crew.members[i].pid != 0;
	if (crew.members[0].pid != 0) {
		put_number(to, "maintenance_pid", crew.members[0].pid);
		put_time(to, "maintenance_since", crew.members[0].since);
	}
	put_number(to, "health_workers", checkers);
	put_time(to, "turned_away", crew.turned_away);
}

/*
 * "<directory|file|other> <own|root|foreign> <mode>" of the path, or why it cannot be looked at; nothing for an empty
 * one.
 */
void
put_path(ReturnSetInfo *to, const char *fact, const char *path)
{
	if (path == nullptr || path[0] == 0)
		return;
	struct stat found;
	if (stat(path, &found) != 0) {
		put(to, fact, psprintf("error: %s", strerror(errno)));
		return;
	}
	put(to, fact,
	    psprintf("%s %s %03o",
	             S_ISDIR(found.st_mode)   ? "directory"
	             : S_ISREG(found.st_mode) ? "file"
	                                      : "other",
	             found.st_uid == geteuid() ? "own"
	             : found.st_uid == 0       ? "root"
	                                       : "foreign",
	             static_cast<unsigned>(found.st_mode) & 0777));
}

void
put_networks(ReturnSetInfo *to)
{
	bridge::Failure failure;
	if (bridge::attempt(failure, [] { (void) remote::NetworkList::parse(settings::allowed_networks); }))
		return;
	if (failure.pg != nullptr)
		bridge::raise(failure);
	put(to, "networks_error", failure.message);
}

void
put_keys(ReturnSetInfo *to)
{
	char *active = nullptr;
	put(to, "key_error", credential::trouble_with_ring(&active));
	put(to, "key_active", active);
}

} // namespace

/* tenancy.status_facts() → (fact, value). */
TENANCY_FUNCTION(status_facts)
{
	identity::require_admin();
	InitMaterializedSRF(fcinfo, 0);
	auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	put(result, "library_version", TENANCY_VERSION);
	put(result, "server_version_num", GetConfigOption("server_version_num", false, false));
	put_history(result);
	put_crew(result);
	put_cache(result);
	put_path(result, "sqlite_root", settings::sqlite_root);
	put_path(result, "llm_key", GetConfigOption("tenancy.llm_api_key_file", true, false));
	put_networks(result);
	put_keys(result);
	return static_cast<Datum>(0);
}

} // namespace tenancy::health
