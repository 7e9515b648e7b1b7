/*
 * Which addresses and names may be reached, and the resolver against a small name server of our own. Pure regime.
 */
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.hpp"
#include "remote/address.hpp"
#include "remote/resolver.hpp"
#include "waiter.hpp"

namespace {

/* An interface that the machine has as well while a test says so: few machines that run tests have a public address. */
ifaddrs added_interface{};

} // namespace

/* In place of libc's, which frees a list as the one piece of memory that it is: the added end does not matter. */
extern "C" int
getifaddrs(ifaddrs **list) noexcept
{
	int const status = reinterpret_cast<int (*)(ifaddrs **)>(dlsym(RTLD_NEXT, "getifaddrs"))(list);
	if (status != 0 || added_interface.ifa_addr == nullptr)
		return status;
	while (*list != nullptr)
		list = &(*list)->ifa_next;
	*list = &added_interface;
	return status;
}

namespace {

using namespace tenancy;
using namespace tenancy::remote;
using core::FailureKind;
using test::Interrupted;
using test::PollWaiter;

struct Outcome {
	std::string sqlstate = "00000", message, detail, hint;
	FailureKind kind = FailureKind::other;
};

Outcome
outcome_of(const std::function<void()> &work)
{
	try {
		work();
	} catch (const core::Error &error) {
		return {error.sqlstate, error.message, error.detail, error.hint, error.kind};
	}
	return {};
}

Outcome
outcome_of_resolving(const std::string &host, const std::string &allowed = "")
{
	PollWaiter waiter;
	return outcome_of([&] { resolve(host, NetworkList::parse(allowed), core::Deadline::after(3000), waiter); });
}

Address
address_of(const std::string &text)
{
	Address address;
	if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) != 1) {
		address.bytes[10] = address.bytes[11] = 0xff;
		EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &address.bytes[12]), 1) << text;
	}
	return address;
}

TEST(Address, Text)
{
	for (const std::string text : {"192.0.2.1", "2001:db8::1", "::1", "::"})
		EXPECT_EQ(address_of(text).text(), text);
	EXPECT_EQ(address_of("::ffff:192.0.2.1").text(), "192.0.2.1");
	EXPECT_TRUE(address_of("::ffff:192.0.2.1").is_v4());
	EXPECT_FALSE(address_of("::192.0.2.1").is_v4());
}

TEST(Address, OnlyPublicUnicastIsReachable)
{
	NetworkList const none;
	for (const std::string text : {"0.0.0.0",
	                               "0.1.2.3",
	                               "10.0.0.1",
	                               "10.255.255.255",
	                               "100.64.0.1",
	                               "100.100.100.200",
	                               "100.127.255.255",
	                               "127.0.0.1",
	                               "127.255.255.254",
	                               "169.254.169.254",
	                               "172.16.0.1",
	                               "172.31.255.255",
	                               "192.0.0.1",
	                               "192.0.0.192",
	                               "192.0.2.1",
	                               "192.88.99.1",
	                               "192.168.0.1",
	                               "198.18.0.1",
	                               "198.19.255.255",
	                               "198.51.100.7",
	                               "203.0.113.9",
	                               "224.0.0.1",
	                               "239.255.255.255",
	                               "240.0.0.1",
	                               "255.255.255.255",
	                               "168.63.129.16",
	                               "::",
	                               "::1",
	                               "::127.0.0.1",
	                               "::ffff:127.0.0.1",
	                               "::ffff:10.1.2.3",
	                               "64:ff9b::7f00:1",
	                               "64:ff9b::169.254.169.254",
	                               "64:ff9b:1::8.8.8.8",
	                               "100::1",
	                               "2001::1",
	                               "2001:0:4136:e378::1",
	                               "2001:10::1",
	                               "2001:20::1",
	                               "2001:1ff::1",
	                               "2001:db8::1",
	                               "2002:7f00:1::1",
	                               "2002:808:808::1",
	                               "3fff::1",
	                               "4000::1",
	                               "5f00::1",
	                               "fc00::1",
	                               "fd00:ec2::254",
	                               "fe80::1",
	                               "fec0::1",
	                               "ff02::1",
	                               "::ffff:0:8.8.8.8"})
		EXPECT_FALSE(is_reachable(address_of(text), none)) << text;
	for (const std::string text :
	     {"8.8.8.8",         "1.1.1.1",         "9.255.255.255",        "11.0.0.0",    "100.63.255.255",  "100.128.0.0",
	      "126.255.255.255", "128.0.0.1",       "169.253.255.255",      "169.255.0.0", "172.15.255.255",  "172.32.0.0",
	      "191.255.255.255", "192.0.1.0",       "192.167.255.255",      "192.169.0.0", "198.17.255.255",  "198.20.0.0",
	      "223.255.255.255", "168.63.129.17",   "2001:4860:4860::8888", "2001:200::1", "2606:4700::1111", "2a00::1",
	      "3ffe::1",         "64:ff9b::8.8.8.8"})
		EXPECT_TRUE(is_reachable(address_of(text), none)) << text;
}

