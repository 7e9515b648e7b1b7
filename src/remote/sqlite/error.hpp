/*
 * SQLite's result codes as SQLSTATEs. Pure regime.
 */
#pragma once

#include <sqlite3.h>

#include "core/error.hpp"

namespace tenancy::remote::sqlite {

/* The last error of database, whose call returned the extended result code. */
core::Error error_of(sqlite3 *database, int code);

} // namespace tenancy::remote::sqlite
