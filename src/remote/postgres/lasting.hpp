/*
 * Statements whose effect on the session outlives them: SET, LISTEN, temporary tables, advisory locks. Pure regime.
 */
#pragma once

#include <string_view>

namespace tenancy::remote::postgres {

/* By command tag: anything that is not known to leave the session as it was. */
bool leaves_a_mark(std::string_view tag) noexcept;

/*
 * By the words in it: functions and temporary objects that the tag does not show. May suspect too much, at the price
 * of a reconnect.
 */
bool may_leave_a_mark(std::string_view sql) noexcept;

} // namespace tenancy::remote::postgres
