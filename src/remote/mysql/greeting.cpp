/*
 * See greeting.hpp. Pure regime.
 */
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>

#include "remote/mysql/greeting.hpp"

namespace tenancy::remote::mysql {

namespace {

constexpr unsigned capability_ssl = 0x0800;

/* Greetings have 100 bytes or so. The library's buffer, of 8 kB, must hold the greeting and what it reads behind it. */
constexpr std::size_t greeting_size = 4096;

/*
 * What is the server's first packet? A greeting is packet header (4), protocol 10, version as a C string, thread id
 * (4), half of the scramble (8), a filler, the lower capabilities (2), and 16 bytes that every server has sent
 * since 4.0. An error is 0xff and its number, where 65535 is a report of progress: the library looks for that in the
 * version of a server that has not told it yet, by a null pointer.
 */
Greeting
read_greeting(const unsigned char *data, std::size_t size)
{
	constexpr std::size_t header = 4, before_capabilities = 13, rest = 31;
	if (size < header)
		return Greeting::incomplete;
	std::size_t const length =
		data[0] | static_cast<std::size_t>(data[1]) << 8 | static_cast<std::size_t>(data[2]) << 16;
	if (length == 0 || length > greeting_size - header)
		return Greeting::foreign;
	if (size > header && data[header] != 10 && data[header] != 0xff)
		return Greeting::foreign;
	if (size < header + length)
		return Greeting::incomplete;
	auto const *const packet = data + header, *const end = packet + length;
	if (packet[0] == 0xff)
		return length > 3 && (packet[1] & packet[2]) != 0xff ? Greeting::error : Greeting::foreign;
	auto const *const version_end = static_cast<const unsigned char *>(std::memchr(packet + 1, 0, length - 1));
	if (version_end == nullptr || end - (version_end + 1) < static_cast<std::ptrdiff_t>(rest))
		return Greeting::truncated;
	auto const *const capabilities = version_end + 1 + before_capabilities;
	return ((capabilities[0] | capabilities[1] << 8) & capability_ssl) != 0 ? Greeting::offers_tls : Greeting::plain;
}

/* Has the other side said that nothing more will come? */
bool
is_half_closed(int fd) noexcept
{
	pollfd entry{};
	entry.fd = fd;
	entry.events = POLLRDHUP;
	return poll(&entry, 1, 0) > 0;
}

} // namespace

core::Error
no_answer()
{
	return {core::FailureKind::timeout, "57014", "remote server did not answer in time"};
}

core::Error
hung_up()
{
	return {core::FailureKind::refused,
	        "08001",
	        "remote server closed the connection while it was being made",
	        {},
	        wrong_server};
}

Greeting
await_greeting(int fd, const Budget &budget)
{
	unsigned char data[greeting_size];
	while (!budget.deadline.passed() && budget.waiter.wait(fd, core::wait_read, budget.deadline) != 0) {
		bool const last = is_half_closed(fd);
		ssize_t const size = recv(fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		Greeting const greeting = size > 0 ? read_greeting(data, static_cast<std::size_t>(size)) : Greeting::incomplete;
		if (greeting != Greeting::incomplete)
			return greeting;
		if (size <= 0 || last)
			throw hung_up();
		budget.waiter.wait(-1, 0, core::Deadline::earlier(budget.deadline, core::Deadline::after(10)));
	}
	throw no_answer();
}

} // namespace tenancy::remote::mysql
