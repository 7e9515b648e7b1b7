/*
 * Failures of libpq and of remote servers as core::Error. Pure regime.
 */
#include "remote/postgres/failure.hpp"

#include <optional>

namespace tenancy::remote::postgres {

using core::Error;
using core::FailureKind;

namespace {

std::string
field(const PGresult *result, int code)
{
	const char *const text = PQresultErrorField(result, code);
	return text == nullptr ? std::string() : clean(text);
}

FailureKind
kind_of(std::string_view sqlstate, std::string_view message, bool late) noexcept
{
	if (sqlstate == "57014") {
		bool const timed_out = late || message.find("statement timeout") != message.npos;
		return timed_out ? FailureKind::timeout : FailureKind::cancelled;
	}
	bool const connection = sqlstate.substr(0, 2) == "08" && sqlstate != "08P01";
	if (connection || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P05" || sqlstate == "25P03")
		return FailureKind::lost;
	return FailureKind::query;
}

struct ServerReport {
	std::string_view sqlstate, message;
};

/*
 * libpq keeps no fields of an error that comes before the session starts, only text. In verbose form that is
 * "<severity>:  <sqlstate>: <message>"; the last one counts, since sslmode=prefer may try twice.
 */
std::optional<ServerReport>
server_report(std::string_view text) noexcept
{
	std::optional<ServerReport> report;
	for (std::size_t at = text.find(":  "); at != text.npos; at = text.find(":  ", at + 1)) {
		std::string_view const rest = text.substr(at + 3);
		if (rest.size() < 7 || rest.substr(5, 2) != ": " || !is_sqlstate(rest.substr(0, 5)))
			continue;
		report = ServerReport{rest.substr(0, 5), rest.substr(7, rest.find('\n') - 7)};
	}
	return report;
}

Error
refused_by_server(const ServerReport &report, std::string_view password)
{
	FailureKind kind = FailureKind::other;
	/* PgBouncer says 08P01 for everything, in words that no locale changes. */
	if (report.sqlstate.substr(0, 2) == "28" || report.message.find("authentication failed") != report.message.npos)
		kind = FailureKind::password;
	else if (report.sqlstate == "3D000")
		kind = FailureKind::database;
	return {kind, report.sqlstate, redact(clean(report.message), password)};
}

} // namespace

Error
remote_error(const PGresult *result, bool late)
{
	const char *const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (code == nullptr) {
		/* Made by libpq itself: the connection broke, or the server does not speak the protocol. */
		std::string_view const text = PQresultErrorMessage(result);
		return {FailureKind::lost, "08006", clean(text.substr(0, text.find('\n')))};
	}
	std::string_view const state = is_sqlstate(code) ? code : "08P01";
	std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
	FailureKind const kind = kind_of(state, message, late);
	return {kind, state, std::move(message), field(result, PG_DIAG_MESSAGE_DETAIL),
	        field(result, PG_DIAG_MESSAGE_HINT)};
}

Error
lost_error(const PGconn *connection, const char *fallback)
{
	std::string_view const text = PQerrorMessage(connection);
	std::string message = clean(text.substr(0, text.find('\n')));
	return {FailureKind::lost, "08006", message.empty() ? std::string(fallback) : std::move(message)};
}

Error
connect_error(const PGconn *connection, ConnStatusType stage, std::string_view password)
{
	std::string_view const text = PQerrorMessage(connection);
	if (auto const report = server_report(text))
		return refused_by_server(*report, password);
	if (text.find("authentication method requirement") != text.npos)
		return unused_password_error();
	FailureKind kind = FailureKind::other;
	if (stage == CONNECTION_STARTED || stage == CONNECTION_NEEDED || stage == CONNECTION_BAD)
		kind = FailureKind::refused;
	else if (stage == CONNECTION_SSL_STARTUP)
		kind = FailureKind::tls;
	std::string message = redact(clean(text.substr(0, text.find('\n'))), password);
	return {kind, "08001", message.empty() ? "could not connect to the server" : std::move(message)};
}

Error
unused_password_error()
{
	return {FailureKind::password, "2F003", "the server did not ask for the password",
	        "A server that lets connections in without a password would give this database to every user of the "
	        "platform.",
	        "Change the server's authentication method to scram-sha-256."};
}

} // namespace tenancy::remote::postgres
