/*
 * Which SQLSTATE and which kind of failure an error of MySQL or MariaDB is. Pure regime.
 * The server's SQLSTATE is kept, except where it is a catch-all (HY000, 42000, 23000) and the number knows better.
 */
#include <algorithm>
#include <array>
#include <charconv>

#include <cerrno>

#include "remote/mysql/error.hpp"
#include "remote/mysql/number.hpp"
#include "remote/mysql/utf8.hpp"

namespace tenancy::remote::mysql {

namespace {

using core::FailureKind;

struct Known {
	unsigned number;
	const char *sqlstate;
};

/* Sorted. From 2000 on they are the client library's, from 3000 on MySQL's, from 4000 on mostly MariaDB's. */
constexpr std::array known = {
	Known{1020, "40001"}, Known{1021, "53100"}, Known{1022, "23505"}, Known{1037, "53200"}, Known{1038, "53200"},
	Known{1040, "53300"}, Known{1041, "53200"}, Known{1044, "42501"}, Known{1045, "28P01"}, Known{1046, "3D000"},
	Known{1048, "23502"}, Known{1049, "3D000"}, Known{1050, "42P07"}, Known{1051, "42P01"}, Known{1052, "42702"},
	Known{1053, "57P01"}, Known{1054, "42703"}, Known{1055, "42803"}, Known{1060, "42701"}, Known{1061, "42710"},
	Known{1062, "23505"}, Known{1064, "42601"}, Known{1065, "42601"}, Known{1104, "54000"}, Known{1109, "42P01"},
	Known{1111, "42803"}, Known{1114, "53100"}, Known{1129, "28000"}, Known{1130, "28000"}, Known{1136, "42601"},
	Known{1142, "42501"}, Known{1143, "42501"}, Known{1146, "42P01"}, Known{1149, "42601"}, Known{1153, "54000"},
	Known{1169, "23505"}, Known{1176, "42704"}, Known{1203, "53300"}, Known{1205, "55P03"}, Known{1213, "40P01"},
	Known{1216, "23503"}, Known{1217, "23503"}, Known{1222, "42601"}, Known{1226, "53300"}, Known{1227, "42501"},
	Known{1235, "0A000"}, Known{1241, "42601"}, Known{1242, "21000"}, Known{1264, "22003"}, Known{1290, "25006"},
	Known{1292, "22007"}, Known{1295, "0A000"}, Known{1304, "42723"}, Known{1305, "42883"}, Known{1317, "57014"},
	Known{1364, "23502"}, Known{1365, "22012"}, Known{1366, "22P02"}, Known{1370, "42501"}, Known{1390, "54000"},
	Known{1406, "22001"}, Known{1426, "22003"}, Known{1451, "23503"}, Known{1452, "23503"}, Known{1582, "42883"},
	Known{1586, "23505"}, Known{1690, "22003"}, Known{1698, "28P01"}, Known{1792, "25006"}, Known{1820, "28P01"},
	Known{1836, "25006"}, Known{1862, "28P01"}, Known{1927, "08006"}, Known{1969, "57014"}, Known{2006, "08006"},
	Known{2008, "53200"}, Known{2013, "08006"}, Known{2020, "54000"}, Known{2027, "08P01"}, Known{2055, "08006"},
	Known{3024, "57014"}, Known{3572, "55P03"}, Known{3819, "23514"}, Known{4025, "23514"}, Known{4031, "08006"},
};
static_assert(std::ranges::is_sorted(known, {}, &Known::number));

std::string
sqlstate_of(const Report &report, const char *otherwise)
{
	auto const *const found = std::ranges::lower_bound(known, report.number, {}, &Known::number);
	if (found != known.end() && found->number == report.number)
		return found->sqlstate;
	bool const usable =
		report.sqlstate.size() == 5 && report.sqlstate != "HY000" && report.sqlstate[0] != '0' &&
		std::ranges::all_of(report.sqlstate, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
	return usable ? report.sqlstate : otherwise;
}

FailureKind
kind_of(unsigned reported) noexcept
{
	switch (reported) {
	case number::statement_timeout:
	case number::query_timeout: return FailureKind::timeout;
	case number::query_interrupted: return FailureKind::cancelled;
	default: return is_lost(reported) ? FailureKind::lost : FailureKind::query;
	}
}

/* The errno that the library writes at the end of "Can't connect to server on '…' (111)", or 0. */
int
system_error(const std::string &message)
{
	std::size_t const open = message.rfind('(');
	int number = 0;
	if (open != std::string::npos)
		std::from_chars(message.data() + open + 1, message.data() + message.size(), number);
	return number;
}

/* Users may read the server's text; it must be text. */
std::string
clean(const char *message)
{
	std::string text = message != nullptr ? message : "";
	if (!is_valid_text(text))
		std::ranges::replace_if(
			text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
	std::ranges::replace_if(text, is_control, ' ');
	return text;
}

} // namespace

Report
report_of(MYSQL *mysql)
{
	return {mysql_errno(mysql), mysql_sqlstate(mysql), clean(mysql_error(mysql))};
}

Report
report_of(MYSQL_STMT *stmt)
{
	if (unsigned const number = mysql_stmt_errno(stmt); number != 0 || stmt->mysql == nullptr)
		return {number, mysql_stmt_sqlstate(stmt), clean(mysql_stmt_error(stmt))};
	return report_of(stmt->mysql);
}

bool
has_failed(MYSQL *mysql) noexcept
{
	return mysql_errno(mysql) != 0 || mysql_error(mysql)[0] != '\0';
}

bool
is_lost(unsigned reported) noexcept
{
	switch (reported) {
	case number::server_gone:
	case number::out_of_memory:
	case number::server_lost:
	case number::commands_out_of_sync:
	case number::malformed_packet:
	case number::server_lost_extended:
	case number::connection_killed:
	case number::server_shutdown:
	case number::client_interaction_timeout: return true;
	default: return false;
	}
}

namespace {

/* An error in place of the greeting arrives wrapped: "… cannot be verified: 1040 - Too many connections". */
Report
unwrapped(const Report &report)
{
	constexpr std::string_view wrapping = "cannot be verified: ", dash = " - ";
	std::size_t const at = report.message.find(wrapping);
	if (at == std::string::npos)
		return report;
	std::string_view inner = std::string_view(report.message).substr(at + wrapping.size());
	Report result;
	auto const end = std::from_chars(inner.data(), inner.data() + inner.size(), result.number).ptr;
	inner.remove_prefix(static_cast<std::size_t>(end - inner.data()));
	result.message = inner.starts_with(dash) ? inner.substr(dash.size()) : inner;
	return result.number != 0 ? result : report;
}

} // namespace

core::Error
connect_error(const Report &wrapped)
{
	Report const report = unwrapped(wrapped);
	switch (report.number) {
	case number::connection_error:
	case number::conn_host_error:
	case number::ipsock_error:
		if (system_error(report.message) == ETIMEDOUT)
			return {FailureKind::timeout, "08001", "could not connect to remote server in time", report.message};
		return {FailureKind::refused, "08001", "could not connect to remote server", report.message};
	case number::unknown_host:
		return {FailureKind::dns, "08001", "could not resolve the remote host name", report.message};
	case number::ssl_connection_error:
		return {FailureKind::tls, "08001", "TLS connection to remote server failed", report.message};
	case number::access_denied:
	case number::access_denied_no_password:
	case number::must_change_password:
	case number::must_change_password_login:
		return {FailureKind::password, "28P01", "remote server did not accept the user name and password",
		        report.message};
	case number::dbaccess_denied:
		return {FailureKind::database, "42501", "remote user may not use the database", report.message};
	case number::bad_db: return {FailureKind::database, "3D000", "remote database does not exist", report.message};
	case number::host_is_blocked:
	case number::host_not_privileged:
		return {FailureKind::refused, "28000", "remote server does not accept connections from this host",
		        report.message};
	case number::not_supported_auth_mode:
	case number::unknown_error:
	case number::secure_auth:
	case number::not_implemented:
	case number::already_connected:
	case number::auth_plugin_cannot_load:
	case number::auth_plugin_err:
	case number::plugin_not_allowed:
	case number::err_load_plugin:
		/* The library's text is left out: it names the method from memory that the library has freed. */
		return {FailureKind::password,
		        "28000",
		        "remote server asked for an authentication method that is not allowed here",
		        {},
		        "Allowed are mysql_native_password and client_ed25519, and with TLS also caching_sha2_password and "
		        "sha256_password."};
	case number::server_gone:
	case number::server_handshake_err:
	case number::server_lost:
	case number::malformed_packet:
	case number::server_lost_extended:
		return {FailureKind::refused, "08001", "remote server closed the connection while it was being made",
		        report.message, "Is there a MySQL or MariaDB server at this port?"};
	default:
		return {FailureKind::other, sqlstate_of(report, "08001"),
		        report.message.empty() ? "remote server refused the connection without a message" : report.message};
	}
}

core::Error
statement_error(const Report &report)
{
	FailureKind const kind = kind_of(report.number);
	if (kind == FailureKind::timeout)
		return {kind, "57014", "remote statement timed out", report.message};
	return {kind, sqlstate_of(report, "HV000"), report.message};
}

} // namespace tenancy::remote::mysql
