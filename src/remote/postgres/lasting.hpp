/*
 * Statements whose effect on the session outlives them: SET, LISTEN, temporary tables, advisory locks. Pure regime.
 */
#pragma once

#include <string_view>

namespace tenancy::remote::postgres {

/* Judges by the command tag: true for anything that is not known to leave the session as it was. */
bool leaves_a_mark(std::string_view tag) noexcept;

/*
 * Judges by the words in the statement: it looks for functions and temporary objects that the tag does not show, and
 * for DO and CALL, which may fail, and so have no tag, after what they committed. It may suspect too much, at the price
 * of a reset.
 */
bool may_leave_a_mark(std::string_view sql) noexcept;

} // namespace tenancy::remote::postgres
