/*
 * Servers for MySQL and MariaDB's protocol that play by a script, for the driver's tests against those that do not
 * behave.
 */
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "mysql_fixture.hpp"

namespace tenancy::test::maria {

/* A server of our own on a free port, which plays one connection after another by script. */
class Rogue {
public:
	using Script = std::function<void(Rogue &)>;

	explicit Rogue(Script script)
		: script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
	{
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t length = sizeof(address);
		if (bind(listener_, reinterpret_cast<sockaddr *>(&address), length) != 0 || listen(listener_, 8) != 0 ||
		    getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &length) != 0)
			throw std::runtime_error("cannot listen");
		port = ntohs(address.sin_port);
		thread_ = std::thread([this] { serve(); });
	}
	~Rogue()
	{
		shutdown(listener_, SHUT_RDWR);
		if (client_ >= 0)
			shutdown(client_, SHUT_RDWR);
		thread_.join();
		close(listener_);
	}
	/* False: nobody is there any more. */
	bool send_bytes(std::string_view bytes) { return ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0; }
	void send_end() { shutdown(client_, SHUT_WR); }
	/* Reads nothing. */
	void await_hang_up() const
	{
		pollfd entry = {client_, POLLRDHUP, 0};
		poll(&entry, 1, -1);
	}
	void send_packet(unsigned char number, std::string_view payload)
	{
		std::string packet = {static_cast<char>(payload.size()), static_cast<char>(payload.size() >> 8), 0,
		                      static_cast<char>(number)};
		packet += payload;
		send_bytes(packet);
	}
	void greet(unsigned capabilities = 0xf7ff) { send_packet(0, greeting(capabilities)); }
	static std::string greeting(unsigned capabilities)
	{
		std::string hello = std::string("\x0a"
		                                "8.0.99\0\1\0\0\0abcdefgh\0",
		                                21);
		hello += {static_cast<char>(capabilities), static_cast<char>(capabilities >> 8), 45, 2, 0, '\x0f', 0, 21};
		hello += std::string(10, '\0') + "ijklmnopqrst" + '\0' + "mysql_native_password" + '\0';
		return hello;
	}
	/* What the client sends next; empty when it hung up. */
	std::string receive()
	{
		char buffer[65536];
		ssize_t const size = recv(client_, buffer, sizeof(buffer), 0);
		std::string const text(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
		received += text;
		return text;
	}

	/* One packet, where the client may have sent several at once; with its head, since it may be empty. */
	std::string receive_packet()
	{
		std::string packet(4, '\0');
		if (recv(client_, packet.data(), packet.size(), MSG_WAITALL) != 4)
			return {};
		auto const byte = [&packet](std::size_t i) { return static_cast<unsigned char>(packet[i]); };
		std::size_t const size = byte(0) + byte(1) * 256u + byte(2) * 65536u;
		packet.resize(4 + size);
		if (size > 0 && recv(client_, packet.data() + 4, size, MSG_WAITALL) != static_cast<ssize_t>(size))
			return {};
		received += packet;
		return packet;
	}

	std::uint16_t port = 0;
	std::string received; /* read it when the rogue is done: after done */
	std::atomic<bool> done{false};

private:
	void serve()
	{
		for (;;) {
			client_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
			if (client_ < 0)
				return;
			int const yes = 1;
			setsockopt(client_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
			script_(*this);
			done = true;
			close(client_.exchange(-1));
		}
	}

	Script script_;
	int listener_;
	std::atomic<int> client_{-1};
	std::thread thread_;
};

inline constexpr std::string_view ok_packet("\0\0\0\2\2\0\0", 7); /* autocommit, no backslash escapes */

class MysqlRogue : public MysqlFixture {
protected:
	void SetUp() override {}
	Target target_of(const Rogue &rogue)
	{
		Target result = target();
		result.port = rogue.port;
		result.password = core::Secret(std::string_view("canary-password"));
		result.connect_timeout_ms = 3000;
		return result;
	}
	static void wait_for(const Rogue &rogue)
	{
		for (int i = 0; i < 200 && !rogue.done; ++i)
			std::this_thread::sleep_for(std::chrono::milliseconds(10));
	}
};

} // namespace tenancy::test::maria
