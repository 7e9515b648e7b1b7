/*
 * The MySQL/MariaDB driver against servers of our own that do not behave: what they get to know, how long they can
 * hold a session up, and what they can make of its memory.
 */
#include <filesystem>
#include <iterator>
#include <random>

#include "mysql_rogue.hpp"
#include "remote/mysql/async.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test::maria;

TEST_F(MysqlRogue, GetsNoFile)
{
	/* In answer to the session's settings, its isolation, its time limit, a prepare, and a plain query. */
	for (int stage = 0; stage < 5; ++stage) {
		SCOPED_TRACE(stage);
		std::atomic<bool> asked = false;
		Rogue rogue([&](Rogue &self) {
			self.greet();
			self.receive();
			self.send_packet(2, ok_packet);
			for (int query = 0; !self.receive_packet().empty(); ++query) {
				asked = asked || query == stage;
				if (query == stage)
					self.send_packet(1, "\xfb/etc/passwd");
				else if (query == 3)
					self.send_packet(1, "\xff\x0f\x05#HY000not in the prepared statement protocol");
				else
					self.send_packet(1, ok_packet);
			}
		});
		auto const attempt = [&] {
			auto const victim = mysql::connect(target_of(rogue), waiter);
			RunOptions options;
			options.timeout_ms = 1000;
			rows(*victim, "load data local infile '/etc/passwd' into table t", {}, options);
		};
		failure(attempt);
		wait_for(rogue);
		EXPECT_TRUE(asked);
		EXPECT_EQ(rogue.received.find("root:"), std::string::npos);
	}
}

/* Somebody's, who has the other half. */
constexpr const char *public_key = "-----BEGIN PUBLIC KEY-----\n"
								   "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA9zH1ob+zx1zprEAqSggB\n"
								   "zwSqJZfaHQmfeKmB3XfqVhlUZRSk5xRkiWlzpB60OJnKuwXik2VO5Kvyfx+bPRwo\n"
								   "5ElbT4WJk+EReoWUn45a308WuoMI3K++YVMTCBEhI9eFE8oyvgp6H4fRuLy3PpLt\n"
								   "fP5V7fY8zpf1I7hOoi0B84YmXU6nR9fAfye/sFqwl+sG0zyb7pLgtjx7RFA3ql13\n"
								   "vCfCU+Wy5VMb7IBD6XterLPLtIbf81yPhOFvRVNAFmdBnbTwk5nd973CVQN2po6r\n"
								   "SKxeqMP5ryFixweWunOiQS8ST0MDH7gghjt7aR0DDyoMt9bDuiVQFr9SoukriG4a\n"
								   "uQIDAQAB\n"
								   "-----END PUBLIC KEY-----\n";

/* Neither as it is, nor encrypted with a key that the server hands out. */
TEST_F(MysqlRogue, GetsNoClearPassword)
{
	for (const char *const method :
	     {"mysql_clear_password", "dialog", "caching_sha2_password", "sha256_password", "mysql_old_password"}) {
		std::string sealed;
		Rogue rogue([&](Rogue &self) {
			self.greet();
			self.receive();
			self.send_packet(2, std::string("\xfe") + method + '\0' + "abcdefghijklmnopqrst" + '\0');
			self.receive();
			bool const asks_at_once = std::string_view(method) == "sha256_password";
			if (!asks_at_once) {
				self.send_packet(4, "\1\4");
				self.receive();
			}
			self.send_packet(asks_at_once ? 4 : 6, public_key);
			sealed = self.receive();
		});
		core::Error const error = failure([&] { mysql::connect(target_of(rogue), waiter); });
		EXPECT_EQ(error.kind, FailureKind::password) << method << ": " << error.message << " " << error.detail;
		wait_for(rogue);
		EXPECT_EQ(rogue.received.find("canary"), std::string::npos) << method;
		EXPECT_EQ(sealed, "") << method;
	}
}

