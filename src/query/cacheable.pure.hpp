/*
 * Which statements may be answered from a cache: those that are certainly one SELECT that gives the same rows as long
 * as nobody writes. Pure regime.
 */
#pragma once

#include <string_view>

#include "remote/driver.hpp"

namespace tenancy::query {

/*
 * Decided by allow-lists, so that what is not understood is not cacheable. What a view, an operator, a cast or a
 * computed column of the client database hides cannot be seen here.
 */
bool is_cacheable(remote::DatabaseType type, std::string_view sql);

/* Does text hold a word that a client database reads as the time of the moment, as in 'now'? */
bool spells_a_moment(std::string_view text) noexcept;

/* A function of the engine itself whose value depends on its arguments and on rows only. Lower case. */
bool is_steady_function(remote::DatabaseType type, std::string_view name);

} // namespace tenancy::query
