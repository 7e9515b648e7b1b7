/*
 * The one exception type of pure code. Pure regime: no server header.
 * The bridge turns it into ereport(ERROR) with the same SQLSTATE, detail and hint.
 */
#pragma once

#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace tenancy::core {

/* What kind of thing went wrong, for test_connection's code and history's status. */
enum class FailureKind : unsigned char {
	other,
	denied_address, /* the host is not in an allowed network */
	dns,            /* the name does not resolve */
	refused,        /* nobody listens, or the network says no */
	timeout,        /* a deadline of ours or of the server passed */
	tls,            /* TLS negotiation or certificate verification failed */
	password,       /* the server did not accept the credential */
	database,       /* the database, or the SQLite file, does not exist */
	denied,         /* the caller may not do this */
	cancelled,      /* somebody cancelled the statement */
	lost,           /* an established connection broke */
	query           /* the remote server refused the statement */
};

/* The words of FailureKind as users see them. */
constexpr std::string_view
name_of(FailureKind kind) noexcept
{
	switch (kind) {
	case FailureKind::denied_address: return "denied_address";
	case FailureKind::dns: return "dns";
	case FailureKind::refused: return "refused";
	case FailureKind::timeout: return "timeout";
	case FailureKind::tls: return "tls";
	case FailureKind::password: return "password";
	case FailureKind::database: return "database";
	case FailureKind::denied: return "denied";
	case FailureKind::cancelled: return "cancelled";
	case FailureKind::lost: return "lost";
	case FailureKind::query: return "query";
	case FailureKind::other: break;
	}
	return "other";
}

/* message in PostgreSQL's style: lower case, no full stop; detail and hint are sentences. Never a secret in any. */
class Error : public std::exception {
public:
	Error(FailureKind of, std::string_view state, std::string what_failed, std::string details = {},
	      std::string advice = {})
		: kind(of), message(std::move(what_failed)), detail(std::move(details)), hint(std::move(advice))
	{
		if (state.size() == 5)
			std::memcpy(sqlstate, state.data(), 5);
	}
	const char *what() const noexcept override { return message.c_str(); }

	FailureKind kind;
	char sqlstate[6] = "XX000";
	std::string message, detail, hint;
};

} // namespace tenancy::core
