/*
 * Errors of the server and of the client library as core::Error. Pure regime.
 */
#pragma once

#include <string>

#include "core/error.hpp"
#include "remote/mysql/async.hpp"

namespace tenancy::remote::mysql {

/* An error as the library reports it. */
struct Report {
	unsigned number = 0;
	std::string sqlstate, message;
};

Report report_of(MYSQL *mysql);
/* Of a statement; the connection's when the statement itself has none (Connector/C while it fetches). */
Report report_of(MYSQL_STMT *stmt);

/* Why there is no row, where the library says no more than that: an error, whatever its number, or the end. */
bool has_failed(MYSQL *mysql) noexcept;

/* Why connecting failed, in the terms of test_connection. */
core::Error connect_error(const Report &report);

/* Why a statement failed. */
core::Error statement_error(const Report &report);

/* Is the connection gone? */
bool is_lost(unsigned reported) noexcept;

} // namespace tenancy::remote::mysql