TEST(Address, OwnAddressesAreNot)
{
	ifaddrs *list = nullptr;
	ASSERT_EQ(getifaddrs(&list), 0);
	int seen = 0;
	for (const ifaddrs *entry = list; entry != nullptr; entry = entry->ifa_next)
		if (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == AF_INET) {
			char text[INET_ADDRSTRLEN];
			inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in *>(entry->ifa_addr)->sin_addr, text, sizeof text);
			EXPECT_FALSE(is_reachable(address_of(text), NetworkList())) << text;
			EXPECT_TRUE(is_reachable(address_of(text), NetworkList::parse(text))) << text;
			++seen;
		}
	freeifaddrs(list);
	EXPECT_GT(seen, 0);

	sockaddr_in four{};
	sockaddr_in6 six{};
	four.sin_family = AF_INET;
	six.sin6_family = AF_INET6;
	inet_pton(AF_INET, "9.9.9.9", &four.sin_addr);
	inet_pton(AF_INET6, "2620:fe::9", &six.sin6_addr);
	for (auto const &[text, address] : {std::pair{"9.9.9.9", reinterpret_cast<sockaddr *>(&four)},
	                                    std::pair{"2620:fe::9", reinterpret_cast<sockaddr *>(&six)}}) {
		EXPECT_TRUE(is_reachable(address_of(text), NetworkList())) << text;
		added_interface.ifa_addr = address;
		EXPECT_FALSE(is_reachable(address_of(text), NetworkList())) << text;
		EXPECT_TRUE(is_reachable(address_of(text), NetworkList::parse(text))) << text;
		added_interface.ifa_addr = nullptr;
	}
}

TEST(Address, AllowedNetworksOverride)
{
	auto const allowed = NetworkList::parse(" 127.0.0.0/8 , 10.1.0.0/16,fd00::/8,192.168.1.7, ::1 ");
	for (const std::string text :
	     {"127.0.0.1", "10.1.255.255", "fd12::1", "192.168.1.7", "::1", "::ffff:127.0.0.1", "8.8.8.8"})
		EXPECT_TRUE(is_reachable(address_of(text), allowed)) << text;
	for (const std::string text : {"10.2.0.0", "fc00::1", "192.168.1.6", "::2", "::127.0.0.1"})
		EXPECT_FALSE(is_reachable(address_of(text), allowed)) << text;
	EXPECT_TRUE(NetworkList::parse("0.0.0.0/0").contains(address_of("127.0.0.1")));
	EXPECT_FALSE(NetworkList::parse("0.0.0.0/0").contains(address_of("::1")));
	EXPECT_FALSE(NetworkList::parse("::/0").contains(address_of("127.0.0.1")));
	EXPECT_TRUE(NetworkList::parse("::/0").contains(address_of("::1")));
	EXPECT_TRUE(NetworkList::parse("::ffff:127.0.0.0/104").contains(address_of("127.0.0.1")));
	EXPECT_FALSE(NetworkList::parse("").contains(address_of("8.8.8.8")));
}

