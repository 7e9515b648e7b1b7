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
/* The report of a statement, or the connection's when the statement itself has none (Connector/C while it fetches). */
Report report_of(MYSQL_STMT *stmt);

/* Is there no row because of an error, whatever its number, or because of the end? For calls that do not tell. */
bool has_failed(MYSQL *mysql) noexcept;

/* Why connecting failed, in the terms of test_connection. */
core::Error connect_error(const Report &report);

/* Why a statement failed. */
core::Error statement_error(const Report &report);

/* Is the connection gone? */
bool is_lost(unsigned reported) noexcept;

} // namespace tenancy::remote::mysql
