/*
 * Transactions of the PostgreSQL driver that span statements: trips, savepoints, failures, lost connections. Pure
 * regime.
 */
#include "postgres_fixture.hpp"

namespace tenancy::test {

namespace {

class PostgresTransaction : public PostgresDriver {
protected:
	using Verb = TransactionStep::Verb;

	void SetUp() override
	{
		admin = open();
		rows(*admin, "DROP TABLE IF EXISTS driver_ledger");
		rows(*admin, "CREATE TABLE driver_ledger (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
	}
	void TearDown() override { rows(*admin, "DROP TABLE driver_ledger"); }
	void step(Session &session, Verb verb, int level = 0)
	{
		TransactionStep wanted;
		wanted.verb = verb;
		wanted.level = level;
		session.transact(wanted, Deadline::after(5000), waiter);
	}
	void put(Session &session, int number)
	{
		rows(session, "INSERT INTO driver_ledger VALUES ($1)", {}, {integer_param(number, pgtype::int4)});
	}
	std::string ledger(Session &session)
	{
		return one(session, "SELECT coalesce(string_agg(a::text, ',' ORDER BY a), '') FROM driver_ledger");
	}
	static RunOptions reading()
	{
		RunOptions options;
		options.repeatable = true;
		return options;
	}
	void kill(Session &session)
	{
		std::string const process = one(session, "SELECT pg_backend_pid()");
		EXPECT_EQ(
			one(*admin, "SELECT pg_terminate_backend($1, 5000)", {}, {integer_param(std::stoi(process), pgtype::int4)}),
			"yes");
	}

	std::unique_ptr<Session> admin;
};

TEST_F(PostgresTransaction, BeginsWithItsFirstStatementInOneTrip)
{
	auto session = open();
	EXPECT_FALSE(session->in_transaction());
	int const before = waiter.waits();
	step(*session, Verb::begin);
	step(*session, Verb::savepoint, 2);
	EXPECT_EQ(waiter.waits(), before);
	EXPECT_TRUE(session->in_transaction());
	EXPECT_FALSE(session->reusable());
	put(*session, 1);
	EXPECT_EQ(waiter.waits(), before + 1);
	EXPECT_EQ(one(*session, "SHOW transaction_isolation"), "repeatable read");
	EXPECT_EQ(ledger(*session), "1");
	EXPECT_EQ(ledger(*admin), "");
	step(*session, Verb::release, 2);
	step(*session, Verb::commit);
	EXPECT_FALSE(session->in_transaction());
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(ledger(*admin), "1");
	/* One in which nothing ran costs nothing. */
	for (Verb const end : {Verb::commit, Verb::rollback}) {
		int const waits = waiter.waits();
		step(*session, Verb::begin);
		step(*session, Verb::savepoint, 2);
		step(*session, Verb::rollback_to, 2);
		step(*session, end);
		EXPECT_EQ(waiter.waits(), waits);
		EXPECT_TRUE(session->reusable());
	}
	EXPECT_EQ(one(*session, "SHOW transaction_isolation"), "read committed");
}

TEST_F(PostgresTransaction, SeesOneSnapshotAndSaysWhatItWas)
{
	auto session = open();
	TransactionStep begin;
	begin.serializable = begin.read_only = true;
	session->transact(begin, {}, waiter);
	EXPECT_EQ(ledger(*session), "");
	put(*admin, 1);
	EXPECT_EQ(ledger(*session), "");
	EXPECT_EQ(one(*session, "SHOW transaction_isolation"), "serializable");
	expect_failure([&] { put(*session, 2); }, FailureKind::query, "25006");
	step(*session, Verb::rollback);
	EXPECT_EQ(ledger(*session), "1");
	auto guarded = open(true);
	step(*guarded, Verb::begin);
	EXPECT_EQ(one(*guarded, "SHOW transaction_read_only"), "on");
	expect_failure([&] { put(*guarded, 2); }, FailureKind::query, "25006");
	step(*guarded, Verb::rollback);
	EXPECT_TRUE(guarded->reusable());
}

TEST_F(PostgresTransaction, RollsBackToASavepointAfterAFailure)
{
	auto session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	step(*session, Verb::savepoint, 2);
	put(*session, 2);
	step(*session, Verb::savepoint, 3);
	expect_failure([&] { rows(*session, "SELECT 1 / 0"); }, FailureKind::query, "22012");
	expect_failure([&] { put(*session, 3); }, FailureKind::query, "25P02");
	step(*session, Verb::rollback_to, 3);
	EXPECT_EQ(ledger(*session), "1,2");
	step(*session, Verb::rollback_to, 2);
	EXPECT_EQ(ledger(*session), "1");
	step(*session, Verb::savepoint, 2);
	put(*session, 4);
	step(*session, Verb::release, 2);
	EXPECT_EQ(ledger(*session), "1,4");
	expect_failure([&] { step(*session, Verb::rollback_to, 2); }, FailureKind::query, "3B001");
	step(*session, Verb::rollback);
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(ledger(*admin), "");
}

TEST_F(PostgresTransaction, CommitOfWhatFailedIsAnError)
{
	auto session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	expect_failure([&] { rows(*session, "SELECT 1 / 0"); }, FailureKind::query, "22012");
	expect_failure([&] { step(*session, Verb::commit); }, FailureKind::query, "25P02");
	EXPECT_TRUE(session->reusable());
	/* A constraint that is checked at the end. */
	step(*session, Verb::begin);
	put(*session, 1);
	put(*session, 1);
	expect_failure([&] { step(*session, Verb::commit); }, FailureKind::query, "23505");
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(ledger(*admin), "");
	/* A statement that ends the transaction itself. */
	step(*session, Verb::begin);
	put(*session, 1);
	expect_failure([&] { rows(*session, "ROLLBACK"); }, FailureKind::query, "2D000");
	expect_failure([&] { put(*session, 2); }, FailureKind::query, "25P02");
	expect_failure([&] { step(*session, Verb::commit); }, FailureKind::query, "25P02");
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(ledger(*admin), "");
}

TEST_F(PostgresTransaction, StopsAReadWithoutLosingTheTransaction)
{
	auto session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	for (int i = 0; i < 3; ++i) {
		{
			auto cursor =
				session->execute("SELECT generate_series(1, 100000000), repeat('x', 1000)", {}, reading(), waiter);
			Batch batch;
			ASSERT_TRUE(cursor->fetch(batch, waiter));
		}
		EXPECT_EQ(ledger(*session), "1");
	}
	put(*admin, 7);
	EXPECT_EQ(ledger(*session), "1");
	/* What may write cannot be undone alone. */
	step(*session, Verb::savepoint, 2);
	{
		auto cursor = session->execute("SELECT generate_series(1, 100000000), repeat('x', 1000)", {}, {}, waiter);
		Batch batch;
		ASSERT_TRUE(cursor->fetch(batch, waiter));
	}
	expect_failure([&] { put(*session, 3); }, FailureKind::query, "25P02");
	step(*session, Verb::rollback_to, 2);
	put(*session, 4);
	step(*session, Verb::commit);
	EXPECT_EQ(ledger(*admin), "1,4,7");
	EXPECT_TRUE(session->reusable());
}

TEST_F(PostgresTransaction, KnowsWhatItsTimeoutIsAfterARollback)
{
	auto session = open();
	RunOptions limited;
	limited.timeout_ms = 7000;
	RunOptions other;
	other.timeout_ms = 9000;
	step(*session, Verb::begin);
	EXPECT_EQ(one(*session, "SHOW statement_timeout", limited), "7s");
	EXPECT_EQ(one(*session, "SHOW statement_timeout", other), "9s");
	step(*session, Verb::rollback);
	EXPECT_EQ(one(*session, "SHOW statement_timeout", other), "9s");
	step(*session, Verb::begin);
	EXPECT_EQ(one(*session, "SHOW statement_timeout", other), "9s");
	step(*session, Verb::savepoint, 2);
	EXPECT_EQ(one(*session, "SHOW statement_timeout", limited), "7s");
	step(*session, Verb::rollback_to, 2);
	EXPECT_EQ(one(*session, "SHOW statement_timeout", limited), "7s");
	step(*session, Verb::commit);
	EXPECT_EQ(one(*session, "SHOW statement_timeout"), "0");
	/* A statement out of time leaves the transaction to be rolled back. */
	limited.timeout_ms = 200;
	step(*session, Verb::begin);
	put(*session, 1);
	expect_failure([&] { rows(*session, "SELECT pg_sleep(30)", limited); }, FailureKind::timeout, "57014");
	EXPECT_TRUE(session->in_transaction());
	step(*session, Verb::rollback);
	EXPECT_TRUE(session->reusable());
}

TEST_F(PostgresTransaction, SaysThatTheConnectionIsLost)
{
	auto session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	kill(*session);
	expect_failure([&] { put(*session, 2); }, FailureKind::lost, "57P01");
	EXPECT_FALSE(session->in_transaction()) << "it went with the connection";
	step(*session, Verb::rollback);
	EXPECT_FALSE(session->in_transaction());
	EXPECT_FALSE(session->reusable());

	session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	kill(*session);
	auto const error = failure_of([&] { step(*session, Verb::commit); });
	ASSERT_TRUE(error.has_value());
	EXPECT_EQ(error->kind, FailureKind::lost);
	EXPECT_STREQ(error->sqlstate, "08007");
	EXPECT_NE(error->detail.find("unknown"), std::string::npos);
	EXPECT_FALSE(session->in_transaction());
	EXPECT_FALSE(session->reusable());
	EXPECT_EQ(ledger(*admin), "");

	/* Interrupted while it commits: never used again. */
	rows(*admin, "CREATE OR REPLACE FUNCTION driver_wait() RETURNS trigger LANGUAGE plpgsql AS"
	             " $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$");
	rows(*admin, "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON driver_ledger INITIALLY DEFERRED FOR EACH ROW"
	             " EXECUTE FUNCTION driver_wait()");
	session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	TransactionStep commit;
	commit.verb = Verb::commit;
	expect_failure([&] { session->transact(commit, Deadline::after(200), waiter); }, FailureKind::lost, "08007");
	EXPECT_FALSE(session->reusable());
	session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	waiter.interrupt_after(200);
	EXPECT_THROW(step(*session, Verb::commit), Interrupted);
	waiter.clear();
	EXPECT_FALSE(session->reusable());
	session.reset();
	rows(*admin, "DROP TRIGGER slow ON driver_ledger");
	rows(*admin, "DROP FUNCTION driver_wait()");
}

TEST_F(PostgresTransaction, CancelsInsideATransaction)
{
	auto session = open();
	step(*session, Verb::begin);
	put(*session, 1);
	waiter.interrupt_after(200);
	auto const start = Clock::now();
	EXPECT_THROW(rows(*session, "SELECT pg_sleep(30) /* inside */"), Interrupted);
	EXPECT_LT(seconds_since(start), in_time);
	waiter.clear();
	EXPECT_EQ(one(*admin, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%inside */'"),
	          "0");
	EXPECT_TRUE(session->in_transaction());
	step(*session, Verb::rollback);
	EXPECT_TRUE(session->reusable());
	EXPECT_EQ(ledger(*session), "");
}

TEST_F(PostgresTransaction, RenewsOnlyOutsideAndKeepsItsPreparedStatements)
{
	auto session = open();
	step(*session, Verb::begin);
	rows(*session, "SET LOCAL DateStyle = German");
	EXPECT_EQ(one(*session, "SELECT DATE '2024-02-01'"), "2024-02-01");
	put(*session, 1);
	step(*session, Verb::commit);
	EXPECT_FALSE(session->reusable());
	EXPECT_EQ(ledger(*session), "1");
	EXPECT_TRUE(session->reusable());

	/* More statements than the cache holds, and one that the server has forgotten. */
	for (int i = 0; i < 2; ++i)
		EXPECT_EQ(one(*session, "SELECT 'kept'"), "kept");
	rows(*admin, "CREATE OR REPLACE FUNCTION driver_forget() RETURNS int LANGUAGE plpgsql AS"
	             " $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$");
	EXPECT_EQ(one(*session, "SELECT driver_forget()"), "1");
	step(*session, Verb::begin);
	EXPECT_EQ(one(*session, "SELECT 'kept'", reading()), "kept");
	put(*session, 2);
	EXPECT_EQ(one(*session, "SELECT driver_forget()"), "1");
	EXPECT_EQ(one(*session, "SELECT 'kept'", reading()), "kept");
	for (int i = 0; i < 70; ++i)
		for (int twice = 0; twice < 2; ++twice)
			EXPECT_EQ(one(*session, "SELECT " + std::to_string(i)), std::to_string(i));
	EXPECT_EQ(ledger(*session), "1,2");
	step(*session, Verb::commit);
	EXPECT_EQ(ledger(*session), "1,2");
	EXPECT_LE(std::stoi(one(*session, "SELECT count(*)::int FROM pg_prepared_statements")), 64);
	EXPECT_TRUE(session->reusable());
	rows(*admin, "DROP FUNCTION driver_forget()");
}

TEST_F(PostgresTransaction, RefusesStepsOutOfOrder)
{
	auto session = open();
	for (Verb const verb : {Verb::commit, Verb::savepoint, Verb::release, Verb::rollback_to})
		expect_failure([&] { step(*session, verb, 2); }, FailureKind::other, "25P01");
	step(*session, Verb::rollback);
	step(*session, Verb::begin);
	expect_failure([&] { step(*session, Verb::begin); }, FailureKind::other, "25001");
	{
		auto cursor = session->execute("SELECT 1", {}, {}, waiter);
		expect_failure([&] { step(*session, Verb::commit); }, FailureKind::other, "55006");
	}
	EXPECT_EQ(session->describe("SELECT 1 AS a", {}, waiter).size(), 1u);
	step(*session, Verb::commit);
	EXPECT_TRUE(session->reusable());
}

} // namespace

} // namespace tenancy::test
