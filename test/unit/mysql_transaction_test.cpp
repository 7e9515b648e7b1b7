/*
 * Transactions that span statements on a real MariaDB: snapshots, savepoints, what fails inside them, and how they
 * end without being asked. And what foreign tables ask of the driver besides: native dates, kept statements, bulk.
 */
#include <atomic>

#include "core/pgtype.hpp"
#include "mysql_fixture.hpp"

namespace {

using namespace tenancy;
using namespace tenancy::test::maria;
using Verb = TransactionStep::Verb;
namespace pgtype = core::pgtype;

class MysqlTransaction : public MysqlFixture {
protected:
	void SetUp() override
	{
		MysqlFixture::SetUp();
		define_table("driver_tx", "(a int primary key, b int) engine = innodb");
		define("insert into driver_tx values (1, 10), (2, 20)");
	}
	void TearDown() override
	{
		session.reset();
		define("drop table driver_tx");
	}

	void step(Session &on, TransactionStep what) { on.transact(what, core::Deadline::after(2000), waiter); }
	void step(Verb verb, int level = 0) { step(*session, {verb, level, false, false, false}); }
	void begin(bool serializable = false, bool read_only = false)
	{
		step(*session, {Verb::begin, 0, serializable, read_only, false});
	}
	std::string observed(std::string_view sql)
	{
		if (observer == nullptr)
			observer = connect();
		Rows const result = rows(*observer, sql);
		return result.size() == 1 ? result[0][0] : std::to_string(result.size()) + " rows";
	}
	std::string count() { return observed("select count(*) from driver_tx"); }
	/* Commands that the server has got from the session, by kind. */
	long status(const char *name)
	{
		return std::stol(rows("show session status like '" + std::string(name) + "'")[0][1]);
	}

