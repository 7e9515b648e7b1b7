/*
 * The commands of a transaction and when they go. Pure regime; needs no server.
 */
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "remote/postgres/block.hpp"

namespace tenancy::test {

namespace {

using remote::postgres::Block;
using Commands = std::vector<std::string>;

/* What reaches the server with a statement. */
Commands
trip(Block &block, bool reads)
{
	block.before_statement(reads);
	Commands const sent = block.waiting();
	block.told();
	return sent;
}

TEST(PostgresBlock, TellsNothingBeforeAStatement)
{
	Block block;
	block.begin("BEGIN");
	block.savepoint(2);
	block.savepoint(3);
	EXPECT_TRUE(block.roll_back_to(3).empty());
	block.savepoint(3);
	block.release(3);
	EXPECT_FALSE(block.is_begun());
	EXPECT_EQ(trip(block, false), (Commands{"BEGIN", "SAVEPOINT s2"}));
	EXPECT_TRUE(block.is_begun());
	EXPECT_EQ(trip(block, false), Commands{});
	EXPECT_EQ(block.roll_back_to(2), (Commands{"ROLLBACK TO SAVEPOINT s2", "RELEASE SAVEPOINT s2"}));
	block.end();
	EXPECT_FALSE(block.is_open());
}

TEST(PostgresBlock, GuardsReadsOnceAndNeverAWrite)
{
	Block block;
	block.begin("BEGIN");
	EXPECT_EQ(trip(block, true), (Commands{"BEGIN", "SAVEPOINT tenancy_guard"}));
	EXPECT_EQ(trip(block, true), Commands{});
	EXPECT_TRUE(block.is_guarded());
	EXPECT_EQ(trip(block, false), Commands{"RELEASE SAVEPOINT tenancy_guard"});
	EXPECT_FALSE(block.is_guarded());
	EXPECT_EQ(trip(block, true), Commands{"SAVEPOINT tenancy_guard"});
	/* It stays the innermost. */
	block.savepoint(2);
	EXPECT_EQ(trip(block, true),
	          (Commands{"RELEASE SAVEPOINT tenancy_guard", "SAVEPOINT s2", "SAVEPOINT tenancy_guard"}));
	block.release(2);
	EXPECT_FALSE(block.is_guarded());
	EXPECT_EQ(trip(block, true), (Commands{"RELEASE SAVEPOINT s2", "SAVEPOINT tenancy_guard"}));
	block.savepoint(2);
	EXPECT_EQ(trip(block, true).size(), 3u);
	EXPECT_EQ(block.roll_back_to(2).size(), 2u);
	EXPECT_FALSE(block.is_guarded());
}

TEST(PostgresBlock, RunsAgainOnlyWhatCostsNothing)
{
	Block block;
	block.begin("BEGIN");
	block.savepoint(2);
	(void) trip(block, false);
	/* Nothing but this statement was in the transaction. */
	EXPECT_EQ(block.retry(), "ROLLBACK");
	EXPECT_FALSE(block.is_begun());
	EXPECT_EQ(trip(block, false), (Commands{"BEGIN", "SAVEPOINT s2"}));
	(void) trip(block, false);
	EXPECT_EQ(block.retry(), "");
	(void) trip(block, true);
	EXPECT_EQ(block.retry(), "ROLLBACK TO SAVEPOINT tenancy_guard");
	block.die();
	EXPECT_TRUE(block.is_open());
	EXPECT_TRUE(block.is_dead());
}

TEST(PostgresBlock, ReleasesAndSetsTheSameLevelAgain)
{
	Block block;
	block.begin("BEGIN");
	block.savepoint(2);
	(void) trip(block, false);
	block.release(2);
	block.savepoint(2);
	EXPECT_TRUE(block.roll_back_to(2).empty());
	block.savepoint(2);
	EXPECT_EQ(trip(block, false), (Commands{"RELEASE SAVEPOINT s2", "SAVEPOINT s2"}));
	/* What waits inside a level goes with it. */
	block.savepoint(3);
	block.release(2);
	EXPECT_EQ(trip(block, false), Commands{"RELEASE SAVEPOINT s2"});
}

} // namespace

} // namespace tenancy::test