TEST_F(MysqlRogue, GetsNoLoginWithoutTheTlsThatIsRequired)
{
	for (TlsMode const mode : {TlsMode::require, TlsMode::verify_ca, TlsMode::verify_full}) {
		Rogue rogue([](Rogue &self) {
			self.greet();
			self.receive();
		});
		Target wary = target_of(rogue);
		wary.tls = mode;
		EXPECT_EQ(failure([&] { mysql::connect(wary, waiter); }).kind, FailureKind::tls);
		wait_for(rogue);
		EXPECT_EQ(rogue.received, "");
	}
}

TEST_F(MysqlRogue, CannotHoldUsUp)
{
	/* Silent from the start, in the middle of the greeting, at the TLS handshake, after the login. */
	for (int stage = 0; stage < 4; ++stage) {
		SCOPED_TRACE(stage);
		Rogue rogue([&](Rogue &self) {
			if (stage == 1)
				self.send_bytes(std::string_view("\x60\0\0\0\x0a"
				                                 "8.0",
				                                 8));
			if (stage == 2)
				self.greet(0xffff);
			if (stage == 3)
				self.greet();
			while (!self.receive().empty())
				continue;
		});
		Target slow = target_of(rogue);
		slow.connect_timeout_ms = 1500;
		auto start = steady_clock::now();
		EXPECT_EQ(failure([&] { mysql::connect(slow, waiter); }).kind, FailureKind::timeout);
		EXPECT_LT(seconds_since(start), test::in_time);
		waiter.interrupt_after(200);
		start = steady_clock::now();
		EXPECT_THROW(mysql::connect(slow, waiter), test::Interrupted);
		EXPECT_LT(seconds_since(start), test::in_time);
		waiter.clear();
	}
}

