/*
 * Names to addresses by c-ares. Its sockets live in one epoll set, so that a caller waits for a single
 * descriptor through the Waiter. Pure regime.
 */
#include "remote/resolver.hpp"

#include <algorithm>
#include <memory>
#include <cerrno>
#include <cstring>

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include "core/descriptor.hpp"
#include "core/error.hpp"

namespace tenancy::remote {

namespace {

using core::Error;
using core::FailureKind;

[[noreturn]] void
fail(const std::string &name, FailureKind kind, std::string detail)
{
	throw Error(kind, "08001", "could not resolve host \"" + name + "\"", std::move(detail));
}

struct FreeAddresses {
	void operator()(ares_addrinfo *info) const noexcept { ares_freeaddrinfo(info); }
};
using AddressInfo = std::unique_ptr<ares_addrinfo, FreeAddresses>;

/* One question and its channel. c-ares calls back while the channel dies, so it goes before everything else. */
class Lookup {
public:
	Lookup() = default;
	Lookup(const Lookup &) = delete;
	Lookup &operator=(const Lookup &) = delete;
	~Lookup()
	{
		if (channel_ != nullptr)
			ares_destroy(channel_);
	}

	void open(const std::string &name_servers);
	void ask(const std::string &name);
	/* Wait once for the name server, or until c-ares wants to try again. False when the deadline has passed. */
	bool step(core::Deadline deadline, core::Waiter &waiter);

	bool done() const noexcept { return done_; }
	int status() const noexcept { return status_; }
	const AddressInfo &answer() const noexcept { return answer_; }

private:
	static void socket_changed(void *self, ares_socket_t socket, int readable, int writable) noexcept;
	static void answered(void *self, int status, int timeouts, ares_addrinfo *info) noexcept;
	void process_ready() noexcept;

