/*
 * Which runs are written next when users compete. Pure regime.
 */
#include <gtest/gtest.h>

#include <vector>

#include "history/order.pure.hpp"

using namespace tenancy::history;

namespace {

tenancy::core::Uuid
user(unsigned char number)
{
	tenancy::core::Uuid uuid;
	uuid.bytes[0] = number;
	return uuid;
}

/*
 * Runs in the order of arrival, each as its user and cost; the users of those that are chosen, in the order of writing.
 */
std::vector<int>
chosen(std::vector<std::pair<int, int>> const &runs, int budget)
{
	std::vector<Candidate> candidates;
	for (auto const &[number, cost] : runs)
		candidates.push_back({user(static_cast<unsigned char>(number)), cost, static_cast<int>(candidates.size()), 0});
	int const count = choose(candidates, budget);
	std::vector<int> users;
	for (int i = 0; i < count; ++i)
		users.push_back(candidates[static_cast<std::size_t>(i)].user.bytes[0]);
	return users;
}

using Users = std::vector<int>;

} // namespace

TEST(HistoryOrder, TakesUsersInTurns)
{
	EXPECT_EQ(chosen({{1, 1}, {1, 1}, {1, 1}, {1, 1}, {2, 1}, {3, 1}}, 4), (Users{1, 2, 3, 1}));
}

TEST(HistoryOrder, TakesTheSmallBeforeTheLarge)
{
	EXPECT_EQ(chosen({{9, 1}, {1, 4}, {1, 1}, {2, 1}}, 6), (Users{9, 2, 1}));
}

TEST(HistoryOrder, TakesAllThatFit)
{
	EXPECT_EQ(chosen({{1, 1}, {2, 1}, {1, 1}}, 100), (Users{1, 2, 1}));
	EXPECT_EQ(chosen({}, 100), Users{});
}

TEST(HistoryOrder, TakesOneThatIsLargerThanTheBudget)
{
	EXPECT_EQ(chosen({{1, 50}, {2, 1}}, 10), Users{1});
}

TEST(HistoryOrder, NeverLeavesTheFirstBehind)
{
	std::vector<std::pair<int, int>> runs = {{1, 5}};
	for (int other = 2; other < 40; ++other)
		runs.emplace_back(other, 1);
	EXPECT_EQ(chosen(runs, 32).front(), 1);
}

TEST(HistoryOrder, KeepsTheOrderOfEachUser)
{
	std::vector<Candidate> candidates;
	for (int i = 0; i < 30; ++i)
		candidates.push_back({user(static_cast<unsigned char>(i % 3)), 1 + i % 4, i, 0});
	int const count = choose(candidates, 50);
	int last[3] = {-1, -1, -1};
	for (int i = 0; i < count; ++i) {
		const Candidate &candidate = candidates[static_cast<std::size_t>(i)];
		EXPECT_GT(candidate.place, last[candidate.user.bytes[0]]);
		last[candidate.user.bytes[0]] = candidate.place;
	}
}