	std::unique_ptr<Session> observer;
};

TEST_F(MysqlTransaction, CommitsAndRollsBack)
{
	EXPECT_FALSE(session->in_transaction());
	begin();
	EXPECT_TRUE(session->in_transaction());
	EXPECT_FALSE(session->reusable());
	rows("insert into driver_tx values (3, 30)");
	EXPECT_TRUE(server_in_transaction(*session));
	EXPECT_EQ(count(), "2") << "not yet";
	step(Verb::commit);
	EXPECT_EQ(count(), "3");
	EXPECT_FALSE(session->in_transaction());
	EXPECT_TRUE(session->reusable());

	begin();
	rows("delete from driver_tx");
	EXPECT_EQ(one("select count(*) from driver_tx"), "0");
	step(Verb::rollback);
	EXPECT_EQ(count(), "3");
	EXPECT_TRUE(session->reusable());
	rows("delete from driver_tx where a = 3");
	EXPECT_EQ(count(), "2") << "outside of a transaction again";
}

TEST_F(MysqlTransaction, NothingIsSentForNothing)
{
	long const before = status("Questions");
	begin();
	step(Verb::savepoint, 2);
	step(Verb::release, 2);
	step(Verb::commit);
	begin();
	step(Verb::savepoint, 2);
	step(Verb::rollback_to, 2);
	step(Verb::rollback);
	EXPECT_LE(status("Questions") - before, 1);
	EXPECT_TRUE(session->reusable());
	step(Verb::commit);
	step(Verb::rollback);
	EXPECT_EQ(failure([&] { step(Verb::savepoint, 2); }).sqlstate, std::string("25P01"));
	begin();
	EXPECT_EQ(failure([&] { begin(); }).sqlstate, std::string("25001"));
}

TEST_F(MysqlTransaction, SeesOneSnapshot)
{
	begin();
	EXPECT_EQ(one("select count(*) from driver_tx"), "2");
	observed("insert into driver_tx values (3, 30)");
	EXPECT_EQ(one("select count(*) from driver_tx"), "2");
	step(Verb::commit);
	EXPECT_EQ(one("select count(*) from driver_tx"), "3");
	begin();
	rows("update driver_tx set b = 11 where a = 1");
	observed("insert into driver_tx values (4, 40)");
	EXPECT_EQ(one("select count(*) from driver_tx"), "3") << "the snapshot of the first statement, though it wrote";
	step(Verb::rollback);
	EXPECT_EQ(one(is_mariadb() ? "select @@tx_isolation" : "select @@transaction_isolation"), "REPEATABLE-READ");
}

TEST_F(MysqlTransaction, SerializableReadsLock)
{
	begin(true);
	EXPECT_EQ(one("select count(*) from driver_tx"), "2");
	observed("set innodb_lock_wait_timeout = 1");
	EXPECT_STREQ(failure([&] { observed("insert into driver_tx values (3, 30)"); }).sqlstate, "55P03");
	step(Verb::commit);
	begin();
	EXPECT_EQ(one("select count(*) from driver_tx"), "2");
	observed("insert into driver_tx values (3, 30)");
	step(Verb::commit);
}

TEST_F(MysqlTransaction, ReadOnlyOnTheServer)
{
	begin(false, true);
	EXPECT_EQ(one("select count(*) from driver_tx"), "2");
	EXPECT_STREQ(failure([&] { rows("delete from driver_tx"); }).sqlstate, "25006");
	define("drop function if exists driver_tx_writes");
	define("create function driver_tx_writes() returns int modifies sql data "
	       "begin insert into driver_tx values (9, 9); return 1; end");
	EXPECT_STREQ(failure([&] { rows("select driver_tx_writes()"); }).sqlstate, "25006");
	EXPECT_EQ(one("select count(*) from driver_tx"), "2") << "a refused statement ends nothing";
	step(Verb::commit);
	EXPECT_TRUE(session->reusable());
	rows("delete from driver_tx where a = 1");
	EXPECT_EQ(count(), "1");
	define("drop function driver_tx_writes");

	Target restricted = target();
	restricted.read_only = true;
	auto const reader = mysql::connect(restricted, waiter);
	for (int i = 0; i < 3; ++i) {
		EXPECT_EQ(rows(*reader, "select count(*) from driver_tx"), Rows({{"1"}}));
		EXPECT_TRUE(reader->reusable());
		step(*reader, {Verb::begin, 0, i == 1, false, false});
		EXPECT_EQ(rows(*reader, "select count(*) from driver_tx"), Rows({{"1"}}));
		EXPECT_STREQ(failure([&] { rows(*reader, "delete from driver_tx"); }).sqlstate, "25006");
		step(*reader, {Verb::commit, 0, false, false, false});
		EXPECT_TRUE(reader->reusable());
		EXPECT_TRUE(reader->ping(core::Deadline::after(1000), waiter));
	}
	observed("insert into driver_tx values (5, 5)");
	EXPECT_EQ(rows(*reader, "select count(*) from driver_tx"), Rows({{"2"}})) << "no snapshot was kept meanwhile";
}

TEST_F(MysqlTransaction, Savepoints)
{
	begin();
	rows("insert into driver_tx values (3, 30)");
	step(Verb::savepoint, 2);
	rows("insert into driver_tx values (4, 40)");
	step(Verb::savepoint, 3);
	rows("insert into driver_tx values (5, 50)");
	step(Verb::rollback_to, 3);
	EXPECT_EQ(one("select count(*) from driver_tx"), "4");
	step(Verb::savepoint, 3);
	rows("insert into driver_tx values (6, 60)");
	step(Verb::release, 3);
	step(Verb::rollback_to, 2);
	EXPECT_EQ(one("select count(*) from driver_tx"), "3");
	step(Verb::savepoint, 2);
	rows("insert into driver_tx values (7, 70)");
	step(Verb::release, 2);
	step(Verb::commit);
	EXPECT_EQ(observed("select group_concat(a order by a) from driver_tx"), "1,2,3,7");
}

TEST_F(MysqlTransaction, FailedStatementsLeaveTheRest)
{
	begin();
	rows("insert into driver_tx values (3, 30)");
	step(Verb::savepoint, 2);
	for (std::string_view const sql :
	     {"insert into driver_tx values (1, 1)", "select nosuch from driver_tx", "selec",
	      "select (select a from driver_tx) from driver_tx", "update driver_tx set b = 99999999999"}) {
		failure([&] { rows(sql); });
		EXPECT_TRUE(session->in_transaction());
	}
	RunOptions soon;
	soon.timeout_ms = 200;
	EXPECT_STREQ(failure([&] { rows("select sleep(10)", {}, soon); }).sqlstate, "57014");
	EXPECT_TRUE(session->in_transaction());
	step(Verb::rollback_to, 2);
	EXPECT_EQ(one("select count(*) from driver_tx"), "3");
	step(Verb::commit);
	EXPECT_EQ(count(), "3");
}

TEST_F(MysqlTransaction, AbandonedCursorsLeaveTheTransaction)
{
	begin();
	rows("insert into driver_tx values (3, 30)");
	for (std::string_view const slow :
	     {"select a.seq, 'driver_tx_early' from seq_1_to_1000000 a, seq_1_to_1000000 b",
	      "select seq, sleep(0.001), 'driver_tx_early' from seq_1_to_100000", "select seq from seq_1_to_100"}) {
		RunOptions few;
		few.fetch_rows = 3;
		{
			auto const cursor = session->execute(slow, {}, few, waiter);
			Batch batch;
			ASSERT_TRUE(cursor->fetch(batch, waiter));
			EXPECT_STREQ(failure([&] { step(Verb::commit); }).sqlstate, "55006");
		}
		EXPECT_TRUE(vanishes("driver_tx_early"));
		EXPECT_TRUE(session->in_transaction());
		EXPECT_EQ(one("select count(*) from driver_tx"), "3");
		EXPECT_EQ(count(), "2");
	}
	step(Verb::commit);
	EXPECT_EQ(count(), "3");
}

TEST_F(MysqlTransaction, DeadlockEndsItAll)
{
	auto const other = connect();
	begin();
	rows("insert into driver_tx values (3, 30)");
	step(Verb::savepoint, 2);
	rows("update driver_tx set b = 11 where a = 1");
	step(*other, {Verb::begin, 0, false, false, true});
	/* The heavier of the two stays. */
	rows(*other, "insert into driver_tx select seq, seq from seq_100_to_300");
	rows(*other, "update driver_tx set b = 21 where a = 2");
	std::thread rival([&] {
		test::PollWaiter patience;
		Batch batch;
		other->execute("update driver_tx set b = 12 where a = 1", {}, {}, patience)->fetch(batch, patience);
	});
	std::this_thread::sleep_for(std::chrono::milliseconds(300)); /* by then it waits for a = 1 */
	core::Error const deadlock = failure([&] { rows("update driver_tx set b = 22 where a = 2"); });
	EXPECT_STREQ(deadlock.sqlstate, "40P01");
	rival.join();
	EXPECT_TRUE(session->in_transaction());
	for (auto const &attempt : std::vector<std::function<void()>>{
			 [&] { rows("insert into driver_tx values (4, 40)"); }, [&] { step(Verb::rollback_to, 2); },
			 [&] { step(Verb::savepoint, 3); }, [&] { step(Verb::release, 2); }, [&] { step(Verb::commit); }}) {
		core::Error const error = failure(attempt);
		EXPECT_STREQ(error.sqlstate, "40000");
		EXPECT_NE(error.detail.find("Deadlock"), std::string::npos) << error.detail;
	}
	step(Verb::rollback);
	EXPECT_FALSE(session->in_transaction());
	EXPECT_TRUE(session->reusable());
	step(*other, {Verb::rollback, 0, false, false, false});
	EXPECT_EQ(count(), "2");
}

TEST_F(MysqlTransaction, DdlCommits)
{
	define("drop table if exists driver_tx_ddl");
	begin();
	rows("insert into driver_tx values (3, 30)");
	rows("create table driver_tx_ddl (a int)");
	EXPECT_FALSE(session->in_transaction());
	EXPECT_EQ(count(), "3");
	step(Verb::commit);
	begin();
	rows("insert into driver_tx values (4, 40)");
	EXPECT_TRUE(session->in_transaction());
	rows("truncate driver_tx_ddl");
	EXPECT_FALSE(session->in_transaction());
	begin();
	rows("insert into driver_tx values (5, 50)");
	step(Verb::rollback);
	EXPECT_EQ(count(), "4");
	begin();
	rows("insert into driver_tx values (5, 50)");
	EXPECT_STREQ(failure([&] { rows("create table driver_tx_ddl (a int)"); }).sqlstate, "42P07");
	EXPECT_STREQ(failure([&] { step(Verb::commit); }).sqlstate, "40000") << "it cannot be rolled back any more";
	step(Verb::rollback);
	define("drop table driver_tx_ddl");
}

TEST_F(MysqlTransaction, KilledInside)
{
	std::string const id = one("select connection_id()");
	begin();
	rows("insert into driver_tx values (3, 30)");
	observed("kill " + id);
	core::Error const lost = failure([&] { rows("insert into driver_tx values (4, 40)"); });
	EXPECT_EQ(lost.kind, FailureKind::lost);
	EXPECT_STREQ(lost.sqlstate, "08006");
	EXPECT_FALSE(session->in_transaction()) << "it went with the connection";
	core::Error const commit = failure([&] { step(Verb::commit); });
	EXPECT_STREQ(commit.sqlstate, "08003");
	EXPECT_NE(commit.kind, FailureKind::lost) << "that it is not committed is known";
	step(Verb::rollback);
	EXPECT_FALSE(session->in_transaction());
	EXPECT_FALSE(session->reusable());
	EXPECT_EQ(count(), "2");
}

TEST_F(MysqlTransaction, LostAtCommit)
{
	std::string const id = one("select connection_id()");
	begin();
	rows("insert into driver_tx values (3, 30)");
	observed("kill " + id);
	core::Error const commit = failure([&] { step(Verb::commit); });
	EXPECT_EQ(commit.kind, FailureKind::lost);
	EXPECT_STREQ(commit.sqlstate, "08007");
	EXPECT_FALSE(commit.hint.empty());
	step(Verb::rollback);
	EXPECT_FALSE(session->reusable());
}

TEST_F(MysqlTransaction, KillOfAStatementIsNotTheEnd)
{
	std::string const id = one("select connection_id()");
	begin();
	rows("insert into driver_tx values (3, 30)");
	std::thread killer([&] {
		std::this_thread::sleep_for(std::chrono::milliseconds(200));
		test::PollWaiter patience;
		mysql::connect(target(), patience)->execute("kill query " + id, {}, {}, patience);
	});
	failure([&] { rows("select count(*) from seq_1_to_1000000 a, seq_1_to_1000000 b"); });
	killer.join();
	EXPECT_TRUE(session->in_transaction());
	EXPECT_EQ(one("select count(*) from driver_tx"), "3");
	step(Verb::commit);
	EXPECT_EQ(count(), "3");
}

TEST_F(MysqlTransaction, CancelledInsideIsRolledBack)
{
	begin();
	rows("insert into driver_tx values (3, 30)");
	waiter.interrupt_after(200);
	EXPECT_THROW(rows("select sleep(30), 'driver_tx_cancel'"), test::Interrupted);
	waiter.clear();
	step(Verb::rollback);
	EXPECT_FALSE(session->reusable());
	EXPECT_TRUE(vanishes("driver_tx_cancel"));
	EXPECT_EQ(count(), "2");
}

TEST_F(MysqlTransaction, OneRoundTripLeadsIn)
{
	RunOptions limited;
	limited.timeout_ms = 5000;
	rows("select 1", {}, limited);
	int const waits_before = waiter.waits();
	begin(true);
	step(Verb::savepoint, 2);
	step(Verb::savepoint, 3);
	limited.timeout_ms = 6000;
	rows("select 1", {}, limited);
	EXPECT_LE(waiter.waits() - waits_before, 6) << "five commands in one, and the statement, whatever the socket does";
	step(Verb::commit);
	EXPECT_EQ(one(is_mariadb() ? "select @@max_statement_time" : "select @@max_execution_time"), "0")
		<< "no limit was asked for";
}

TEST_F(MysqlTransaction, KeptStatementsCostOneCommandEach)
{
	RunOptions options;
	options.timeout_ms = 60'000;
	std::vector<Param> key = {integer_param(1)};
	rows("select a, b from driver_tx where a = ?", key, options);
	long const prepared = status("Com_stmt_prepare"), executed = status("Com_stmt_execute"),
			   set = status("Com_set_option");
	for (int i = 0; i < 1000; ++i) {
		key[0].integer = i % 2 + 1;
		ASSERT_EQ(rows("select a, b from driver_tx where a = ?", key, options)[0][1], i % 2 == 0 ? "10" : "20");
	}
	/* Each status is a statement itself, of its own text and time limit. */
	EXPECT_LE(status("Com_stmt_prepare") - prepared, 4);
	EXPECT_LE(status("Com_stmt_execute") - executed, 1006);
	EXPECT_LE(status("Com_set_option") - set, 4);
}

TEST_F(MysqlTransaction, KeptStatementsFollowTheTable)
{
	begin();
	EXPECT_EQ(rows("select * from driver_tx where a = 1"), Rows({{"1", "10"}}));
	step(Verb::commit);
	define("alter table driver_tx modify b varchar(20)");
	EXPECT_EQ(session->execute("select * from driver_tx where a = 1", {}, {}, waiter)->columns()[1].type_oid,
	          pgtype::text);
	define("alter table driver_tx add c datetime default '2024-01-02 03:04:05', drop b");
	begin();
	EXPECT_EQ(rows("select * from driver_tx where a = 1"), Rows({{"1", "2024-01-02 03:04:05"}}));
	step(Verb::commit);
}

TEST_F(MysqlTransaction, NativeDates)
{
	RunOptions native;
	native.native = true;
	EXPECT_EQ(
		rows("select date '0001-01-01', date '9999-12-31', date '2000-01-01', date '1999-12-31', date '2024-02-29'", {},
	         native),
		Rows({{"date -730119", "date 2921939", "date 0", "date -1", "date 8825"}}));
	EXPECT_EQ(rows("select timestamp '0001-01-01 00:00:00', timestamp '9999-12-31 23:59:59.999999', "
	               "timestamp '2000-01-01 00:00:00', timestamp '1999-12-31 23:59:59.999999', "
	               "cast('2024-02-29 12:34:56.5' as datetime(6))",
	               {}, native),
	          Rows({{"timestamp -63082281600000000", "timestamp 252455615999999999", "timestamp 0", "timestamp -1",
	                 "timestamp 762525296500000"}}));
	define_table("driver_native", "(s timestamp(6) null, y time, d date, t datetime)");
	rows("set sql_mode = 'ALLOW_INVALID_DATES'");
	rows("insert into driver_native values ('2038-01-19 03:14:07.999999', '-838:59:59', '0000-00-00', '0000-00-00'), "
	     "(null, null, '2024-02-31', '2024-00-10 01:02:03')");
	EXPECT_EQ(rows("select * from driver_native where s is not null", {}, native),
	          Rows({{"timestamp 1200798847999999", "-838:59:59", "NULL", "NULL"}}));
	EXPECT_STREQ(failure([&] { rows("select d from driver_native", {}, native); }).sqlstate, "22008");
	EXPECT_STREQ(failure([&] { rows("select t from driver_native", {}, native); }).sqlstate, "22008");
	EXPECT_EQ(rows("select d from driver_native where s is null"), Rows({{"2024-02-31"}})) << "as text when not native";
	define("drop table driver_native");
}

TEST_F(MysqlTransaction, ArithmeticIsStrict)
{
	EXPECT_EQ(one("select cast(1 as unsigned) - 2"), "-1");
	define_table("driver_zero", "(a int primary key auto_increment)");
	rows("insert into driver_zero values (0)");
	EXPECT_EQ(one("select a from driver_zero"), "0");
	define("drop table driver_zero");
	EXPECT_STREQ(failure([&] { rows("insert into driver_tx select 3, 1 / 0"); }).sqlstate, "22012");
	EXPECT_STREQ(failure([&] { rows("insert into driver_tx values (3, 99999999999)"); }).sqlstate, "22003");
}

TEST_F(MysqlTransaction, BulkInsert)
{
	constexpr int batch_rows = 1000, width = 10, batches = 10;
	define_table("driver_bulk", "(a bigint primary key, b int, c text, d text, e decimal(12,2), f double, "
	                            "g date, h datetime, i boolean, j smallint)");
	std::string sql = "insert into driver_bulk values ";
	for (int i = 0; i < batch_rows; ++i)
		sql += i == 0 ? "(?,?,?,?,?,?,?,?,?,?)" : ",(?,?,?,?,?,?,?,?,?,?)";
	std::vector<Param> params(batch_rows * width);
	begin();
	auto const prepared = status("Com_stmt_prepare");
	for (int batch = 0; batch < batches; ++batch) {
		for (std::size_t i = 0; i < params.size(); i += width) {
			std::int64_t const id = batch * batch_rows + static_cast<std::int64_t>(i) / width;
			for (std::size_t const number : {0, 1, 5, 8, 9})
				params[i + number] = integer_param(number < 2 ? id : 1);
			params[i + 2] = text_param("name " + std::to_string(id));
			params[i + 3] = Param();
			params[i + 4].kind = Param::Kind::decimal;
			params[i + 4].text = "12.50";
			params[i + 6] = text_param("2024-02-29");
			params[i + 7] = text_param("2024-02-29 01:02:03");
		}
		rows(sql, params);
		EXPECT_EQ(affected, batch_rows);
	}
	EXPECT_LE(status("Com_stmt_prepare") - prepared, 2) << "kept, however long it is";
	step(Verb::commit);
	EXPECT_EQ(observed("select concat(count(*), ' ', sum(b), ' ', max(c)) from driver_bulk"),
	          "10000 49995000 name 9999");
	std::string many = "select 1 in (?";
	for (int i = 1; i < 65'535; ++i)
		many += ",?";
	std::vector<Param> const limit(65'535, integer_param(1));
	EXPECT_EQ(one(many + ")", limit), "1");
	std::vector<Param> const beyond(65'536, integer_param(1));
	EXPECT_STREQ(failure([&] { rows(many + ",?)", beyond); }).sqlstate, "54000");
	define("drop table driver_bulk");
}

} // namespace