std::ptrdiff_t
open_files()
{
	return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

/* Logins that are given up at each step. */
TEST_F(MysqlRogue, LeavesNothingOpen)
{
	constexpr int logins = 5;
	for (int stage = 0; stage < 4; ++stage) {
		SCOPED_TRACE(stage);
		Rogue rogue([&](Rogue &self) {
			if (stage == 1)
				self.send_packet(0, "HTTP/1.1 400 Bad Request");
			if (stage >= 2)
				self.greet();
			while (!self.receive().empty())
				continue;
		});
		Target target = target_of(rogue);
		target.connect_timeout_ms = 300;
		if (stage == 2)
			target.tls = TlsMode::require;
		failure([&] { mysql::connect(target, waiter); });
		auto const before = open_files();
		for (int i = 0; i < logins; ++i)
			failure([&] { mysql::connect(target, waiter); });
		EXPECT_LT(open_files(), before + logins - 1) << "but for what the server itself opens meanwhile";
	}
}

TEST_F(MysqlRogue, CannotPassForAnother)
{
	Rogue rogue([](Rogue &self) {
		self.send_packet(0, "\xff\x10\x04Too many connections");
		self.receive();
	});
	core::Error const full = failure([&] { mysql::connect(target_of(rogue), waiter); });
	EXPECT_STREQ(full.sqlstate, "53300") << full.message << ": " << full.detail;
	Rogue closing([](Rogue &) {});
	EXPECT_EQ(failure([&] { mysql::connect(target_of(closing), waiter); }).kind, FailureKind::refused);
	Rogue web([](Rogue &self) {
		self.send_packet(0, "HTTP/1.1 400 Bad Request");
		self.receive();
	});
	EXPECT_EQ(failure([&] { mysql::connect(target_of(web), waiter); }).kind, FailureKind::refused);
}

/* A secret may be a part of what stands in its place. */
TEST_F(MysqlRogue, RepeatsThePassword)
{
	for (const char *const password : {"*", "**", "***", "canary"}) {
		Rogue rogue([&](Rogue &self) {
			self.greet();
			self.receive();
			self.send_packet(2, std::string("\xff\x15\x04#28000no ") + password + " here");
			self.receive();
		});
		Target echoed = target_of(rogue);
		echoed.password = core::Secret(std::string_view(password));
		core::Error const error = failure([&] { mysql::connect(echoed, waiter); });
		std::string const all = error.message + " " + error.detail;
		EXPECT_NE(all.find("no ***"), std::string::npos) << all;
		EXPECT_EQ(all.find("canary"), std::string::npos) << all;
	}
}

/* What the library must not get to read as a first packet: it would die of the report of progress. */
TEST_F(MysqlRogue, IsLookedAtBeforeAnything)
{
	std::string const whole = Rogue::greeting(0xf7ff);
	std::string const progress("\xff\xff\xff\1\1\1\0\0\0\0\0", 11);
	for (auto const &first : {progress, std::string(), std::string("\xff\1"), std::string("\x0b") + whole.substr(1),
	                          whole.substr(0, 30), std::string(1, '\x0a') + std::string(5000, 'x') + whole.substr(1)})
		for (TlsMode const mode : {TlsMode::disable, TlsMode::prefer}) {
			Rogue rogue([&](Rogue &self) {
				self.send_packet(0, first);
				self.greet();
				self.receive();
			});
			Target wary = target_of(rogue);
			wary.tls = mode;
			core::Error const error = failure([&] { mysql::connect(wary, waiter); });
			EXPECT_EQ(error.kind, FailureKind::refused) << first.size() << ": " << error.message;
			EXPECT_STREQ(error.sqlstate, "08P01") << first.size();
			wait_for(rogue);
			EXPECT_EQ(rogue.received, "");
		}
}

/* The library goes from one report of progress to the next without a pause. */
TEST_F(MysqlRogue, CannotHoldUsUpWithProgress)
{
	Rogue rogue([](Rogue &self) {
		self.greet();
		self.receive();
		std::string reports;
		for (int i = 0; i < 4000; ++i)
			reports += std::string("\x0b\0\0\2\xff\xff\xff\1\1\1\0\0\0\0\0", 15);
		for (auto const start = steady_clock::now(); seconds_since(start) < 30 && self.send_bytes(reports);)
			continue;
	});
	Target slow = target_of(rogue);
	slow.connect_timeout_ms = 1000;
	auto const start = steady_clock::now();
	core::Error const error = failure([&] { mysql::connect(slow, waiter); });
	EXPECT_LT(seconds_since(start), test::in_time);
	/* Oracle's library knows no such reports: to it, the first one is an error. */
	EXPECT_EQ(error.kind, mysql::is_connector_c ? FailureKind::timeout : FailureKind::other) << error.message;
}

/* Texts of a right and a wrong shape, the same ones every time. */
class Mutator {
public:
	std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }
	std::string operator()(std::string text)
	{
		constexpr unsigned char telling[] = {0, 1, 2, 3, 10, 21, 0x7f, 250, 251, 252, 253, 254, 255};
		for (std::size_t changes = below(4); changes > 0 && !text.empty(); --changes)
			switch (std::size_t const at = below(text.size()); below(6)) {
			case 0: text.resize(at); break;
			case 1: text.erase(at, 1 + below(8)); break;
			case 2: text.insert(at, std::string(1 + below(20), static_cast<char>(below(256)))); break;
			default: text[at] = static_cast<char>(telling[below(std::size(telling))]);
			}
		return text;
	}

private:
	std::mt19937 random_{20240229};
};

