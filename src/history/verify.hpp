/*
 * What the checks of hash chains share. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "core/uuid.hpp"
#include "history/digest.hpp"

namespace tenancy::history {

/* Where a chain begins and ends: after its last pruned row, and with its head. */
struct Ends {
	bool headed;
	int64 seq;
	unsigned char hash[hash_size];
	int64 pruned_seq; /* 0: none */
	unsigned char pruned_hash[hash_size];
};

/* Inside of spi::open(); user nil: the runs of nobody. */
void read_ends(const core::Uuid &user, Ends *ends);

/*
 * The chain that argument 0 asks for: true and a user, or false for everybody's, which only administrators get. Another
 * user's raises 42501.
 */
bool choose_user(FunctionCallInfo fcinfo, core::Uuid *user);
[[noreturn]] void deny_others_history();

} // namespace tenancy::history
