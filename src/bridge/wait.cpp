/*
 * Waiting for a socket while serving interrupts. PG regime; the class is called by pure code,
 * so each backend call in it is guarded.
 */
#include "core/poll.hpp"

#include "bridge/enter.hpp"
#include "bridge/guard.hpp"
#include "bridge/wait.hpp"

extern "C" {
#include "storage/pmsignal.h"

/* Declared in libpq/libpq.h, which includes headers of Kerberos that need not be installed. */
extern bool pq_check_connection(void);
}

namespace tenancy::bridge {

namespace {

/* Most replies arrive within this time, for which poll(2) alone costs a sixth of the system calls of a latch wait. */
constexpr int short_wait_ms = 2;

int
process_interrupts(int)
{
	CHECK_FOR_INTERRUPTS();
	return 0;
}

/*
 * Has the client gone? This looks in the way in which the server does at the next interrupt, which then ends the
 * process.
 */
int
look_for_client(int)
{
	if (CheckClientConnectionPending != 0 && client_connection_check_interval > 0 && !pq_check_connection())
		ClientConnectionLost = 1;
	return 0;
}

/* One sleep; 0 when only the latch was set or the time passed. */
int
wait_once(int fd, int events, int timeout_ms)
{
	static constinit compat::WaitEvent event("TenancyRemote");
	int wake = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	if (fd >= 0)
		wake |= ((events & core::wait_read) != 0 ? WL_SOCKET_READABLE : 0) |
		        ((events & core::wait_write) != 0 ? WL_SOCKET_WRITEABLE : 0);
	if (timeout_ms >= 0)
		wake |= WL_TIMEOUT;
	int const rc = WaitLatchOrSocket(MyLatch, wake, fd >= 0 ? fd : PGINVALID_SOCKET, timeout_ms, event.info());
	if ((rc & WL_LATCH_SET) != 0)
		ResetLatch(MyLatch);
	int ready = 0;
	if ((rc & WL_SOCKET_READABLE) != 0)
		ready |= static_cast<int>(core::wait_read);
	if ((rc & WL_SOCKET_WRITEABLE) != 0)
		ready |= static_cast<int>(core::wait_write);
	return ready;
}

class LatchWaiter final : public core::Waiter {
public:
	unsigned wait(int fd, unsigned events, core::Deadline deadline) override
	{
		serve();
		for (int timeout; (timeout = deadline.remaining_ms()) != 0;) {
			if (fd >= 0) {
				int const moment = timeout < 0 || timeout > short_wait_ms ? short_wait_ms : timeout;
				/* A signal ends the poll early; a latch that is set without one is seen right after. */
				if (int const ready = core::poll_once(fd, events, moment); ready > 0)
					return static_cast<unsigned>(ready);
				serve();
			}
			int const ready = guard(wait_once, fd, static_cast<int>(events), deadline.remaining_ms());
			serve();
			if (ready != 0)
				return static_cast<unsigned>(ready);
		}
		return 0;
	}
	bool interrupted() const noexcept override { return InterruptPending != 0 || !PostmasterIsAlive(); }
	void serve() override
	{
		if (fault::armed != 0)
			fault::strike();
		/* What works without sleeping would outlive the server, and keep it from being started again. */
		if (!PostmasterIsAlive())
			throw core::Error(core::FailureKind::cancelled, "57P01",
			                  "terminating connection due to unexpected postmaster exit");
		if (InterruptPending == 0)
			return;
		/*
		 * The server would exit on the spot, over all destructors; leave by them first, the wall then serves the
		 * interrupt.
		 */
		if (CheckClientConnectionPending != 0)
			guard(look_for_client, 0);
		if (const char *const reason = reason_to_exit(); reason != nullptr)
			throw core::Error(core::FailureKind::cancelled, "57P01", reason);
		guard(process_interrupts, 0);
	}
};

} // namespace

const char *
reason_to_exit() noexcept
{
	return ProcDiePending != 0                 ? "terminating connection due to administrator command"
	       : ClientConnectionLost != 0         ? "connection to client lost"
	       : compat::transaction_is_overtime() ? "terminating connection due to transaction timeout"
	                                           : nullptr;
}

core::Waiter &
waiter()
{
	static LatchWaiter instance;
	return instance;
}

} // namespace tenancy::bridge
