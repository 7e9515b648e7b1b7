/*
 * Parameters of a statement, as the client libraries take them. Pure regime.
 */
#pragma once

#include "remote/driver.hpp"
#include "remote/mysql/async.hpp"

namespace tenancy::remote::mysql {

/* Points into param, which has to live until the statement is executed. */
MYSQL_BIND binding(const Param &param);

} // namespace tenancy::remote::mysql
