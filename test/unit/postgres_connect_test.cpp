/*
 * How the PostgreSQL driver connects, to a real server and to small rogue ones. Pure regime.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

#include "postgres_fixture.hpp"

namespace {
std::atomic<int> names_resolved{0};
}

/* In place of the C library's, for all libraries of this process. */
extern "C" int
getaddrinfo(const char *name, const char *service, const addrinfo *hints, addrinfo **found)
{
	names_resolved += hints == nullptr || (hints->ai_flags & AI_NUMERICHOST) == 0;
	static auto *const original = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
	return original(name, service, hints, found);
}

namespace tenancy::test {

namespace {

using PostgresConnect = PostgresDriver;

/* A server in a thread that says what a test has it say, once. */
class RogueServer {
public:
	using Talk = std::function<void(int fd)>;
	explicit RogueServer(Talk talk, int clients = 1) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
	{
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t size = sizeof address;
		if (bind(listener_, reinterpret_cast<sockaddr *>(&address), size) != 0 || listen(listener_, 5) != 0 ||
		    getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size) != 0)
			throw std::runtime_error("rogue server could not listen");
		port = ntohs(address.sin_port);
		thread_ = std::thread([this, talk = std::move(talk), clients] {
			for (int i = 0; i < clients; ++i) {
				int const fd = accept(listener_, nullptr, nullptr);
				if (fd < 0)
					return;
				talk(fd);
				close(fd);
			}
		});
	}
	~RogueServer()
	{
		shutdown(listener_, SHUT_RDWR);
		thread_.join();
		close(listener_);
	}
	static void say(int fd, const std::string &bytes) { (void) !send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
	/* Whatever arrives next; empty when the client is gone. */
	static std::string hear(int fd)
	{
		char buffer[65536];
		ssize_t const size = recv(fd, buffer, sizeof buffer, 0);
		return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string();
	}
	static void hear_until_closed(int fd)
	{
		while (!hear(fd).empty()) {
		}
	}
	static std::string number(std::uint32_t value)
	{
		value = htonl(value);
		return {reinterpret_cast<const char *>(&value), 4};
	}
	static std::string message(char type, const std::string &body)
	{
		return type + number(static_cast<std::uint32_t>(body.size() + 4)) + body;
	}
	static std::string columns(std::uint32_t oid, int count)
	{
		std::string body = {0, static_cast<char>(count)};
		for (int i = 0; i < count; ++i)
			body += std::string("c\0\0\0\0\0\0\0", 8) + number(oid) + std::string("\377\377\0\0\0\0\0\0", 8);
		return message('T', body);
	}
	/* A row of those columns, each "1". */
	static std::string row(int count)
	{
		std::string body = {0, static_cast<char>(count)};
		for (int i = 0; i < count; ++i)
			body += number(1) + "1";
		return message('D', body);
	}
	/* The whole answer to a statement between syncs. */
	static std::string answer(const std::string &rows)
	{
		return message('1', "") + message('2', "") + rows + message('C', std::string("SELECT 1", 9)) + ready();
	}
	static void let_in(int fd)
	{
		hear(fd);
		say(fd, md5_request());
		hear(fd);
		say(fd, welcome());
	}
	/* Never ready, but always one more notice, for as long as it is read; less than half a minute. */
	static void flood_login(int fd)
	{
		say(fd, md5_request());
		hear(fd);
		say(fd, message('R', number(0)));
		std::string const notice = message('N', std::string("SNOTICE\0C00000\0Mx\0", 18) + '\0');
		std::string notices;
		for (int i = 0; i < 1000; ++i)
			notices += notice;
		auto const start = Clock::now();
		while (seconds_since(start) < 2 * in_time && send(fd, notices.data(), notices.size(), MSG_NOSIGNAL) > 0) {
		}
	}
	/* Newer libpqs tell no password in clear. */
	static std::string md5_request() { return message('R', number(5) + "salt"); }
	static std::string ready() { return message('Z', "I"); }
	static std::string welcome() { return message('R', number(0)) + message('K', number(1) + number(2)) + ready(); }

	std::uint16_t port = 0;

private:
	int listener_;
	std::thread thread_;
};

TEST_F(PostgresConnect, ConnectsAndNamesItsVersion)
{
	auto session = open();
	EXPECT_EQ(session->server_version().rfind("PostgreSQL ", 0), 0u);
	EXPECT_TRUE(session->reusable());
	EXPECT_TRUE(session->ping(Deadline::after(1000), waiter));
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(one(*session, "SELECT current_setting('TimeZone'), current_setting('DateStyle') LIKE 'ISO, %'"),
	          "UTC|yes");
}

TEST_F(PostgresConnect, TellsWhyItCannotConnect)
{
	auto const with = [this](auto change) {
		return [this, change] {
			Target made = target();
			change(made);
			(void) postgres::connect(made, waiter);
		};
	};
	expect_failure(with([](Target &t) { t.password.assign("wrong"); }), FailureKind::password, "28P01");
	expect_failure(with([](Target &t) { t.password.wipe(); }), FailureKind::password, "28P01");
	expect_failure(with([](Target &t) { t.database = "no such database"; }), FailureKind::database, "3D000");
	expect_failure(with([](Target &t) { t.database = "host=evil dbname=postgres"; }), FailureKind::database, "3D000");
	expect_failure(with([](Target &t) { t.username = "nobody at all"; }), FailureKind::password, "28P01");
	expect_failure(with([](Target &t) { t.port = 1; }), FailureKind::refused, "08001");
	NetworkList const nothing;
	expect_failure(with([&](Target &t) { t.allowed_networks = &nothing; }), FailureKind::denied_address, "42501");
}

TEST_F(PostgresConnect, IgnoresTheEnvironment)
{
	static constexpr const char *decoys[][2] = {
		{"PGSERVICE", "none"},
		{"PGOPTIONS", "-c statement_timeout=1"},
		{"PGTARGETSESSIONATTRS", "standby"},
		{"PGSSLMODE", "nonsense"},
		{"PGHOSTADDR", "192.0.2.1"},
		{"PGCHANNELBINDING", "require"},
		{"PGREQUIREPEER", "none"},
		{"PGTZ", "Nowhere/Land"},
		{"PGDATESTYLE", "German"},
		{"PGCLIENTENCODING", "x"},
		{"PGSYSCONFDIR", "/nonexistent"},
		{"PGSERVICEFILE", "/nonexistent"},
		{"PGSSLMINPROTOCOLVERSION", "TLSv9"},
		{"PGPASSFILE", "/etc/passwd"},
		{"PGGEQO", "nonsense"},
	};
	for (auto const &decoy : decoys)
		setenv(decoy[0], decoy[1], 1);
	auto const error = failure_of([this] { EXPECT_EQ(one(*open(), "SHOW statement_timeout"), "0"); });
	for (auto const &decoy : decoys) {
		EXPECT_STREQ(std::getenv(decoy[0]), decoy[1]);
		unsetenv(decoy[0]);
	}
	EXPECT_FALSE(error.has_value()) << error->message;
}

/* The address is known, and a name would be resolved in a call that serves no interrupt. */
TEST_F(PostgresConnect, HasNoNameResolvedForKerberos)
{
	for (std::uint32_t const request : {7u, 9u}) { /* GSSAPI and SSPI */
		RogueServer server([request](int fd) {
			RogueServer::hear(fd);
			RogueServer::say(fd, RogueServer::message('R', RogueServer::number(request)));
			RogueServer::hear_until_closed(fd);
		});
		Target made = target();
		made.host = "localhost";
		made.port = server.port;
		made.tls = TlsMode::disable;
		int const before = names_resolved;
		EXPECT_TRUE(failure_of([&] { (void) postgres::connect(made, waiter); }).has_value());
		EXPECT_EQ(names_resolved, before);
	}
}

TEST_F(PostgresConnect, RefusesAServerThatDoesNotAskForThePassword)
{
	RogueServer server([](int fd) {
		RogueServer::hear(fd);
		RogueServer::say(fd, RogueServer::welcome());
		RogueServer::hear_until_closed(fd);
	});
	Target made = target();
	made.port = server.port;
	made.tls = TlsMode::disable;
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::password, "2F003");
}

TEST_F(PostgresConnect, NeverShowsAPasswordThatTheServerRepeats)
{
	std::string const password = environment("CLIENT_PGPASSWORD");
	RogueServer server([&](int fd) {
		RogueServer::hear(fd);
		RogueServer::say(fd, RogueServer::md5_request());
		RogueServer::hear(fd);
		std::string const zero(1, '\0');
		RogueServer::say(fd, RogueServer::message('E', "SFATAL" + zero + "VFATAL" + zero + "C28P01" + zero + "M" +
		                                                   password + "\n\xff is wrong" + zero + zero));
	});
	Target made = target();
	made.port = server.port;
	made.tls = TlsMode::disable;
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::password, "28P01");
}

