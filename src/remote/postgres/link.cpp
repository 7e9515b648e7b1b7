/*
 * The non-blocking pipeline over one libpq connection. Pure regime.
 */
#include "remote/postgres/link.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "remote/freed.hpp"
#include "remote/memory_cap.hpp"
#include "remote/postgres/failure.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

namespace {

constexpr const char *no_answer = "the server closed the connection unexpectedly";

Error
out_of_time()
{
	return {FailureKind::timeout, "57014", "canceling statement due to statement timeout",
	        "The remote server did not finish in time."};
}

/* Bytes that TLS has taken from the socket but not handed on: the socket does not become readable for them. */
bool
tls_pending(PGconn *connection) noexcept
{
	auto *const tls = static_cast<SSL *>(PQsslStruct(connection, "OpenSSL"));
	return tls != nullptr && SSL_pending(tls) > 0;
}

bool
ends_session(const PGresult *error) noexcept
{
	const char *const severity = PQresultErrorField(error, PG_DIAG_SEVERITY_NONLOCALIZED);
	return severity != nullptr && (std::strcmp(severity, "FATAL") == 0 || std::strcmp(severity, "PANIC") == 0);
}

} // namespace

void
Link::start_pipeline()
{
	if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1)
		throw lost_error(connection_, "could not enter pipeline mode");
}

void
Link::lose() const
{
	if (last_words_)
		throw *last_words_;
	throw lost_error(connection_, no_answer);
}

void
Link::sent(int ok, Step step)
{
	if (ok != 1 && broken())
		lose();
	if (ok != 1)
		throw Error(FailureKind::query, "08P01", clean(PQerrorMessage(connection_)));
	steps_.push_back(step);
}

void
Link::send_command(const char *sql, Step step)
{
	sent(PQsendQueryParams(connection_, sql, 0, nullptr, nullptr, nullptr, nullptr, 0), step);
}

void
Link::send_statement(const char *sql, const Arguments &arguments, bool binary)
{
	sent(PQsendQueryParams(connection_, sql, arguments.count(), arguments.types(), arguments.values(),
	                       arguments.lengths(), arguments.formats(), binary ? 1 : 0),
	     Step::statement);
}

void
Link::send_prepare(const char *name, const char *sql, const Arguments &arguments)
{
	sent(PQsendPrepare(connection_, name, sql, arguments.count(), arguments.types()), Step::prepare);
}

void
Link::send_prepared(const char *name, const Arguments &arguments, bool binary)
{
	sent(PQsendQueryPrepared(connection_, name, arguments.count(), arguments.values(), arguments.lengths(),
	                         arguments.formats(), binary ? 1 : 0),
	     Step::statement);
}

void
Link::send_describe(const char *name)
{
	sent(PQsendDescribePrepared(connection_, name), Step::describe);
}

void
Link::send_sync()
{
	sent(PQpipelineSync(connection_), Step::sync);
}

bool
Link::try_flush()
{
	expecting_ = true;
	int const left = PQflush(connection_);
	if (left < 0)
		lose();
	return left == 0;
}

void
Link::flush(Deadline deadline, Waiter &waiter)
{
	if (try_flush())
		return;
	/* While this sends, what is read stays in libpq's buffer, and a server may send without ever reading. */
	MemoryCap const cap;
	do {
		/* Read meanwhile: a server that cannot get rid of its answers stops reading our statements. */
		unsigned const ready = waiter.wait(PQsocket(connection_), core::wait_read | core::wait_write, deadline);
		if (ready == 0)
			throw out_of_time();
		if ((ready & core::wait_read) != 0 && PQconsumeInput(connection_) != 1)
			lose();
	} while (!try_flush());
}

