/*
 * What a foreign scan or modification is to history and to the identity that asked for it. PG regime.
 */
#include "fdw/channel.hpp"
#include "remote/options.hpp"

#include "bridge/datum.hpp"

extern "C" {
#include "access/parallel.h"
#include "foreign/foreign.h"
#include "utils/plancache.h"
}

namespace tenancy::fdw {

namespace {

using history::Finish;
using history::Status;

/* A plan is in the dialect of the connection as it was, and a connection can be given another database. */
void
check_config(const connection::Config &config, Oid server, remote::DatabaseType type)
{
	if (!config.active)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		                errmsg("connection \"%s\" is not active", config.name),
		                errhint("Activate it with tenancy.update_connection(…, is_active => true).")));
	if (config.type != type) {
		/* The plan is for the type that this process remembered; the tables may have been imported again since. */
		ResetPlanCache();
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
		                errmsg("connection \"%s\" is of another type than the foreign tables of server \"%s\"",
		                       config.name, GetForeignServer(server)->servername),
		                errdetail("The connection is of type %s, the tables are of type %s.",
		                          remote::name_of(config.type).data(), remote::name_of(type).data()),
		                errhint("Import the foreign tables again.")));
	}
}

Finish
finish_with(const Activity &activity, const ErrorData *error) noexcept
{
	Finish finish = history::outcome_of(error);
	finish.rows = activity.rows;
	finish.bytes = activity.bytes;
	return finish;
}

} // namespace

void
begin(Activity &activity, Oid server, remote::DatabaseType type, const char *sql)
{
	if (IsParallelWorker())
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		                errmsg("foreign tables of tenant_fdw cannot be used in a parallel worker")));
	Options const options = server_options(server);
	connection::Selector const selector = connection::selector_of(options.connection);
	activity.config = history::require_connection(selector, history::Source::fdw, sql);
	check_config(activity.config, server, type);
	activity.identity = identity::current_user();
	activity.generation = identity::generation();
	activity.keep = options.keep_connections;
	activity.need = Need::statement;
}

/* An admin reads what belongs to others only as long as they are one. */
void
check_again(const Activity &activity)
{
	core::Uuid const user = identity::current_user();
	bool const owner = !user.is_nil() && user == activity.config.user;
	if (user == activity.identity && (owner || identity::is_admin())) {
		activity.generation = identity::generation();
		return;
	}
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
	                errmsg("permission denied for connection \"%s\"", activity.config.name),
	                errdetail("The identity is not the one that the query began with.")));
}

void
report(Activity &activity, const char *sql)
{
	if (activity.reported)
		return;
	activity.run = history::start(history::start_on(activity.config, history::Source::fdw, sql));
	activity.reported = true;
	activity.rows = activity.bytes = 0;
}

void
end(Activity &activity)
{
	if (!activity.reported)
		return;
	activity.reported = false;
	Finish done{};
	done.status = Status::success;
	done.rows = activity.rows;
	done.bytes = activity.bytes;
	(void) history::finish(activity.run, done);
}

void
fail(Activity &activity, const bridge::Failure &failure)
{
	if (activity.reported) {
		Finish finish = history::outcome_of(failure);
		finish.rows = activity.rows;
		finish.bytes = activity.bytes;
		activity.reported = false;
		if (failure.pg != nullptr)
			history::finish_quietly(activity.run, finish);
		else
			(void) history::finish(activity.run, finish);
	}
	bridge::raise(failure);
}

void
abandon(Activity &activity, const ErrorData *error) noexcept
{
	if (!activity.reported)
		return;
	activity.reported = false;
	history::finish_quietly(activity.run, finish_with(activity, error));
}

void
note(const Activity &activity, int level, const ErrorData *error) noexcept
{
	if (activity.reported)
		history::note(activity.run, level, finish_with(activity, error));
}

void
forget(const Activity &activity) noexcept
{
	if (activity.reported)
		history::forget_note(activity.run);
}

} // namespace tenancy::fdw