	core::Descriptor epoll_;
	ares_channel channel_ = nullptr;
	bool done_ = false;
	bool broken_ = false; /* a socket could not be watched */
	int status_ = ARES_SUCCESS;
	AddressInfo answer_;
};

[[noreturn]] void
fail_setup(int status)
{
	throw Error(FailureKind::other, status == ARES_ENOMEM ? "53200" : "58000",
	            std::string("could not set up name resolution: ") + ares_strerror(status));
}

void
Lookup::open(const std::string &name_servers)
{
	static int const library = ares_library_init(ARES_LIB_INIT_ALL);
	if (library != ARES_SUCCESS)
		fail_setup(library);
	epoll_ = core::Descriptor(epoll_create1(EPOLL_CLOEXEC));
	if (!epoll_.valid())
		throw Error(FailureKind::other, "53000", std::string("could not create an epoll set: ") + strerror(errno));

	ares_options options{};
	char lookups[] = "fb"; /* the hosts file, then DNS */
	options.flags = ARES_FLAG_NOALIASES;
	options.timeout = 1000; /* of the first try; c-ares doubles it */
	options.tries = 3;
	options.lookups = lookups;
	options.sock_state_cb = socket_changed;
	options.sock_state_cb_data = this;
	int status = ares_init_options(&channel_, &options,
	                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
	                                   ARES_OPT_SOCK_STATE_CB);
	if (status == ARES_SUCCESS && !name_servers.empty())
		status = ares_set_servers_ports_csv(channel_, name_servers.c_str());
	if (status != ARES_SUCCESS)
		fail_setup(status);
}

void
Lookup::ask(const std::string &name)
{
	ares_addrinfo_hints hints{};
	hints.ai_family = AF_UNSPEC;
	ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, answered, this);
}

/* Called by c-ares whenever it opens a socket, wants something else of it, or is about to close it. */
void
Lookup::socket_changed(void *self, ares_socket_t socket, int readable, int writable) noexcept
{
	auto &lookup = *static_cast<Lookup *>(self);
	epoll_event event{};
	event.data.fd = socket;
	event.events =
		(readable != 0 ? static_cast<unsigned>(EPOLLIN) : 0) | (writable != 0 ? static_cast<unsigned>(EPOLLOUT) : 0);
	if (event.events == 0)
		epoll_ctl(lookup.epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
	else if (epoll_ctl(lookup.epoll_.get(), EPOLL_CTL_MOD, socket, &event) != 0 &&
	         epoll_ctl(lookup.epoll_.get(), EPOLL_CTL_ADD, socket, &event) != 0)
		lookup.broken_ = true;
}

void
Lookup::answered(void *self, int status, int, ares_addrinfo *info) noexcept
{
	auto &lookup = *static_cast<Lookup *>(self);
	lookup.status_ = status;
	lookup.answer_.reset(info);
	lookup.done_ = true;
}

void
Lookup::process_ready() noexcept
{
	epoll_event events[16];
	int const count = epoll_wait(epoll_.get(), events, 16, 0);
	for (int i = 0; i < count; ++i) {
		unsigned const flags = events[i].events;
		bool const failed = (flags & (EPOLLERR | EPOLLHUP)) != 0;
		int const fd = events[i].data.fd;
		ares_process_fd(channel_, failed || (flags & EPOLLIN) != 0 ? fd : ARES_SOCKET_BAD,
		                failed || (flags & EPOLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
	}
	if (count <= 0)
		ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its timeouts */
}

bool
Lookup::step(core::Deadline deadline, core::Waiter &waiter)
{
	if (broken_)
		throw Error(FailureKind::other, "53000", "could not watch the sockets of the name resolution");
	timeval left{};
	auto pause = core::Deadline::after(1000);
	timeval *const next = ares_timeout(channel_, nullptr, &left);
	if (next != nullptr)
		pause = core::Deadline::after(std::max(1L, next->tv_sec * 1000L + next->tv_usec / 1000L));
	waiter.wait(epoll_.get(), core::wait_read, core::Deadline::earlier(deadline, pause));
	process_ready();
	return done_ || !deadline.passed();
}

std::vector<Address>
addresses_of(const ares_addrinfo &info)
{
	std::vector<Address> addresses;
	for (const ares_addrinfo_node *node = info.nodes; node != nullptr; node = node->ai_next) {
		Address address;
		if (node->ai_family == AF_INET) {
			address.bytes[10] = address.bytes[11] = 0xff;
			std::memcpy(&address.bytes[12], &reinterpret_cast<const sockaddr_in *>(node->ai_addr)->sin_addr, 4);
		} else if (node->ai_family == AF_INET6)
			std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6 *>(node->ai_addr)->sin6_addr, 16);
		else
			continue;
		if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
			addresses.push_back(address);
	}
	return addresses;
}

[[noreturn]] void
fail_lookup(const std::string &name, int status)
{
	switch (status) {
	case ARES_ETIMEOUT: fail(name, FailureKind::timeout, "The name server did not answer in time.");
	case ARES_ENOTFOUND: fail(name, FailureKind::dns, "The name does not exist.");
	case ARES_ENODATA: fail(name, FailureKind::dns, "The name has no address.");
	case ARES_ENOMEM: throw std::bad_alloc();
	default: fail(name, FailureKind::dns, std::string("The resolver says: ") + ares_strerror(status) + ".");
	}
}

} // namespace

std::vector<Address>
look_up(const std::string &name, const std::string &name_servers, core::Deadline deadline, core::Waiter &waiter)
{
	Lookup lookup;
	lookup.open(name_servers);
	lookup.ask(name);
	while (!lookup.done())
		if (!lookup.step(deadline, waiter))
			fail_lookup(name, ARES_ETIMEOUT);
	if (lookup.status() != ARES_SUCCESS || !lookup.answer())
		fail_lookup(name, lookup.status());
	auto addresses = addresses_of(*lookup.answer());
	if (addresses.empty())
		fail_lookup(name, ARES_ENODATA);
	return addresses;
}

} // namespace tenancy::remote