/* Get more of what the server sent; returns when there is something new to parse. */
void
Link::read_more(Deadline deadline, Waiter &waiter)
{
	/* An answer takes a while, unless TLS holds a part of it already. */
	if (std::exchange(expecting_, false) && PQsocket(connection_) >= 0 && !tls_pending(connection_) &&
	    waiter.wait(PQsocket(connection_), core::wait_read, deadline) == 0)
		throw out_of_time();
	/* Read without asking first: in a stream of rows more data is mostly there already, and asking costs more. */
	if (PQconsumeInput(connection_) != 1) {
		/* The server's last words may have come before the end. */
		if (PQisBusy(connection_) != 0)
			lose();
		return;
	}
	if (waiter.interrupted())
		waiter.serve();
	if (deadline.passed())
		throw out_of_time();
	bool const busy = PQisBusy(connection_) != 0;
	/* libpq keeps each notification that it has come across. */
	forget_notifications();
	if (!busy || tls_pending(connection_))
		return;
	if (waiter.wait(PQsocket(connection_), core::wait_read, deadline) == 0)
		throw out_of_time();
}

Result
Link::next_result(Deadline deadline, Waiter &waiter)
{
	while (PQisBusy(connection_) != 0)
		read_more(deadline, waiter);
	return Result(PQgetResult(connection_));
}

void
Link::stream_rows() noexcept
{
	streaming_ = true;
	tag_.clear();
#ifdef LIBPQ_HAS_CHUNK_MODE
	if (chunk_ > 1 && PQsetChunkedRowsMode(connection_, chunk_) == 1)
		return;
#endif
	/* This is refused only when the pipeline is aborted, and then no row will come. */
	(void) PQsetSingleRowMode(connection_);
}

void
Link::skip_to_sync()
{
	while (next_ < steps_.size() && steps_[next_] != Step::sync)
		++next_;
	if (next_ == steps_.size())
		throw Error(FailureKind::lost, "08P01", "the server answered more than it was asked");
	++next_;
	streaming_ = false;
}

Reply
Link::receive(Deadline deadline, Waiter &waiter)
{
	bool ended = false; /* the sync that is next had an error, and its end was seen */
	while (next_ < steps_.size()) {
		Step const step = steps_[next_];
		if (step == Step::statement && !streaming_)
			stream_rows();
		Result result = next_result(deadline, waiter);
		if (!result) {
			/* The end of one step. A sync is one result without an end, but the commit in it may fail before. */
			if (broken() || ended)
				lose();
			ended = step == Step::sync;
			if (!ended)
				++next_;
			streaming_ = false;
			continue;
		}
		ExecStatusType const status = PQresultStatus(result.get());
		if (status == PGRES_FATAL_ERROR && ends_session(result.get()))
			last_words_ = remote_error(result.get(), false);
		if (status == PGRES_PIPELINE_SYNC) {
			skip_to_sync();
			ended = false;
			continue;
		}
		if (step == Step::statement && (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK))
			tag_ = PQcmdStatus(result.get());
		return {step, std::move(result)};
	}
	steps_.clear();
	next_ = 0;
	forget_notifications();
	return {};
}

void
Link::forget_notifications() noexcept
{
	while (PGnotify *const notification = PQnotifies(connection_))
		PQfreemem(notification);
}

bool
Link::drain(Deadline deadline, Waiter &waiter)
{
	MemoryCap const cap;
	try {
		flush(deadline, waiter);
		for (;;) {
			Reply const reply = receive(deadline, waiter);
			if (reply.step == Step::none)
				return true;
			ExecStatusType const status = PQresultStatus(reply.result.get());
			if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
				return false;
		}
	} catch (const Error &) {
		return false;
	}
}

/* libpq needs its copy for the login only, and would free it without wiping it. */
void
Link::forget_password() noexcept
{
	char *const password = PQpass(connection_);
	if (password == nullptr)
		return;
	password_size_ = std::max(password_size_, std::strlen(password));
	OPENSSL_cleanse(password, std::strlen(password));
}

void
Link::close() noexcept
{
	if (connection_ == nullptr)
		return;
	forget_password();
	FreedCopies const freed(password_size_); /* the SCRAM exchange has one of its own */
	PQfinish(connection_);
	connection_ = nullptr;
	steps_.clear();
	next_ = 0;
}

} // namespace tenancy::remote::postgres