TEST_F(PostgresConnect, GivesUpOnASilentServer)
{
	RogueServer server(RogueServer::hear_until_closed);
	Target made = target();
	made.port = server.port;
	made.connect_timeout_ms = 300;
	auto const start = Clock::now();
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::timeout, "08001");
	EXPECT_LT(seconds_since(start), in_time);
}

TEST_F(PostgresConnect, WantsTlsWhenTold)
{
	RogueServer server([](int fd) {
		RogueServer::hear(fd);
		RogueServer::say(fd, "N");
		RogueServer::hear_until_closed(fd);
	});
	Target made = target();
	made.port = server.port;
	made.tls = TlsMode::verify_full;
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::tls, "08001");
}

/* A server that lets its clients in, and then has one answer to each of what they send. */
RogueServer::Talk
answering(std::vector<std::string> answers)
{
	return [answers = std::move(answers)](int fd) {
		RogueServer::let_in(fd);
		for (auto const &answer : answers) {
			RogueServer::hear(fd);
			RogueServer::say(fd, answer);
		}
		RogueServer::hear_until_closed(fd);
	};
}

TEST_F(PostgresConnect, GetsFewerColumnsThanItAskedFor)
{
	std::string const set_up = RogueServer::answer(RogueServer::columns(23, 1) + RogueServer::row(1));
	std::string const nothing = RogueServer::answer(RogueServer::columns(23, 0) + RogueServer::row(0));
	std::string const described = RogueServer::message('1', "") + RogueServer::message('t', std::string(2, '\0')) +
	                              RogueServer::columns(999999, 1) + RogueServer::ready();
	Target made = target();
	made.tls = TlsMode::disable;
	RogueServer at_set_up(answering({nothing}));
	made.port = at_set_up.port;
	expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::lost, "08P01");
	for (int width = 0; width < 2; ++width) {
		RogueServer at_types(answering(
			{set_up, described, RogueServer::answer(RogueServer::columns(25, width) + RogueServer::row(width))}));
		made.port = at_types.port;
		auto session = postgres::connect(made, waiter);
		expect_failure([&] { (void) session->describe("SELECT 1", {}, waiter); }, FailureKind::lost, "08P01");
	}
}

