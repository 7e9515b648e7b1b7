/*
 * What both client libraries have in common: looking at a server before it is told anything, and letting go of a
 * connection. Pure regime.
 */
#include <algorithm>
#include <cstring>

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <sys/socket.h>

#include "core/error.hpp"
#include "remote/mysql/async.hpp"
#include "remote/mysql/greeting.hpp"

namespace tenancy::remote::mysql {

namespace {

/* The address at the other end of a connected socket. */
bool
peer_of(int fd, Address &peer)
{
	sockaddr_storage storage{};
	socklen_t length = sizeof(storage);
	if (getpeername(fd, reinterpret_cast<sockaddr *>(&storage), &length) != 0)
		return false;
	if (storage.ss_family == AF_INET6) {
		std::memcpy(peer.bytes.data(), &reinterpret_cast<sockaddr_in6 *>(&storage)->sin6_addr, 16);
		return true;
	}
	if (storage.ss_family != AF_INET)
		return false;
	peer.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	std::memcpy(peer.bytes.data() + 12, &reinterpret_cast<sockaddr_in *>(&storage)->sin_addr, 4);
	return true;
}

} // namespace

void
Handle::break_off() noexcept
{
	broken_ = true;
	if (int const socket = fd(); socket >= 0)
		shutdown(socket, SHUT_RDWR);
}

Address
Handle::peer() const noexcept
{
	Address peer;
	peer_of(fd(), peer);
	return peer;
}

/* False when there is no peer yet: the library tries one address of a name after the other. */
bool
Handle::verify_peer(int fd, const Proof &proof) const
{
	Address address;
	if (!peer_of(fd, address))
		return false;
	if (std::find(proof.peers.begin(), proof.peers.end(), address) == proof.peers.end())
		throw core::Error(core::FailureKind::denied_address, "42501",
		                  "remote server answered from an address that was not checked",
		                  "The address is " + address.text() + ".");
	return true;
}

/*
 * In every TLS mode, the library gets only what it can be trusted to read: it answers only to a greeting and, where TLS
 * is demanded, only to one that offers it.
 */
bool
Handle::verify(int fd, const Proof &proof, const Budget &budget) const
{
	if (!verify_peer(fd, proof))
		return false;
	Greeting const greeting = await_greeting(fd, budget);
	if (proof.demand_tls && (greeting == Greeting::plain || greeting == Greeting::truncated))
		throw core::Error(core::FailureKind::tls, "08001", "remote server does not support TLS, but TLS is required");
	if (greeting == Greeting::foreign || greeting == Greeting::truncated)
		throw core::Error(core::FailureKind::refused, "08P01", "remote server does not speak the MySQL protocol", {},
		                  wrong_server);
	if (greeting == Greeting::offers_tls && proof.methods_over_tls != nullptr)
		allow_methods(proof.methods_over_tls);
	return true;
}

/* The library's copy is for reconnecting, which it never does here. It may have overwritten the first byte by now. */
void
Handle::forget_password() noexcept
{
	if (mysql_->passwd != nullptr)
		OPENSSL_cleanse(mysql_->passwd, password_size_);
}

} // namespace tenancy::remote::mysql
