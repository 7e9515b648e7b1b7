/*
 * Which of the runs of one line are written next: users in turns, so that how many runs one of them has decides how
 * long their own wait, and nobody else's. Pure regime; nothing here allocates or throws.
 */
#pragma once

#include <cstddef>
#include <span>

#include "core/uuid.hpp"

namespace tenancy::history {

/*
 * What a run costs the worker, in runs without long texts. Measured: such a run takes some 70 µs, and 8 kB of text as
 * much again.
 */
constexpr std::size_t bytes_per_cost = 8192;
constexpr int
cost_of(std::size_t bytes) noexcept
{
	return static_cast<int>(1 + bytes / bytes_per_cost);
}

/* A run that could be written. */
struct Candidate {
	core::Uuid user;
	int cost;
	int place; /* its number in the order of arrival */
	int tag;   /* set by choose(): what its user has before it in the batch, and itself */
};

/*
 * Put those that fit into the budget first, in the order in which they are written, and answer how many. Each user's
 * costs are added up in the order of arrival, and the least sums go first: start-time fair queueing with one round per
 * batch. The first to arrive always goes, so that no one waits for ever behind cheaper ones.
 */
int choose(std::span<Candidate> candidates, int budget) noexcept;

} // namespace tenancy::history
