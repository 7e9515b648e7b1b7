/*
 * A core::Waiter over poll(2) for tests of pure code, with interrupts that a test can raise: at once,
 * after a while, or from another thread. Pure regime.
 */
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/waiter.hpp"

namespace tenancy::test {

/* What a served interrupt leaves the wait as. Not a core::Error, so code that swallows those shows. */
struct Interrupted : std::runtime_error {
	Interrupted() : std::runtime_error("interrupted by the test") {}
};

/*
 * Seconds in which what is ended at once has ended, even where others have the processors: what was not ended would
 * take half a minute at least.
 */
constexpr double in_time = 10;

class PollWaiter final : public core::Waiter {
public:
	PollWaiter() : wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
	{
		if (wakeup_ < 0)
			throw std::system_error(errno, std::generic_category(), "eventfd");
	}
	~PollWaiter() { close(wakeup_); }
	PollWaiter(const PollWaiter &) = delete;
	PollWaiter &operator=(const PollWaiter &) = delete;

	/* Raise an interrupt, from any thread; it stays until clear(). */
	void interrupt()
	{
		raised_ = true;
		std::uint64_t const one = 1;
		if (write(wakeup_, &one, sizeof one) < 0 && errno != EAGAIN)
			throw std::system_error(errno, std::generic_category(), "eventfd");
	}
	/* Raise one when ms have passed, without a thread. */
	void interrupt_after(long ms) { interrupt_at_ = core::Deadline::after(ms); }
	void clear()
	{
		raised_ = false;
		interrupt_at_ = {};
		std::uint64_t count;
		while (read(wakeup_, &count, sizeof count) > 0) {
		}
	}
	/* How often somebody waited, and how often interrupts were served. */
	int waits() const noexcept { return waits_; }
	int serves() const noexcept { return serves_; }

	unsigned wait(int fd, unsigned events, core::Deadline deadline) override
	{
		++waits_;
		for (;;) {
			serve();
			pollfd entries[2] = {{wakeup_, POLLIN, 0}, {fd, poll_events(events), 0}};
			int const timeout = core::Deadline::earlier(deadline, interrupt_at_).remaining_ms();
			int const rc = poll(entries, fd < 0 ? 1 : 2, timeout);
			if (rc < 0 && errno != EINTR)
				throw std::system_error(errno, std::generic_category(), "poll");
			if (rc > 0 && fd >= 0)
				if (unsigned const ready = ready_events(entries[1].revents, events); ready != 0)
					return ready;
			serve();
			if (deadline.passed())
				return 0;
		}
	}
	bool interrupted() const noexcept override { return raised_ || interrupt_at_.passed(); }
	void serve() override
	{
		++serves_;
		if (interrupted())
			throw Interrupted();
	}

private:
	static short poll_events(unsigned events) noexcept
	{
		return static_cast<short>(((events & core::wait_read) != 0 ? POLLIN : 0) |
		                          ((events & core::wait_write) != 0 ? POLLOUT : 0));
	}
	static unsigned ready_events(short revents, unsigned events) noexcept
	{
		unsigned ready = 0;
		if ((revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) != 0)
			ready |= core::wait_read;
		if ((revents & (POLLOUT | POLLERR | POLLHUP | POLLNVAL)) != 0)
			ready |= core::wait_write;
		return ready & events;
	}

	int wakeup_;
	std::atomic<bool> raised_{false};
	core::Deadline interrupt_at_;
	int waits_ = 0, serves_ = 0;
};

} // namespace tenancy::test