TEST(Address, NetworkListIsStrict)
{
	for (const std::string list : {",",
	                               "10.0.0.0/8,",
	                               ",10.0.0.0/8",
	                               "10.0.0.0/8,,::1",
	                               "10.0.0.0/33",
	                               "10.0.0.0/",
	                               "10.0.0.0/-1",
	                               "10.0.0.0/08",
	                               "10.0.0.0/8/8",
	                               "10.0.0.1/8",
	                               "10.0.0",
	                               "010.0.0.0/8",
	                               "::1/129",
	                               "fe80::1%lo",
	                               "localhost",
	                               "10.0.0.0 /8",
	                               "10.0.0.0/ 8",
	                               "*",
	                               "10.0.0.0/255.0.0.0",
	                               "2001:db8::1/32",
	                               "10.0.0.0/8;::1",
	                               "/8",
	                               "[::1]"}) {
		Outcome const outcome = outcome_of([&] { NetworkList::parse(list); });
		EXPECT_EQ(outcome.sqlstate, "22023") << list;
		EXPECT_TRUE(outcome.message.starts_with("invalid network \"")) << list;
	}
	EXPECT_EQ(outcome_of([] { NetworkList::parse("10.0.0.0/8, oops"); }).message, "invalid network \"oops\"");
}

/*
 * Every way that somebody has tried to spell a private address. None may reach one; which error it is, the table says.
 */
TEST(Address, SpellingsOfPrivateAddresses)
{
	std::vector<std::pair<std::string, std::string>> const spellings = {
		{"127.0.0.1", "42501"},
		{"0177.0.0.1", "22023"},
		{"0x7f.0.0.1", "22023"},
		{"0x7f.1", "22023"},
		{"2130706433", "22023"},
		{"017700000001", "22023"},
		{"0x7f000001", "22023"},
		{"127.1", "22023"},
		{"127.0.1", "22023"},
		{"0", "22023"},
		{"0.0", "22023"},
		{"0.0.0.0", "42501"},
		{"127.0.0.1.", "22023"},
		{"127.000.000.001", "22023"},
		{"1.2.3.0x10", "22023"},
		{"::1", "42501"},
		{"0:0:0:0:0:0:0:1", "42501"},
		{"[::1]", "22023"},
		{"::ffff:127.0.0.1", "42501"},
		{"::ffff:7f00:1", "42501"},
		{"::127.0.0.1", "42501"},
		{"0000::1", "42501"},
		{"::1%lo", "22023"},
		{"fe80::1%eth0", "22023"},
		{"fe80::1", "42501"},
		{"169.254.169.254", "42501"},
		{"0xa9fea9fe", "22023"},
		{"2852039166", "22023"},
		{"0251.0376.0251.0376", "22023"},
		{"::ffff:a9fe:a9fe", "42501"},
		{"[::ffff:a9fe:a9fe]", "22023"},
		{"fd00:ec2::254", "42501"},
		{"64:ff9b::a9fe:a9fe", "42501"},
		{"2002:a9fe:a9fe::", "42501"},
		{"100.100.100.200", "42501"},
		{"localhost", "42501"},
		{"LOCALHOST", "42501"},
		{"localhost.", "42501"},
		{"a.localhost", "42501"},
		{"/var/run/postgresql", "22023"},
		{"@/tmp/s", "22023"},
		{"@", "22023"},
		{"", "22023"},
		{"127.0.0.1,8.8.8.8", "22023"},
		{"8.8.8.8,127.0.0.1", "22023"},
		{"127.0.0.1:5432", "22023"},
		{"127.0.0.1 ", "22023"},
		{" 127.0.0.1", "22023"},
		{"127.0.0.1\n", "22023"},
		{std::string("8.8.8.8\0.x", 10), "22023"},
		{"user@127.0.0.1", "22023"},
		{"127.0.0.1#x", "22023"},
		{"127.0.0.1/x", "22023"},
		{"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", "22023"},
		{"127\xe3\x80\x82"
	     "0.0.1",
	     "22023"},
		{"%31%32%37.0.0.1", "22023"},
		{"file:///etc/passwd", "22023"},
		{"-h", "22023"},
		{"a..b", "22023"},
		{".", "22023"},
		{"foo.0x", "22023"},
		{"foo.1", "22023"},
		{std::string(300, 'a'), "22023"},
		{std::string(64, 'a') + ".com", "22023"}};
	EXPECT_GE(spellings.size(), 40U);
	for (auto const &[host, sqlstate] : spellings) {
		Outcome const outcome = outcome_of_resolving(host);
		bool const unresolved = sqlstate == "42501" && outcome.sqlstate == "08001"; /* a.localhost, by old resolvers */
		EXPECT_TRUE(outcome.sqlstate == sqlstate || unresolved)
			<< host << " " << outcome.sqlstate << " " << outcome.message;
		EXPECT_TRUE(unresolved || outcome.kind == FailureKind::denied_address) << host;
		for (char const c : outcome.message + outcome.detail)
			EXPECT_TRUE(c >= ' ' && c <= '~') << host;
	}
}

