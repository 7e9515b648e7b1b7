/*
 * See member.hpp. PG regime.
 */
#include "health/member.hpp"

#include "bridge/worker.hpp"

extern "C" {
#include "postmaster/interrupt.h"
}

namespace tenancy::health {

namespace {

constexpr const char *own_name = "pg_tenancy health";

} // namespace

Post
begin(Datum argument, const char *name)
{
	Post const post = post_of(argument);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!enlist(post.database, post.number))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(post.database, InvalidOid, 0);
	bridge::pin_settings();
	/* A crash may lose what these workers write: they find it out again. */
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	pgstat_report_appname(name);
	return post;
}

bool
transact(void (*step)(void *), void *arg, const char *what)
{
	MemoryContext const place = AllocSetContextCreate(TopMemoryContext, "health step", ALLOCSET_DEFAULT_SIZES);
	MemoryContext const context = MemoryContextSwitchTo(place);
	ErrorData *error = nullptr;
	bool const done = bridge::run_in_transaction(step, arg, &error);
	if (!done && error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		complain(error, what);
	MemoryContextSwitchTo(context);
	MemoryContextDelete(place);
	pgstat_report_stat(false);
	return done;
}

void
complain(const ErrorData *error, const char *what)
{
	bridge::complain(own_name, what, error);
}

bool
extension_exists()
{
	return bridge::extension_exists(own_name);
}

} // namespace tenancy::health