/* Greetings and answers of a right and a wrong shape: any end but a crash will do. */
TEST_F(MysqlRogue, SpeaksGibberish)
{
	Mutator mutated;
	std::vector<std::string> const answers = {std::string(ok_packet),
	                                          std::string("\0\0\0\2\x40\0\0\0\x10\1\x05\4name\0\x08\x14\2id\1x", 21),
	                                          std::string("\xfemysql_native_password\0abcdefghijklmnopqrst\0", 44),
	                                          std::string("\xfe"
	                                                      "client_ed25519\0abcdefghijklmnopqrstuvwxyz012345",
	                                                      48),
	                                          std::string("\xff\xff\xff\1\1\1\0\0\0\4text", 14),
	                                          std::string("\xff\x15\x04#28000no", 11),
	                                          std::string("\x01\x03", 2),
	                                          "\xfe"};
	for (int round = 0; round < 2000; ++round) {
		SCOPED_TRACE(round);
		std::string const hello = mutated.below(3) == 0 ? mutated(Rogue::greeting(0xf7ff)) : Rogue::greeting(0xf7ff);
		std::vector<std::string> replies;
		for (std::size_t i = 0; i < 6; ++i)
			replies.push_back(mutated(answers[mutated.below(answers.size())]));
		Rogue rogue([&](Rogue &self) {
			self.send_packet(0, hello);
			if (self.receive().empty())
				return;
			for (auto const &reply : replies)
				self.send_packet(2, reply);
			self.send_end();
			while (!self.receive().empty())
				continue;
		});
		Target patient = target_of(rogue);
		patient.connect_timeout_ms = 1000;
		try {
			mysql::connect(patient, waiter);
		} catch (const core::Error &) {
			continue;
		}
	}
}

/* The server's side of a prepared statement with one row of four columns. */
class RowServer {
public:
	static constexpr char utf8 = 0x2d, binary = 0x3f;
	RowServer(std::string row, std::string columns, std::uint32_t length = 64, char charset = utf8)
		: row_(std::move(row)), columns_(std::move(columns)), length_(length), charset_(charset)
	{}
	void operator()(Rogue &self) const
	{
		self.greet();
		self.receive_packet();
		self.send_packet(2, ok_packet);
		for (std::string packet; (packet = self.receive_packet()).size() > 4;)
			switch (packet[4]) {
			case 0x16: /* prepare */
				self.send_packet(1, std::string("\0\1\0\0\0\4\0\0\0\0\0\0", 12));
				send_columns(self);
				break;
			case 0x17: /* execute */
				self.send_packet(1, "\4");
				send_columns(self);
				self.send_packet(7, row_);
				self.send_packet(8, end);
				break;
			case 0x19: break; /* close */
			default: self.send_packet(1, ok_packet);
			}
	}

private:
	static constexpr std::string_view end{"\xfe\0\0\2\0", 5};
	void send_columns(Rogue &self) const
	{
		unsigned char number = 2;
		for (char const type : columns_) {
			std::string column = std::string("\3def\0\0\0\1c\1c\x0c", 12) + charset_ + '\0';
			column.append(reinterpret_cast<const char *>(&length_), sizeof length_) += type;
			self.send_packet(number++, column + std::string("\0\0\0\0\0", 5));
		}
		self.send_packet(6, end);
	}

	std::string row_, columns_;
	std::uint32_t length_; /* of a value of each column */
	char charset_;
};

TEST_F(MysqlRogue, SendsMalformedRows)
{
	using namespace std::string_literals;
	/* bigint, varchar, datetime, double; and tinyint, blob, time, year. */
	std::vector<std::pair<std::string, std::string>> const right = {
		{"\x08\xfd\x0c\x05"s, "\0\0\1\0\0\0\0\0\0\0\3abc\x0b\xe8\x07\2\x1d\1\2\3\1\0\0\0\0\0\0\0\0\0\xf8\x3f"s},
		{"\x01\xfc\x0b\x0d"s, "\0\0\xff\xfc\3\0xyz\x08\1\1\0\0\0\2\3\4\xe8\x07"s}};
	RunOptions native;
	native.native = true;
	{
		Rogue honest(RowServer(right[0].second, right[0].first));
		auto const victim = mysql::connect(target_of(honest), waiter);
		EXPECT_EQ(rows(*victim, "select 1"), Rows({{"1", "abc", "2024-02-29 01:02:03.000001", "1.5"}}));
		Rogue plain(RowServer(right[1].second, right[1].first));
		auto const other = mysql::connect(target_of(plain), waiter);
		EXPECT_EQ(rows(*other, "select 1"), Rows({{"-1", "xyz", "-26:03:04", "2024"}}));
	}
	Mutator mutated;
	for (int round = 0; round < 1000; ++round) {
		SCOPED_TRACE(round);
		auto const &[columns, row] = right[mutated.below(right.size())];
		Rogue rogue(RowServer(mutated(mutated(row)), mutated.below(8) == 0 ? mutated(columns) + "\x03" : columns));
		Target patient = target_of(rogue);
		try {
			auto const victim = mysql::connect(patient, waiter);
			native.timeout_ms = 100;
			rows(*victim, "select 1", {}, native);
		} catch (const core::Error &) {
			continue;
		}
	}
}

