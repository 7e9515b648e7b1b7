/*
 * A TCP connection of our own making, which takes the place of the one that Oracle's library has made. Pure regime.
 *
 * That library resolves, connects and reads what the server says first in one go, before anybody could look at the
 * server. So it is sent to a listener of ours, where nobody speaks. While it waits there for a greeting, its socket is
 * replaced by one that leads to the server, whose address and greeting have been looked at. Then the listener hangs up,
 * which ends the wait, and the library reads from what its descriptor is by now.
 */
#pragma once

#include "remote/mysql/async.hpp"

namespace tenancy::remote::mysql {

/* A socket that closes itself. */
class Socket {
public:
	explicit Socket(int fd) noexcept : fd_(fd) {}
	~Socket();
	Socket(const Socket &) = delete;
	Socket &operator=(const Socket &) = delete;
	int fd() const noexcept { return fd_; }

private:
	int const fd_;
};

/* Connect to the host, which is an address, and throw as connect_error does. */
class Line : public Socket {
public:
	Line(const Login &login, const Budget &budget);
	/* Become what this descriptor stands for. */
	void replace(int fd) const;
};

/* Listens on loopback, accepts nobody, and so says nothing to whoever connects; hangs up when it ends. */
class Mute : public Socket {
public:
	static constexpr const char *host = "127.0.0.1";

	Mute();
	unsigned port() const noexcept;
	/*
	 * Wait until the descriptor, which another thread sets, is a connection to here, and return it; -1 when that thread
	 * has ended its work without one, which makes done readable.
	 */
	int await_peer(int &descriptor, const Budget &budget, int done) const;

private:
	bool is_peer_of(int fd) const noexcept;
};

} // namespace tenancy::remote::mysql
