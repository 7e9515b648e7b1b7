/*
 * The Waiter of a backend: its latch, and CHECK_FOR_INTERRUPTS. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "core/waiter.hpp"

namespace tenancy::bridge {

/* The one waiter of this backend; it has no state of its own. */
core::Waiter &waiter();

/* Why will the next CHECK_FOR_INTERRUPTS end the process, as far as one has looked? NULL: no reason is known here. */
const char *reason_to_exit() noexcept;

} // namespace tenancy::bridge
