/*
 * What libpq and the remote server say when something fails, as core::Error: SQLSTATE and words of the server
 * verbatim, made safe to show. Pure regime.
 */
#pragma once

#include <string>
#include <string_view>

#include <libpq-fe.h>

#include "core/error.hpp"
#include "remote/message.hpp"

namespace tenancy::remote::postgres {

/* An error result. late: the statement's time was up when it came, so a cancelled statement is a timeout. */
core::Error remote_error(const PGresult *result, bool late);

/* libpq gave up on an established connection; fallback when it does not say why. */
core::Error lost_error(const PGconn *connection, const char *fallback);

/*
 * The connection could not be made. stage is what PQstatus said before the step that failed: unlike the text, it
 * does not depend on a locale. The password never shows, even when the server repeats it.
 */
core::Error connect_error(const PGconn *connection, ConnStatusType stage, std::string_view password);

/* The server let us in without asking for the password, so anybody who reaches it from this machine gets in. */
core::Error unused_password_error();

} // namespace tenancy::remote::postgres
