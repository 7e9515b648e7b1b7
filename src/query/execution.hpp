/*
 * One run of a statement between the caller, the client database and history. PG regime, private to query.
 */
#pragma once

#include "connection/connection.hpp"
#include "query/key.pure.hpp"
#include "query/stream.pure.hpp"

#include "bridge/enter.hpp"
#include "history/history.hpp"

namespace tenancy::query {

/* A statement that may write, for the cache: from before it is sent until it is over, or the memory of its run goes. */
class Writing {
public:
	explicit Writing(const Digest &place) : place_(place) {}
	~Writing() { end(); }
	Writing(const Writing &) = delete;
	Writing &operator=(const Writing &) = delete;

	void begin();
	void end() noexcept;

private:
	Digest place_;
	bool open_ = false;
};

struct Execution {
	connection::Config config;
	Writing *writing; /* NULL: it reads */
	Stream *stream;   /* lives in the memory context that was current at begin() */
	history::Run run;
	bool writes;    /* its text says so */
	bool read_only; /* the statement may only read, even if the connection may write */
	bool open;      /* reported as started, not yet as finished */
};

/*
 * Find the connection and report the start; false, with the attempt in history as denied, when the connection is
 * not the current user's. No remote server has been contacted yet.
 */
bool begin(Execution &execution, const connection::Selector &selector, history::Source source, const char *question,
           const char *sql);

/* So many rows are fetched at once. */
constexpr int fetch_rows = 1000;

/*
 * Acquire a session and start the statement, of whose rows the caller reads at most wanted_rows if it does not write;
 * false with failure filled when the remote side refuses.
 */
bool start(Execution &execution, const char *sql, remote::ParamList params, int64 wanted_rows,
           bridge::Failure &failure);

/*
 * Before an error of ours about the shape of the result: what the statement has written stays, and history must not say
 * that it failed. For statements that write, or may have: those that only read need not be read to their end.
 */
void finish_writing(Execution &execution);

/* What history says of a stream that was read as far as anybody wanted. */
history::Finish success_of(const Stream &stream);

/* Report the end, once. finish() may wait and raise; abandon() is for error handlers and does neither. */
int64 finish(Execution &execution, const history::Finish &finish);
void abandon(Execution &execution, const history::Finish &finish) noexcept;

/* Raise what the remote side refused, after history has it; the remote SQLSTATE is kept. */
[[noreturn]] void fail(Execution &execution, const bridge::Failure &failure);

} // namespace tenancy::query
