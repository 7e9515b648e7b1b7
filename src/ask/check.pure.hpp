/*
 * Is a text one SELECT that only reads, as its own server would read it? Whoever wrote it. Pure regime.
 * A second line of defence: the statement also runs in a read-only transaction of the client's server.
 */
#pragma once

#include <string>
#include <string_view>

#include "remote/driver.hpp"

namespace tenancy::ask {

/*
 * Why sql may not run, as a clause in words; empty when it may. Everything that is not surely a SELECT, or WITH …
 * SELECT of nothing but SELECTs, has an objection; so have locks, INTO, variables, parameters and functions with
 * effects.
 */
std::string objection_to(remote::DatabaseType engine, std::string_view sql);

/*
 * Has a function of that name, in lower case and without its schema, effects beyond its result, or runs what it is
 * given?
 */
bool has_effects(remote::DatabaseType engine, std::string_view function) noexcept;

} // namespace tenancy::ask
