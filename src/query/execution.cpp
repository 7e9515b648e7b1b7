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

} // namespace

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
	opening->read_only |= execution.read_only;
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
		abandon(execution, history::outcome_of(failure));
	else if (execution.open)
		(void) finish(execution, history::outcome_of(failure));
	bridge::raise(failure);
}

} // namespace tenancy::query
