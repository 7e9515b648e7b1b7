/*
 * See helper.hpp. Pure regime.
 */
#include "remote/mysql/async.hpp"

#ifndef MARIADB_PACKAGE_VERSION

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.hpp"
#include "remote/mysql/greeting.hpp"
#include "remote/mysql/helper.hpp"

namespace tenancy::remote::mysql {

namespace {

class AllSignalsBlocked {
public:
	AllSignalsBlocked() noexcept
	{
		sigset_t all;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before_);
	}
	~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
	AllSignalsBlocked(const AllSignalsBlocked &) = delete;
	AllSignalsBlocked &operator=(const AllSignalsBlocked &) = delete;

private:
	sigset_t before_;
};

} // namespace

Helper::Event::Event() : fd_(eventfd(0, EFD_CLOEXEC))
{
	if (fd_ < 0)
		throw core::Error(core::FailureKind::other, "53000", "out of file descriptors for a remote connection");
}

Helper::Event::~Event()
{
	close(fd_);
}

void
Helper::Event::happen() const noexcept
{
	std::uint64_t const one = 1;
	while (write(fd_, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Waits until it has happened. */
void
Helper::Event::take() const noexcept
{
	std::uint64_t count;
	while (read(fd_, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

bool
Helper::Event::has_happened(int patience_ms) const noexcept
{
	pollfd event = {fd_, POLLIN, 0};
	return poll(&event, 1, patience_ms) == 1;
}

/* A thread begins with the signal mask of the one that makes it; that one gets its own back, whatever is thrown. */
Helper::Helper()
{
	try {
		AllSignalsBlocked const blocked;
		thread_ = std::thread(&Helper::serve, this);
	} catch (const std::system_error &) {
		throw core::Error(core::FailureKind::other, "53000", "could not start a thread for a remote connection");
	}
}

Helper::~Helper()
{
	job_ = nullptr;
	request_.happen();
	thread_.join();
}

void
Helper::serve() noexcept
{
	mysql_thread_init();
	for (request_.take(); job_ != nullptr; request_.take()) {
		(*job_)();
		done_.happen();
	}
	mysql_thread_end();
}

/* A job that the thread has; it does not outlive this. */
struct Helper::Turn {
	Turn(const Helper &helper, int &about) noexcept : of(helper), socket(about) { of.request_.happen(); }
	/* Again and again: the job may only now come to its socket, or to another one. */
	~Turn()
	{
		constexpr int patience_ms = 10;
		do
			if (!ended)
				shutdown(socket.load(), SHUT_RDWR);
		while (!of.done_.has_happened(patience_ms));
		of.done_.take();
	}
	Turn(const Turn &) = delete;
	Turn &operator=(const Turn &) = delete;

	const Helper &of;
	std::atomic_ref<int> const socket;
	bool ended = false;
};

void
Helper::run(const std::function<void()> &job, int &socket, const Budget &budget,
            const std::function<void(int)> &meanwhile)
{
	job_ = &job;
	Turn turn(*this, socket);
	meanwhile(done_.fd());
	turn.ended = budget.waiter.wait(done_.fd(), core::wait_read, budget.deadline) != 0;
	if (!turn.ended)
		throw no_answer();
}

} // namespace tenancy::remote::mysql

#endif
