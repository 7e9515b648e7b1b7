/*
 * The MySQL/MariaDB driver against servers whose answers to a prepared statement do not fit together, or do not end:
 * what they can make of its memory, and how long they can hold it up.
 */
#include "core/pgtype.hpp"
#include "mysql_rogue.hpp"
#include "remote/mysql/async.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test::maria;
using namespace std::string_literals;

constexpr std::string_view end_packet{"\xfe\0\0\2\0", 5};
constexpr double longest_flood = 30;       /* seconds */
constexpr long most_growth_kb = 1'000'000; /* remote/memory_cap.hpp, and what is there besides */

std::string
packet(unsigned number, std::string_view payload)
{
	return std::string{static_cast<char>(payload.size()), static_cast<char>(payload.size() >> 8),
	                   static_cast<char>(payload.size() >> 16), static_cast<char>(number)} +
	       std::string(payload);
}

/* The definition of a column of text. */
std::string
column(std::string_view name = "c")
{
	std::string const size = {'\xfd', static_cast<char>(name.size()), static_cast<char>(name.size() >> 8),
	                          static_cast<char>(name.size() >> 16)};
	return "\3def\0\0\0"s + size + std::string(name) + "\1c\x0c\x2d\0\x40\0\0\0\xfd\0\0\0\0\0"s;
}

/* Of so many columns, each as the definition says. */
std::string
columns(unsigned number, unsigned count, std::string_view definition)
{
	std::string result;
	for (unsigned i = 0; i < count; ++i)
		result += packet(number + i, definition);
	return result + packet(number + count, end_packet);
}

/* What answers a prepare: a statement with so many columns. */
std::string
prepared(unsigned count, std::string_view definition)
{
	return packet(1, "\0\1\0\0\0"s + static_cast<char>(count) + "\0\0\0\0\0\0"s) + columns(2, count, definition);
}

/* Sends this again and again, until nobody is there or it has been enough. */
void
flood(Rogue &rogue, std::string_view block, std::size_t most_bytes = ~std::size_t(0))
{
	std::size_t sent = 0;
	for (auto const start = steady_clock::now();
	     seconds_since(start) < longest_flood && sent < most_bytes && rogue.send_bytes(block);)
		sent += block.size();
}

/* Logs in whoever comes, and has scripts of its own for the two steps of a prepared statement. */
struct PreparingServer {
	Rogue::Script prepare, execute; /* or none: no answer */
	Rogue::Script text{};           /* of "select 1" as a plain query */

	void operator()(Rogue &self) const
	{
		self.greet();
		self.receive_packet();
		self.send_packet(2, ok_packet);
		for (std::string command; (command = self.receive_packet()).size() > 4;)
			switch (command[4]) {
			case 0x16: prepare(self); break;
			case 0x17:
				if (execute)
					execute(self);
				break;
			case 0x19: break; /* close */
			default:
				if (text && command.substr(5) == "select 1")
					text(self);
				else
					self.send_packet(1, ok_packet);
			}
	}
};

class MysqlFlood : public MysqlRogue {
protected:
	/* Ends in time, with which error. */
	core::Error attack(const Rogue &rogue, long timeout_ms)
	{
		auto const victim = mysql::connect(target_of(rogue), waiter);
		RunOptions options;
		options.timeout_ms = timeout_ms;
		auto const start = steady_clock::now();
		core::Error const error = failure([&] { rows(*victim, "select 1", {}, options); });
		EXPECT_LT(seconds_since(start), test::in_time);
		return error;
	}
	/* The same where it is an interrupt that ends it. */
	void interrupt(const Rogue &rogue)
	{
		auto const victim = mysql::connect(target_of(rogue), waiter);
		waiter.interrupt_after(500);
		auto const start = steady_clock::now();
		EXPECT_THROW(rows(*victim, "select 1"), test::Interrupted);
		EXPECT_LT(seconds_since(start), test::in_time);
		waiter.clear();
	}
};

/*
 * Fewer columns than it then sends: the library takes that for a table that has been altered, and rows are still to
 * come.
 */
Rogue::Script
altered(Rogue::Script rest)
{
	return PreparingServer{[](Rogue &self) { self.send_bytes(prepared(1, column())); },
	                       [rest = std::move(rest)](Rogue &self) {
							   self.send_bytes(packet(1, "\2") + columns(2, 2, column()));
							   rest(self);
						   }};
}

/* Of progress, which only Connector/C knows, and takes as no answer. */
std::string
reports(unsigned number)
{
	std::string result;
	for (int i = 0; i < 4000; ++i)
		result += packet(number, "\xff\xff\xff\1\1\1\0\0\0\0\0"s);
	return result;
}

TEST_F(MysqlFlood, EndsReportsOfProgressForAnInterrupt)
{
	if (mysql::is_connector_c) {
		Rogue rogue(PreparingServer{[](Rogue &self) { flood(self, reports(1)); }, {}});
		interrupt(rogue);
	}
}

/*
 * Closing a statement takes what is left of its result; when that is cut short, the statement is closed all the same.
 */
TEST_F(MysqlFlood, ClosesAStatementOnce)
{
	Rogue rogue(altered([](Rogue &self) { flood(self, reports(5)); }));
	core::Error const error = attack(rogue, 3000);
	EXPECT_EQ(error.kind, mysql::is_connector_c ? FailureKind::timeout : FailureKind::query) << error.message;
}

TEST_F(MysqlFlood, EndsAResultThatNobodyWants)
{
	std::string block;
	for (unsigned i = 0; i < 256 * 200; ++i)
		block += packet(5 + i, "\0\0\1a\1b"s);
	auto const script = altered([&](Rogue &self) { flood(self, block); });
	Rogue rogue(script), other(script);
	EXPECT_STREQ(attack(rogue, 1000).sqlstate, "57014");
	interrupt(other);
}

