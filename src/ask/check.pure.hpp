/*
 * Is a text one SELECT that only reads, as its own server would read it? Whoever wrote it. Pure regime.
 * A second line of defence: the statement also runs in a read-only transaction of the client's server.
 */
#pragma once

#include <string>
#include <string_view>

#include "catalog/schema.hpp"
#include "remote/driver.hpp"

namespace tenancy::ask {

/*
 * Why sql may not run, as a clause in words; empty when it may. Everything that is not surely a SELECT, or WITH …
 * SELECT of nothing but SELECTs, has an objection; so have locks, INTO, variables, parameters and functions with
 * effects.
 * schema: that sql asks, whose names are columns and tables also where functions are called so; may be null.
 */
std::string objection_to(remote::DatabaseType engine, std::string_view sql, const catalog::Schema *schema = nullptr);

/*
 * Has a function of that name, in lower case and without its schema, effects beyond its result, or runs what it is
 * given?
 */
bool has_effects(remote::DatabaseType engine, std::string_view function) noexcept;

/* Has it a table or a column of exactly that name? */
bool has_name(const catalog::Schema &schema, std::string_view name) noexcept;

} // namespace tenancy::ask
