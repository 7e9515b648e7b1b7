/*
 * Cancelling through the client library's own non-blocking request where it has one (libpq 17), else through a
 * second connection, because PQcancel blocks for as long as the server likes. Pure regime.
 */
#include "remote/postgres/cancel.hpp"

#include <memory>
#include <string>

#include "core/error.hpp"
#include "remote/postgres/failure.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

#ifdef LIBPQ_HAS_ASYNC_CANCEL

namespace {

struct FinishCancel {
	void operator()(PGcancelConn *cancel) const noexcept { PQcancelFinish(cancel); }
};

} // namespace

void
request_cancel(const Endpoint &, const Link &link, int, Deadline deadline, Waiter &waiter)
{
	std::unique_ptr<PGcancelConn, FinishCancel> const cancel(PQcancelCreate(link.raw()));
	auto next = cancel != nullptr && PQcancelStart(cancel.get()) == 1 ? PGRES_POLLING_WRITING : PGRES_POLLING_FAILED;
	while (next != PGRES_POLLING_FAILED && next != PGRES_POLLING_OK) {
		unsigned const events = next == PGRES_POLLING_READING ? core::wait_read : core::wait_write;
		if (waiter.wait(PQcancelSocket(cancel.get()), events, deadline) == 0)
			throw Error(FailureKind::timeout, "08006", "the server did not answer the cancel request in time");
		next = PQcancelPoll(cancel.get());
	}
	if (next != PGRES_POLLING_OK)
		throw Error(FailureKind::lost, "08006", clean(PQcancelErrorMessage(cancel.get())));
}

#else

void
request_cancel(const Endpoint &endpoint, const Link &, int process, Deadline deadline, Waiter &waiter)
{
	Link second = dial(endpoint, deadline, waiter);
	std::string const sql = "SELECT pg_catalog.pg_cancel_backend(" + std::to_string(process) + ")";
	second.send_command(sql.c_str());
	second.send_sync();
	if (!second.drain(deadline, waiter))
		throw Error(FailureKind::lost, "08006", "the server did not answer the cancel request in time");
}

#endif

} // namespace tenancy::remote::postgres
