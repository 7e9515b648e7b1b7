/*
 * See execution.hpp. PG regime.
 */
#include "query/execution.hpp"

#include "bridge/owned.hpp"
#include "bridge/wait.hpp"
#include "identity/identity.hpp"

namespace tenancy::query {

namespace {

using history::Finish;
using history::Status;

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
	finish.message = failure.message;
	return finish;
}

Finish
outcome_of(const ErrorData *error)
{
	Finish finish{};
	finish.status = Status::error;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED) {
		/* Only the untranslated message tells statement_timeout from a cancel. */
		bool const timeout = error->message_id != nullptr && strstr(error->message_id, "timeout") != nullptr;
		finish.status = timeout ? Status::timeout : Status::cancelled;
	} else if (error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		finish.status = Status::cancelled;
	finish.sqlstate = unpack_sql_state(error->sqlerrcode);
	finish.message = error->message;
	return finish;
}

bool
begin(Execution &execution, const connection::Selector &selector, history::Source source, const char *question,
      const char *sql)
{
	bool const found = connection::find(selector, &execution.config);
	history::Start start{};
	start.user = found ? execution.config.user : identity::current_user();
	start.connection = found ? execution.config.id : core::Uuid{};
	start.connection_name = found ? execution.config.name : selector.text;
	start.source = source;
	start.question = question;
	start.sql = sql;
	execution.run = history::start(start);
	execution.open = true;
	if (found)
		return true;

	Finish denied{};
	denied.status = Status::denied;
	denied.sqlstate = connection::denied_sqlstate;
	denied.message = connection::denied_message(selector);
	(void) finish(execution, denied);
	return false;
}

bool
start(Execution &execution, const char *sql, remote::ParamList params, int fetch_rows, bridge::Failure &failure)
{
	connection::Opening *const opening = connection::prepare(execution.config);
	connection::Pool &pool = connection::pool();
	Stream *const stream = bridge::owned<Stream>(CurrentMemoryContext);
	std::string_view const text = pg_server_to_any(sql, static_cast<int>(strlen(sql)), PG_UTF8);
	execution.stream = stream;
	return bridge::attempt(failure, [&] { stream->open(pool, *opening, text, params, fetch_rows, bridge::waiter()); });
}

int64
finish(Execution &execution, const Finish &finish)
{
	execution.open = false;
	return history::finish(execution.run, finish);
}

void
abandon(Execution &execution, const Finish &finish) noexcept
{
	if (execution.stream != nullptr)
		execution.stream->close(); /* now, not when the memory goes: the remote statement must end too */
	if (!execution.open)
		return;
	execution.open = false;
	history::finish_quietly(execution.run, finish);
}

void
fail(Execution &execution, const bridge::Failure &failure)
{
	if (execution.stream != nullptr)
		execution.stream->close();
	if (failure.pg != nullptr)
		abandon(execution, outcome_of(failure));
	else if (execution.open)
		(void) finish(execution, outcome_of(failure));
	bridge::raise(failure);
}

} // namespace tenancy::query
