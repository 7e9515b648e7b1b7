/*
 * Stopping a remote statement when nobody may wait for it any more: in destructors, without the Waiter. Pure regime.
 */
#pragma once

#include "core/waiter.hpp"
#include "remote/postgres/dial.hpp"
#include "remote/postgres/link.hpp"

namespace tenancy::remote::postgres {

/* Ask the server to stop what link runs; process is the number of its backend. Throws core::Error. */
void request_cancel(const Endpoint &endpoint, const Link &link, int process, core::Deadline deadline,
                    core::Waiter &waiter);

} // namespace tenancy::remote::postgres