/* A value that claims to be longer than its row must not be completed with what this process once had in its place. */
TEST_F(MysqlRogue, ReadsNothingBehindARow)
{
	using namespace std::string_literals;
	std::string const canary = "canary-of-another-tenant";
	for (std::uint16_t const sent : {10, 4000, 9000, 20000, 40000}) {
		SCOPED_TRACE(sent);
		auto const claimed = static_cast<std::uint16_t>(sent + 3000);
		std::string const length = {static_cast<char>(claimed & 0xff), static_cast<char>(claimed >> 8)};
		Rogue rogue(
			RowServer("\0\x38\xfc"s + length + std::string(sent, 'x'), "\xfc\xfc\xfc\xfc"s, 64, RowServer::binary));
		std::vector<std::string> heap;
		for (std::size_t size = 64; size < 100'000; size += 64) {
			heap.emplace_back();
			while (heap.back().size() < size)
				heap.back() += canary;
		}
		heap.clear();
		auto const victim = mysql::connect(target_of(rogue), waiter);
		std::string told;
		try {
			told = rows(*victim, "select 1").at(0).at(0);
			EXPECT_FALSE(mysql::is_connector_c) << "which tells the length of each row";
		} catch (const core::Error &error) {
			EXPECT_STREQ(error.sqlstate, "08P01");
		}
		EXPECT_EQ(told.find("63616e617279"), std::string::npos); /* canary */
	}
}

/* Each value of a bit column gets as many digits as the server says that the column is wide. */
TEST_F(MysqlRogue, BelievesNoWidthOfBits)
{
	using namespace std::string_literals;
	std::string const bits = "\x10\x10\x10\x10"s, row = "\0\0\1\5\1\2\1\3\2\1\1"s;
	Rogue honest(RowServer(row, bits, 8));
	auto const victim = mysql::connect(target_of(honest), waiter);
	EXPECT_EQ(rows(*victim, "select 1"), Rows({{"00000101", "00000010", "00000011", "00000001"}}));
	for (std::uint32_t const width : {65u, 0x7fffffffu, 0xffffffffu}) {
		Rogue rogue(RowServer(row, bits, width));
		auto const wary = mysql::connect(target_of(rogue), waiter);
		EXPECT_STREQ(failure([&] { rows(*wary, "select 1"); }).sqlstate, "08P01") << width;
		EXPECT_STREQ(failure([&] { (void) wary->describe("select 1", {}, waiter); }).sqlstate, "08P01") << width;
	}
}

/* Nor gets a column a type with more digits than there can be. */
TEST_F(MysqlRogue, BelievesNoLengthOfDecimals)
{
	using namespace std::string_literals;
	for (std::uint32_t const length : {0u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
		Rogue rogue(RowServer("\0\0\0015\0016\0017\0018"s, "\xf6\xf6\xf6\xf6"s, length));
		auto const victim = mysql::connect(target_of(rogue), waiter);
		EXPECT_EQ(rows(*victim, "select 1"), Rows({{"5", "6", "7", "8"}})) << length;
		EXPECT_EQ(victim->describe("select 1", {}, waiter).at(0).typmod, -1) << length;
	}
}

} // namespace