/* libpq says "COPY" again whenever it is asked what came next. */
TEST_F(PostgresConnect, GetsCopyForAnAnswer)
{
	std::string const set_up = RogueServer::answer(RogueServer::columns(23, 1) + RogueServer::row(1));
	Target made = target();
	made.tls = TlsMode::disable;
	for (char const type : {'G', 'H', 'W'}) {
		SCOPED_TRACE(type);
		std::string const copy = RogueServer::answer(RogueServer::message(type, std::string(3, '\0')));
		RogueServer at_set_up(answering({copy}));
		made.port = at_set_up.port;
		expect_failure([&] { (void) postgres::connect(made, waiter); }, FailureKind::lost, "08P01");

		RogueServer at_ping(answering({set_up, copy}));
		made.port = at_ping.port;
		auto session = postgres::connect(made, waiter);
		EXPECT_FALSE(session->ping(Deadline::after(1000), waiter));
		EXPECT_FALSE(session->reusable());

		RogueServer at_describe(answering({set_up, copy}));
		made.port = at_describe.port;
		session = postgres::connect(made, waiter);
		expect_failure([&] { (void) session->describe("SELECT 1", {}, waiter); }, FailureKind::lost, "08P01");
		EXPECT_FALSE(session->reusable());
	}
}

TEST_F(PostgresConnect, LeavesAHangingServerWithinASecond)
{
	/* Logs in by password, sets up, and then never answers again; its second connection never gets as far. */
	for (bool const floods : {false, true}) {
		SCOPED_TRACE(floods ? "floods the login" : "silent");
		std::vector<std::thread> talks;
		RogueServer server(
			[&](int accepted) {
				talks.emplace_back([fd = dup(accepted), first = talks.empty(), floods] {
					RogueServer::hear(fd);
					if (first) {
						RogueServer::say(fd, RogueServer::md5_request());
						RogueServer::hear(fd);
						RogueServer::say(fd, RogueServer::welcome());
						RogueServer::hear(fd);
						RogueServer::say(fd, RogueServer::message('1', "") + RogueServer::message('2', "") +
					                             RogueServer::message('n', "") +
					                             RogueServer::message('C', std::string("SELECT 0", 9)) +
					                             RogueServer::ready());
					} else if (floods) {
						RogueServer::flood_login(fd);
					}
					RogueServer::hear_until_closed(fd);
					close(fd);
				});
			},
			2);
		{
			Target made = target();
			made.port = server.port;
			made.tls = TlsMode::disable;
			auto session = postgres::connect(made, waiter);
			waiter.interrupt_after(100);
			auto const start = Clock::now();
			EXPECT_THROW((void) rows(*session, "SELECT 1"), Interrupted);
			EXPECT_LT(seconds_since(start), in_time);
			EXPECT_FALSE(session->reusable());
			waiter.clear();
			EXPECT_FALSE(session->ping(Deadline::after(100), waiter));
		}
		for (auto &talk : talks)
			talk.join();
	}
}

} // namespace

} // namespace tenancy::test
