/*
 * See schedule.pure.hpp. Pure regime.
 */
#include "health/schedule.pure.hpp"

#include <algorithm>
#include <cmath>

namespace tenancy::health {

namespace {

constexpr double shortest_delay_s = 0.5;
constexpr int quick_tries = 3; /* before what is away is asked once in an interval */
constexpr int most_doublings = 4;

} // namespace

Outcome
outcome_of(std::string_view code) noexcept
{
	if (code == "ok")
		return Outcome::up;
	for (std::string_view const harmful : {"timeout", "password", "tls", "denied_address"})
		if (code == harmful)
			return Outcome::stubborn;
	return Outcome::away;
}

double
next_delay(Outcome outcome, int failures, double interval, double chance) noexcept
{
	double delay = interval;
	if (outcome == Outcome::away)
		delay = std::ldexp(interval, -std::clamp(quick_tries + 1 - failures, 0, quick_tries));
	else if (outcome == Outcome::stubborn)
		delay = std::min(std::ldexp(interval, std::clamp(failures - 1, 0, most_doublings)),
		                 std::max(interval, longest_delay_s));
	return std::max(shortest_delay_s, delay * (1 - chance / 4));
}

} // namespace tenancy::health
