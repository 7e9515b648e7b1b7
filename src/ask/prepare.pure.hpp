/*
 * Whether a client database would take a statement. Pure regime.
 */
#pragma once

#include <string_view>

#include "connection/pool.pure.hpp"

namespace tenancy::ask {

/* Prepare sql, without running it, in a transaction that only reads; throws what the client database answers. */
void prepare(connection::Pool &pool, connection::Opening &opening, std::string_view sql, core::Waiter &waiter);

} // namespace tenancy::ask
