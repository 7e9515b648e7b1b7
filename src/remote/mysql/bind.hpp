/*
 * Parameters of a statement, as the client libraries take them. Pure regime.
 */
#pragma once

#include "remote/driver.hpp"
#include "remote/mysql/async.hpp"

namespace tenancy::remote::mysql {

/* Points into param, or at number, which both have to live until the statement is executed. */
MYSQL_BIND binding(const Param &param, std::uint64_t &number);

} // namespace tenancy::remote::mysql
