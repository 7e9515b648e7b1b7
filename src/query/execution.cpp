/*
 * See execution.hpp. PG regime.
 */
#include "query/execution.hpp"

#include "query/cacheable.pure.hpp"

#include "bridge/abort.hpp"
#include "bridge/owned.hpp"
#include "bridge/wait.hpp"
#include "identity/identity.hpp"
#include "query/cache.hpp"
#include "query/query.hpp"
#include "query/writing.pure.hpp"
#include "remote/stop_limit.hpp"

namespace tenancy::query {

namespace {

using history::Finish;

/* Left in an abort, all of them have the time of one to stop on their servers. */
class OwnedStream final : public Stream {
public:
	~OwnedStream()
	{
		if (!is_open())
			return;
		remote::StopLimit const limit(bridge::end_of_abort());
		close();
	}
};

/* Whatever is not certainly a read may write. */
void
note_write(Execution &execution, std::string_view sql)
{
	remote::DatabaseType const type = execution.config.type;
	if (!cache::is_on() || bridge::enter([&] { return is_cacheable(type, sql); }))
		return;
	Digest const place = place_of(execution.config);
	execution.writing = bridge::owned<Writing>(CurrentMemoryContext, place);
	execution.writing->begin();
}

void
end_write(const Execution &execution) noexcept
{
	if (execution.writing != nullptr)
		execution.writing->end();
}

} // namespace

void
Writing::begin()
{
	begin_write(place_);
	open_ = true;
}

void
Writing::end() noexcept
{
	if (open_)
		query::end_write(place_);
	open_ = false;
}

bool
begin(Execution &execution, const connection::Selector &selector, history::Source source, const char *question,
      const char *sql)
{
	bool const found = connection::find(selector, &execution.config);
	history::Start start =
		found ? history::start_on(execution.config, source, sql) : history::start_on(selector, source, sql);
	start.question = question;
	execution.run = history::start(start);
	execution.open = true;
	if (found)
		return true;

	(void) finish(execution, history::denial_of(selector));
	return false;
}

bool
start(Execution &execution, const char *sql, remote::ParamList params, int64 wanted_rows, bridge::Failure &failure)
{
	connection::Opening *const opening = connection::prepare(execution.config);
	opening->read_only |= execution.read_only;
	connection::Pool &pool = connection::pool();
	std::string_view const text = pg_server_to_any(sql, static_cast<int>(strlen(sql)), PG_UTF8);
	execution.writes = !opening->read_only && tells_to_write(execution.config.type, text);
	if (!opening->read_only)
		note_write(execution, text); /* before the stream is made, so that it outlives it */
	Stream *const stream = bridge::owned<OwnedStream>(CurrentMemoryContext);
	execution.stream = stream;
	int const at_once = execution.writes ? fetch_rows : static_cast<int>(Min(wanted_rows, fetch_rows));
	return bridge::attempt(failure, [&] { stream->open(pool, *opening, text, params, at_once, bridge::waiter()); });
}

void
finish_writing(Execution &execution)
{
	bridge::Failure failure;
	if (!bridge::attempt(failure, [&] { execution.stream->read_on(bridge::waiter()); }))
		fail(execution, failure);
	(void) finish(execution, success_of(*execution.stream));
}

Finish
success_of(const Stream &stream)
{
	Finish done{};
	done.status = history::Status::success;
	done.rows = stream.rows();
	done.bytes = stream.bytes();
	return done;
}

int64
finish(Execution &execution, const Finish &finish)
{
	execution.open = false;
	end_write(execution);
	return history::finish(execution.run, finish);
}

void
abandon(Execution &execution, const Finish &finish) noexcept
{
	if (execution.stream != nullptr)
		execution.stream->close(); /* now, not when the memory goes: the remote statement must end too */
	end_write(execution);
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
	end_write(execution);
	if (failure.pg != nullptr)
		abandon(execution, history::outcome_of(failure));
	else if (execution.open)
		(void) finish(execution, history::outcome_of(failure));
	bridge::raise(failure);
}

} // namespace tenancy::query
