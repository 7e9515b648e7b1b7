/*
 * How long what ends with a transaction may take when that aborts. PG regime.
 */
#pragma once

#include "core/waiter.hpp"

namespace tenancy::bridge {

/*
 * When the abort of this moment, of the transaction or of a subtransaction, has to be over: two seconds after the first
 * call in it, for all that waits for a client database together. Never, outside of one.
 */
core::Deadline end_of_abort() noexcept;

/* Once, while the library is loaded. */
void count_transactions();

} // namespace tenancy::bridge
