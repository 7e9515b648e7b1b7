/*
 * libFuzzer target: whatever a server sends first, in however many pieces, is judged the same and within its bounds, or
 * is an error of the connection. Pure regime.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/waiter.hpp"
#include "fuzz.hpp"
#include "remote/mysql/greeting.hpp"

using namespace tenancy;
namespace mysql = remote::mysql;

namespace {

/* Two ends of a connection whose other end has sent data and hung up. */
class Server {
public:
	explicit Server(std::string_view data)
	{
		fuzz::require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) == 0);
		fuzz::require(send(ends_[1], data.data(), data.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(data.size()));
		fuzz::require(shutdown(ends_[1], SHUT_WR) == 0);
	}
	~Server()
	{
		close(ends_[0]);
		close(ends_[1]);
	}
	Server(const Server &) = delete;
	Server &operator=(const Server &) = delete;
	int client() const noexcept { return ends_[0]; }

private:
	int ends_[2];
};

/* The judgement; incomplete for a connection that ends too early. */
mysql::Greeting
judge(std::string_view data)
{
	static test::PollWaiter waiter;
	Server const server(data);
	try {
		mysql::Greeting const greeting =
			mysql::await_greeting(server.client(), {core::Deadline::after(60'000), waiter});
		fuzz::require(greeting != mysql::Greeting::incomplete);
		return greeting;
	} catch (const core::Error &error) {
		fuzz::require(error.sqlstate == std::string_view("08001") && fuzz::is_plain(error.message));
		return mysql::Greeting::incomplete;
	}
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string const text(reinterpret_cast<const char *>(data), size);
	mysql::Greeting const whole = judge(text);
	/* The first packet decides: nothing that follows it does. */
	if (whole != mysql::Greeting::incomplete)
		fuzz::require(judge(text + "and more") == whole);
	/* As a packet it has an end, and with it a judgement. */
	if (size > 0 && size < 4000) {
		std::string const header = {static_cast<char>(size & 0xff), static_cast<char>(size >> 8), 0, 0};
		mysql::Greeting const packet = judge(header + text);
		fuzz::require(packet != mysql::Greeting::incomplete);
		fuzz::require(packet != mysql::Greeting::offers_tls || (data[0] == 10 && size >= 33));
	}
	return 0;
}
