/*
 * How a failure reads in history. PG regime.
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

void
deny(const connection::Selector &selector, Source source, const char *sql)
{
	Start attempt{};
	attempt.user = identity::current_user();
	attempt.connection_name = selector.text;
	attempt.source = source;
	attempt.sql = sql;
	Run run = start(attempt);
	(void) finish(run, denial_of(selector));
	connection::deny(selector);
}

} // namespace tenancy::history
