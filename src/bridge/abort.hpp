/*
 * How long what ends with a transaction may take when that aborts. PG regime.
 */
#pragma once

#include "core/waiter.hpp"

namespace tenancy::bridge {

/*
 * The time by which the running abort, of the transaction or of a subtransaction, has to be over: two seconds after the
 * first call in it, however many client databases it waits for. Outside of an abort there is no limit.
 */
core::Deadline end_of_abort() noexcept;

/* Called once, while the library is loaded. */
void count_transactions();

} // namespace tenancy::bridge
