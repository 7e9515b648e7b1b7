/*
 * poll(2) of one descriptor, and a Waiter that is nothing else. Pure regime.
 */
#pragma once

#include <cerrno>

#include <poll.h>

#include "core/waiter.hpp"

namespace tenancy::core {

/*
 * The events that are ready within timeout_ms (-1: however long it takes); 0 when none is, -1 when a signal came
 * first. An error or a hang-up makes everything ready: it is for the client library to find. A negative fd only sleeps.
 */
inline int
poll_once(int fd, unsigned events, int timeout_ms) noexcept
{
	pollfd entry{};
	entry.fd = fd;
	entry.events =
		static_cast<short>(((events & wait_read) != 0 ? POLLIN : 0) | ((events & wait_write) != 0 ? POLLOUT : 0));
	int const count = poll(&entry, 1, timeout_ms);
	if (count <= 0)
		return count < 0 && errno == EINTR ? -1 : 0;
	unsigned ready = 0;
	if ((entry.revents & (POLLIN | POLLERR | POLLHUP)) != 0)
		ready |= wait_read & events;
	if ((entry.revents & (POLLOUT | POLLERR | POLLHUP)) != 0)
		ready |= wait_write & events;
	return static_cast<int>(ready);
}

/* Deaf to interrupts, and never throws: for destructors, where the exception of a real waiter may be in flight. */
class PollWaiter : public Waiter {
public:
	virtual ~PollWaiter() = default;
	unsigned wait(int fd, unsigned events, Deadline deadline) noexcept override
	{
		while (!deadline.passed())
			if (int const ready = poll_once(fd, events, deadline.remaining_ms()); ready >= 0)
				return static_cast<unsigned>(ready);
		return 0;
	}
	bool interrupted() const noexcept override { return false; }
	void serve() noexcept override {}
};

} // namespace tenancy::core