/* Of columns, which the library collects for as long as they come, whatever their number was to be. */
TEST_F(MysqlFlood, EndsDefinitionsInTime)
{
	std::string block;
	for (unsigned i = 0; i < 256 * 20; ++i)
		block += packet(2 + i, column());
	PreparingServer const script{[&](Rogue &self) {
									 self.send_bytes(packet(1, "\0\1\0\0\0\1\0\0\0\0\0\0"s));
									 flood(self, block);
								 },
	                             {}};
	Rogue rogue(script);
	core::Error const error = attack(rogue, 300); /* before they fill the memory */
	if (mysql::is_connector_c) {
		EXPECT_STREQ(error.sqlstate, "57014") << error.message;
	}
}

TEST_F(MysqlFlood, EndsDefinitionsBeforeTheyFillTheMemory)
{
	std::string block;
	for (unsigned i = 0; i < 256; ++i)
		block += packet(2 + i, column(std::string(100'000, 'x')));
	Rogue rogue(PreparingServer{[&](Rogue &self) {
									self.send_bytes(packet(1, "\0\1\0\0\0\1\0\0\0\0\0\0"s));
									flood(self, block, 2UL << 30);
									self.send_end();
								},
	                            {}});
	long const before = peak_kb();
	core::Error const error = attack(rogue, 60'000);
	if (mysql::is_connector_c) {
		EXPECT_STREQ(error.sqlstate, "53200") << error.message;
	}
	EXPECT_LT(peak_kb() - before, most_growth_kb);
}

/* The library has a copy of the parameters while it sends them. */
TEST_F(MysqlFlood, LeavesNothingOfACallThatIsGivenUp)
{
	PreparingServer const script{[](Rogue &self) {
									 self.send_bytes(packet(1, "\0\1\0\0\0\0\0\1\0\0\0\0"s) + columns(2, 1, column()));
									 self.await_hang_up();
								 },
	                             {}};
	std::vector<Param> const params = {text_param(std::string(50 << 20, 'x'), core::pgtype::text)};
	RunOptions options;
	options.timeout_ms = 100;
	long const before = resident_kb();
	for (int round = 0; round < 6; ++round) {
		Rogue rogue(script);
		auto const victim = mysql::connect(target_of(rogue), waiter);
		EXPECT_EQ(failure([&] { rows(*victim, "insert into t values (?)", params, options); }).kind,
		          FailureKind::timeout);
	}
	EXPECT_LT(resident_kb() - before, 100'000);
}

/* What is known of its columns is kept with a statement. */
TEST_F(MysqlFlood, KeepsNoStatementsOfManyBytes)
{
	for (bool const when_prepared : {true, false}) {
		std::string const small = column(), large = column(std::string(4 << 20, 'x'));
		Rogue rogue(PreparingServer{[&](Rogue &self) { self.send_bytes(prepared(1, when_prepared ? large : small)); },
		                            [&](Rogue &self) {
										self.send_bytes(packet(1, "\1") + columns(2, 1, when_prepared ? small : large) +
			                                            packet(4, end_packet));
									}});
		auto const victim = mysql::connect(target_of(rogue), waiter);
		rows(*victim, "select 0");
		long const before = resident_kb();
		for (int i = 1; i < 40; ++i)
			rows(*victim, "select " + std::to_string(i));
		EXPECT_LT(resident_kb() - before, 100'000) << when_prepared;
	}
}

/* Real servers give no error the number 0, which Oracle's library keeps, and its callers take for success. */
TEST_F(MysqlFlood, TakesNoErrorForSuccess)
{
	Rogue rogue(PreparingServer{[](Rogue &self) { self.send_packet(1, "\0\1\0\0\0\0\0\0\0\0\0\0"s); },
	                            [](Rogue &self) { self.send_packet(1, "\xff\0\0#HY000failed"s); }});
	EXPECT_EQ(attack(rogue, 3000).kind, FailureKind::query);
}

/* A change that begins like a query: the server's time limit does not end it early, and it stays done. */
TEST_F(MysqlFlood, TakesNoLateChangeForATimeout)
{
	RunOptions options;
	options.timeout_ms = 500;
	auto const late = [&](Rogue &self) {
		std::this_thread::sleep_for(std::chrono::milliseconds(options.timeout_ms + 20));
		self.send_packet(1, "\0\1\0\2\2\0\0"s);
	};
	Rogue rogue(PreparingServer{[](Rogue &self) { self.send_packet(1, "\0\1\0\0\0\0\0\0\0\0\0\0"s); }, late});
	auto const patient = mysql::connect(target_of(rogue), waiter);
	EXPECT_TRUE(rows(*patient, "with x as (select 1) delete from t", {}, options).empty());
	EXPECT_EQ(affected, 1);
}

/* Nor for the end of the rows, where those of a statement that cannot be prepared come as text. */
TEST_F(MysqlFlood, TakesNoErrorForTheEnd)
{
	Rogue rogue(PreparingServer{
		[](Rogue &self) { self.send_packet(1, "\xff\x0f\x05#HY000not in the prepared statement protocol"); },
		{},
		[](Rogue &self) {
			self.send_bytes(packet(1, "\1") + columns(2, 1, column()) + packet(4, "\1a") +
		                    packet(5, "\xff\0\0#HY000failed"s));
		}});
	EXPECT_EQ(attack(rogue, 3000).kind, FailureKind::query);
}

} // namespace