TEST(Address, DenialDoesNotTellTheAddress)
{
	Outcome const outcome = outcome_of_resolving("localhost");
	EXPECT_EQ(outcome.message, "connections to host \"localhost\" are not allowed");
	EXPECT_EQ((outcome.detail + outcome.hint).find("127"), std::string::npos);
	EXPECT_NE(outcome.hint.find("tenancy.allowed_networks"), std::string::npos);
}

TEST(Address, HostsFile)
{
	PollWaiter waiter;
	auto const addresses =
		resolve("localhost", NetworkList::parse("127.0.0.0/8, ::1"), core::Deadline::after(3000), waiter);
	EXPECT_FALSE(addresses.empty());
	EXPECT_EQ(outcome_of_resolving("127.0.0.1", "127.0.0.1").sqlstate, "00000");
	EXPECT_EQ(outcome_of_resolving("8.8.8.8").sqlstate, "00000");
}

/*
 * A name server on a loopback port: A records by name; names it does not know do not exist; "silent." gets no answer.
 */
class NameServer {
public:
	explicit NameServer(std::map<std::string, std::vector<std::string>> names) : names_(std::move(names))
	{
		socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t size = sizeof address;
		if (socket_ < 0 || bind(socket_, reinterpret_cast<sockaddr *>(&address), size) != 0 ||
		    getsockname(socket_, reinterpret_cast<sockaddr *>(&address), &size) != 0)
			throw std::runtime_error("no socket for the name server");
		where_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
		thread_ = std::thread([this] { serve(); });
	}
	~NameServer()
	{
		stop_ = true;
		thread_.join();
		close(socket_);
	}
	const std::string &where() const { return where_; }
	int questions() const { return questions_; }

private:
	void serve()
	{
		while (!stop_) {
			pollfd entry{socket_, POLLIN, 0};
			if (poll(&entry, 1, 20) <= 0)
				continue;
			unsigned char packet[512];
			sockaddr_in client{};
			socklen_t size = sizeof client;
			ssize_t const length =
				recvfrom(socket_, packet, sizeof packet, 0, reinterpret_cast<sockaddr *>(&client), &size);
			if (length < 17)
				continue;
			++questions_;
			std::string const reply =
				answer(std::string(reinterpret_cast<char *>(packet), static_cast<std::size_t>(length)));
			if (!reply.empty())
				sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr *>(&client), size);
		}
	}
	std::string answer(const std::string &question) const
	{
		std::string name;
		std::size_t at = 12;
		while (question[at] != 0) {
			auto const length = static_cast<std::size_t>(question[at]);
			name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
			at += length + 1;
		}
		std::size_t const end = at + 5;
		unsigned const type = static_cast<unsigned char>(question[at + 2]);
		if (name == "silent.test")
			return {};
		auto const found = names_.find(name);
		std::string records;
		unsigned count = 0;
		if (found != names_.end())
			for (const std::string &text : found->second) {
				bool const v6 = text.find(':') != std::string::npos;
				if (type != (v6 ? 28U : 1U))
					continue;
				char bytes[16];
				inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes);
				records += std::string("\xc0\x0c\0", 3) + static_cast<char>(type) + std::string("\0\1\0\0\0\5\0", 7) +
				           static_cast<char>(v6 ? 16 : 4) + std::string(bytes, v6 ? 16 : 4);
				++count;
			}
		std::string reply = question.substr(0, end);
		reply[2] = static_cast<char>(0x81);
		reply[3] = static_cast<char>(found == names_.end() ? 0x83 : 0x80);
		reply[6] = 0;
		reply[7] = static_cast<char>(count);
		reply[8] = reply[9] = reply[10] = reply[11] = 0;
		return reply + records;
	}

	std::map<std::string, std::vector<std::string>> names_;
	int socket_;
	std::string where_;
	std::atomic<bool> stop_{false};
	std::atomic<int> questions_{0};
	std::thread thread_;
};

