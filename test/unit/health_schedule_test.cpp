/*
 * When a connection is checked again. Pure regime.
 */
#include <gtest/gtest.h>

#include "health/schedule.pure.hpp"

using namespace tenancy::health;

TEST(HealthSchedule, SortsCodes)
{
	EXPECT_EQ(outcome_of("ok"), Outcome::up);
	for (const char *code : {"refused", "dns", "database", "other"})
		EXPECT_EQ(outcome_of(code), Outcome::away) << code;
	for (const char *code : {"timeout", "password", "tls", "denied_address"})
		EXPECT_EQ(outcome_of(code), Outcome::stubborn) << code;
}

TEST(HealthSchedule, SpreadsWhatIsUpOverAQuarterOfTheInterval)
{
	EXPECT_DOUBLE_EQ(next_delay(Outcome::up, 0, 60, 0), 60);
	EXPECT_DOUBLE_EQ(next_delay(Outcome::up, 0, 60, 0.5), 52.5);
	EXPECT_GT(next_delay(Outcome::up, 0, 60, 0.9999), 45);
}

TEST(HealthSchedule, AsksSoonForWhatIsAwayAndNeverLaterThanTheInterval)
{
	const double wanted[] = {8, 16, 32, 64, 64, 64};
	for (int failures = 1; failures <= 6; ++failures)
		EXPECT_DOUBLE_EQ(next_delay(Outcome::away, failures, 64, 0), wanted[failures - 1]);
	EXPECT_DOUBLE_EQ(next_delay(Outcome::away, 1'000'000, 64, 0), 64);
}

TEST(HealthSchedule, BacksOffFromWhatIsStubborn)
{
	const double wanted[] = {60, 120, 240, 480, 960, 960};
	for (int failures = 1; failures <= 6; ++failures)
		EXPECT_DOUBLE_EQ(next_delay(Outcome::stubborn, failures, 60, 0), wanted[failures - 1]);
	EXPECT_DOUBLE_EQ(next_delay(Outcome::stubborn, 5, 600, 0), longest_delay_s);
	EXPECT_DOUBLE_EQ(next_delay(Outcome::stubborn, 5, 7200, 0), 7200) << "an interval above the bound stays";
}

TEST(HealthSchedule, NeverSpins)
{
	EXPECT_GE(next_delay(Outcome::away, 1, 1, 0.99), 0.5);
	EXPECT_GE(next_delay(Outcome::up, 0, 1, 0.99), 0.5);
}
