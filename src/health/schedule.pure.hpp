/*
 * When a connection is checked again. Pure regime.
 */
#pragma once

#include <string_view>

namespace tenancy::health {

/*
 * How a check ended: up; away, which shows at once and costs nothing (nobody listens, no such name or database);
 * stubborn, which costs its whole time (a time-out) or may do harm (a wrong password locks accounts).
 */
enum class Outcome { up, away, stubborn };
Outcome outcome_of(std::string_view code) noexcept;

constexpr double longest_delay_s = 3600;

/*
 * Seconds until the next check. failures counts this one; chance is in [0, 1) and takes away up to a quarter, so that
 * checks spread out. Up and away are never later than interval: what goes or comes shows within it. What is away is
 * asked sooner at first; what is stubborn later and later, to 16 intervals or an hour.
 */
double next_delay(Outcome outcome, int failures, double interval, double chance) noexcept;

} // namespace tenancy::health
