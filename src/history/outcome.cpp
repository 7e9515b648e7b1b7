/*
 * How runs on a connection read in history, from their start to a failure. PG regime.
 */
#include "history/history.hpp"

#include "bridge/readable.hpp"
#include "connection/connection.hpp"
#include "identity/identity.hpp"

namespace tenancy::history {

namespace {

Status
status_of(const bridge::Failure &failure)
{
	switch (failure.kind) {
	case core::FailureKind::timeout: return Status::timeout;
	case core::FailureKind::cancelled: return Status::cancelled;
	case core::FailureKind::denied:
	case core::FailureKind::denied_address: return Status::denied;
	default: return Status::error;
	}
}

} // namespace

Start
start_on(const connection::Config &config, Source source, const char *sql)
{
	Start start{};
	start.user = config.user;
	start.connection = config.id;
	start.connection_name = config.name;
	start.source = source;
	start.sql = sql;
	return start;
}

Start
start_on(const connection::Selector &selector, Source source, const char *sql)
{
	Start start{};
	start.user = identity::current_user();
	start.connection_name = selector.text;
	start.source = source;
	start.sql = sql;
	return start;
}

Finish
outcome_of(const bridge::Failure &failure)
{
	if (failure.pg != nullptr)
		return outcome_of(failure.pg);
	Finish finish{};
	finish.status = status_of(failure);
	finish.sqlstate = failure.sqlstate;
	finish.message = bridge::readable(failure.message);
	return finish;
}

Finish
outcome_of(const ErrorData *error)
{
	Finish finish{};
	finish.status = Status::error;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED) {
		/* Only the untranslated message tells a statement_timeout from a cancel. */
		bool const timeout = error->message_id != nullptr && strstr(error->message_id, "timeout") != nullptr;
		finish.status = timeout ? Status::timeout : Status::cancelled;
	} else if (error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		finish.status = Status::cancelled;
	finish.sqlstate = unpack_sql_state(error->sqlerrcode);
	finish.message = error->message;
	return finish;
}

Finish
denial_of(const connection::Selector &selector)
{
	Finish finish{};
	finish.status = Status::denied;
	finish.sqlstate = connection::denied_sqlstate;
	finish.message = connection::denied_message(selector);
	return finish;
}

connection::Config
require_connection(const connection::Selector &selector, Source source, const char *sql)
{
	connection::Config config{};
	if (!connection::find(selector, &config)) {
		Run run = start(start_on(selector, source, sql));
		(void) finish(run, denial_of(selector));
		connection::deny(selector);
	}
	return config;
}

void
finish_read(Run &run, bool done, const bridge::Failure &failure, int64 rows)
{
	Finish how{};
	how.status = Status::success;
	how.rows = rows;
	if (!done)
		how = outcome_of(failure);
	if (failure.pg != nullptr)
		finish_quietly(run, how);
	else
		(void) finish(run, how);
}

} // namespace tenancy::history
