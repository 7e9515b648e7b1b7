/*
 * How pure code waits: the interface that the PG side hands down. Pure regime.
 * Waiting serves interrupts: a cancel, a statement timeout or a shutdown leaves the wait as an
 * exception that pure code must not catch, only unwind (the bridge rethrows it as the PostgreSQL error it is).
 */
#pragma once

#include <chrono>

namespace tenancy::core {

/* A point in time by which something must have happened; default: never. */
class Deadline {
public:
	using Clock = std::chrono::steady_clock;

	Deadline() = default;
	/* ms from now; 0 or less means never. */
	static Deadline after(long ms)
	{
		Deadline deadline;
		if (ms > 0)
			deadline.at_ = Clock::now() + std::chrono::milliseconds(ms);
		return deadline;
	}
	bool never() const noexcept { return at_ == Clock::time_point::max(); }
	bool passed() const noexcept { return !never() && Clock::now() >= at_; }
	/* Milliseconds left, rounded up, at least 0; -1 for never (as poll(2) takes it). */
	int remaining_ms() const noexcept
	{
		if (never())
			return -1;
		auto const left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count();
		if (left <= 0)
			return 0;
		return left > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(left);
	}
	static Deadline earlier(Deadline a, Deadline b) noexcept { return a.at_ < b.at_ ? a : b; }

private:
	Clock::time_point at_ = Clock::time_point::max();
};

constexpr unsigned wait_read = 1;
constexpr unsigned wait_write = 2;

class Waiter {
public:
	/*
	 * Wait until fd is ready for one of events (wait_read | wait_write) or the deadline passes, serving
	 * interrupts meanwhile. Returns the events that are ready; 0 means that the deadline passed, as it does once it
	 * has, whatever is ready: who always has one more byte for us must not hold us.
	 */
	virtual unsigned wait(int fd, unsigned events, Deadline deadline) = 0;
	/* Is an interrupt pending? Cheap, never throws: for callbacks inside a client library. */
	virtual bool interrupted() const noexcept = 0;
	/* Serve pending interrupts; leaves by an exception when the statement has to end. */
	virtual void serve() = 0;

protected:
	~Waiter() = default;
};

} // namespace tenancy::core
