/*
 * Waiting for a socket while serving interrupts. PG regime; the class is called by pure code,
 * so each backend call in it is guarded.
 */
#include <poll.h>

#include "bridge/enter.hpp"
#include "bridge/guard.hpp"
#include "bridge/wait.hpp"

namespace tenancy::bridge {

namespace {

int
process_interrupts(int)
{
	CHECK_FOR_INTERRUPTS();
	return 0;
}

/* One sleep; 0 when only the latch was set or the time passed. */
int
wait_once(int fd, int events, int timeout_ms)
{
	static uint32 wait_event_info = 0;
	if (wait_event_info == 0)
		wait_event_info = compat::wait_event("TenancyRemote");
	int wake = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	if (fd >= 0)
		wake |= ((events & core::wait_read) != 0 ? WL_SOCKET_READABLE : 0) |
		        ((events & core::wait_write) != 0 ? WL_SOCKET_WRITEABLE : 0);
	if (timeout_ms >= 0)
		wake |= WL_TIMEOUT;
	int const rc = WaitLatchOrSocket(MyLatch, wake, fd >= 0 ? fd : PGINVALID_SOCKET, timeout_ms, wait_event_info);
	if ((rc & WL_LATCH_SET) != 0) {
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	int ready = 0;
	if ((rc & WL_SOCKET_READABLE) != 0)
		ready |= static_cast<int>(core::wait_read);
	if ((rc & WL_SOCKET_WRITEABLE) != 0)
		ready |= static_cast<int>(core::wait_write);
	return ready;
}

/* What is ready now, without the four system calls of a latch wait. */
unsigned
ready_now(int fd, unsigned events)
{
	pollfd entry{};
	entry.fd = fd;
	entry.events = static_cast<short>(((events & core::wait_read) != 0 ? POLLIN : 0) |
	                                  ((events & core::wait_write) != 0 ? POLLOUT : 0));
	if (poll(&entry, 1, 0) <= 0)
		return 0;
	unsigned ready = 0;
	if ((entry.revents & (POLLIN | POLLERR | POLLHUP)) != 0)
		ready |= core::wait_read & events;
	if ((entry.revents & (POLLOUT | POLLERR | POLLHUP)) != 0)
		ready |= core::wait_write & events;
	return ready;
}

class LatchWaiter final : public core::Waiter {
public:
	unsigned wait(int fd, unsigned events, core::Deadline deadline) override
	{
		serve();
		for (;;) {
			if (fd >= 0)
				if (unsigned const ready = ready_now(fd, events); ready != 0)
					return ready;
			int const timeout = deadline.remaining_ms();
			if (timeout == 0)
				return 0;
			if (int const ready = guard(wait_once, fd, static_cast<int>(events), timeout); ready != 0)
				return static_cast<unsigned>(ready);
		}
	}
	bool interrupted() const noexcept override { return InterruptPending != 0; }
	void serve() override
	{
		if (fault::armed != 0)
			fault::strike();
		if (InterruptPending != 0)
			guard(process_interrupts, 0);
	}
};

} // namespace

core::Waiter &
waiter()
{
	static LatchWaiter instance;
	return instance;
}

} // namespace tenancy::bridge
