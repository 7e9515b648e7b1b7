/*
 * See line.hpp. Pure regime.
 */
#include "remote/mysql/line.hpp"

#ifndef MARIADB_PACKAGE_VERSION

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/greeting.hpp"
#include "remote/mysql/number.hpp"

namespace tenancy::remote::mysql {

namespace {

union SocketAddress {
	sockaddr any;
	sockaddr_in v4;
	sockaddr_in6 v6;
};

SocketAddress
address_of(const char *host, unsigned port) noexcept
{
	SocketAddress address{};
	if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
		address.v4.sin_family = AF_INET;
		address.v4.sin_port = htons(static_cast<std::uint16_t>(port));
	} else if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
		address.v6.sin6_family = AF_INET6;
		address.v6.sin6_port = htons(static_cast<std::uint16_t>(port));
	}
	return address;
}

socklen_t
size_of(const SocketAddress &address) noexcept
{
	return address.any.sa_family == AF_INET6 ? sizeof(address.v6) : sizeof(address.v4);
}

core::Error
not_connected(const Login &login, int error)
{
	return connect_error({number::conn_host_error, "HY000",
	                      std::string("Can't connect to MySQL server on '") + login.host + ":" +
	                          std::to_string(login.port) + "' (" + std::to_string(error) + ")"});
}

void
set_flag(int fd, int level, int option) noexcept
{
	int const yes = 1;
	setsockopt(fd, level, option, &yes, sizeof(yes));
}

} // namespace

Socket::~Socket()
{
	if (fd_ >= 0)
		close(fd_);
}

Line::Line(const Login &login, const Budget &budget)
	: Socket(socket(address_of(login.host, 0).any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
{
	SocketAddress const address = address_of(login.host, login.port);
	if (fd() < 0)
		throw not_connected(login, errno);
	set_flag(fd(), SOL_SOCKET, SO_KEEPALIVE);
	set_flag(fd(), IPPROTO_TCP, TCP_NODELAY);
	if (::connect(fd(), &address.any, size_of(address)) == 0)
		return;
	if (errno != EINPROGRESS)
		throw not_connected(login, errno);
	if (budget.waiter.wait(fd(), core::wait_write, budget.deadline) == 0)
		throw no_answer();
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
		throw not_connected(login, error);
}

void
Line::replace(int other) const
{
	if (dup3(fd(), other, O_CLOEXEC) != other)
		throw core::Error(core::FailureKind::other, "58030", "could not replace the socket of the client library");
}

Mute::Mute() : Socket(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
	constexpr int backlog = 16;
	SocketAddress const address = address_of(host, 0);
	if (fd() < 0 || bind(fd(), &address.any, size_of(address)) != 0 || listen(fd(), backlog) != 0)
		throw core::Error(core::FailureKind::other, "58030", "could not listen on a loopback address", {},
		                  "Oracle's client library needs one to connect.");
}

unsigned
Mute::port() const noexcept
{
	SocketAddress address{};
	socklen_t size = sizeof(address);
	getsockname(fd(), &address.any, &size);
	return ntohs(address.v4.sin_port);
}

int
Mute::await_peer(int &descriptor, const Budget &budget, int done) const
{
	std::atomic_ref<int> const theirs(descriptor);
	for (int fd = theirs.load();; fd = theirs.load()) {
		if (is_peer_of(fd))
			return fd;
		if (budget.deadline.passed())
			throw no_answer();
		auto const soon = core::Deadline::earlier(budget.deadline, core::Deadline::after(1));
		if (budget.waiter.wait(done, core::wait_read, soon) != 0)
			return -1;
	}
}

bool
Mute::is_peer_of(int other) const noexcept
{
	SocketAddress here{}, there{};
	socklen_t here_size = sizeof(here), there_size = sizeof(there);
	return getsockname(fd(), &here.any, &here_size) == 0 && getpeername(other, &there.any, &there_size) == 0 &&
	       here_size == there_size && std::memcmp(&here.v4, &there.v4, sizeof(here.v4)) == 0;
}

} // namespace tenancy::remote::mysql

#endif