int
open_descriptors()
{
	int count = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (readdir(directory) != nullptr)
		++count;
	closedir(directory);
	return count;
}

TEST(Resolver, AsksANameServer)
{
	NameServer const server({{"two.test", {"192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"}}, {"none.test", {}}});
	PollWaiter waiter;
	int const before = open_descriptors();
	auto const addresses = look_up("two.test", server.where(), core::Deadline::after(3000), waiter);
	std::vector<std::string> texts;
	for (const Address &address : addresses)
		texts.push_back(address.text());
	std::sort(texts.begin(), texts.end());
	EXPECT_EQ(texts, (std::vector<std::string>{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
	EXPECT_GT(waiter.waits(), 0);

	for (const std::string name : {"missing.test", "none.test"}) {
		Outcome const outcome = outcome_of([&] { look_up(name, server.where(), core::Deadline::after(3000), waiter); });
		EXPECT_EQ(outcome.sqlstate, "08001") << name;
		EXPECT_EQ(outcome.kind, FailureKind::dns) << name;
		EXPECT_EQ(outcome.message, "could not resolve host \"" + name + "\"");
	}
	EXPECT_EQ(open_descriptors(), before);
}

TEST(Resolver, TimeoutAndInterrupt)
{
	NameServer const server({});
	PollWaiter waiter;
	int const before = open_descriptors();
	auto const start = std::chrono::steady_clock::now();
	Outcome const outcome =
		outcome_of([&] { look_up("silent.test", server.where(), core::Deadline::after(300), waiter); });
	EXPECT_EQ(outcome.sqlstate, "08001");
	EXPECT_EQ(outcome.kind, FailureKind::timeout);
	waiter.interrupt_after(200);
	EXPECT_THROW(look_up("silent.test", server.where(), core::Deadline::after(60'000), waiter), Interrupted);
	EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
	EXPECT_GT(server.questions(), 0);
	EXPECT_EQ(open_descriptors(), before);
}

TEST(Resolver, NobodyListens)
{
	std::string where;
	{
		NameServer const server({});
		where = server.where();
	}
	PollWaiter waiter;
	Outcome const outcome = outcome_of([&] { look_up("any.test", where, core::Deadline::after(300), waiter); });
	EXPECT_EQ(outcome.sqlstate, "08001");
}

} // namespace
