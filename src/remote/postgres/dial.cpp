/*
 * Connecting with an allow-list of keywords and a shielded environment. Pure regime.
 */
#include "remote/postgres/dial.hpp"

#include <array>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "core/error.hpp"
#include "remote/freed.hpp"
#include "remote/memory_cap.hpp"
#include "remote/postgres/failure.hpp"
#include "remote/roots.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

namespace {

/* libpq takes an empty path for its default below the home directory, but a missing file for none. */
constexpr const char *nowhere = "/dev/null/none";
constexpr int first_with_require_auth = 160000;

/*
 * A server that asks for a ticket has Kerberos resolve its name before it looks for one, in a call that serves no
 * interrupt and knows no deadline. require_auth would not let it ask, where libpq has that.
 */
constexpr std::string_view no_kerberos = "[libdefaults]\n"
										 "default_realm = INVALID\n"
										 "dns_canonicalize_hostname = false\n"
										 "rdns = false\n"
										 "qualify_shortname = \"\"\n"
										 "dns_lookup_kdc = false\n"
										 "dns_lookup_realm = false\n";

/*
 * The environment as libpq may see it. PGSERVICE, PGOPTIONS, PGTZ and the like reach it even when every keyword is
 * given, and a server may ask for a Kerberos ticket at any time. A backend has one thread, so for the length of a
 * libpq call the environment can be another one.
 */
class Shield {
public:
	Shield()
	{
		for (char **entry = environ; entry != nullptr && *entry != nullptr; ++entry)
			if (std::string_view const text = *entry; !text.starts_with("PG") && !text.starts_with("KRB5"))
				entries_.push_back(*entry);
		entries_.push_back(no_tickets_.data());
		entries_.push_back(no_keytab_.data());
		entries_.push_back(no_names_.data());
		entries_.push_back(nullptr);
	}
	template <typename Call> auto operator()(Call &&call)
	{
		struct Restore {
			char **const saved = environ;
			~Restore() { environ = saved; }
		} const restore;
		environ = entries_.data();
		return call();
	}

private:
	std::string no_tickets_ = "KRB5CCNAME=MEMORY:none";
	std::string no_keytab_ = "KRB5_CLIENT_KTNAME=/dev/null/none";
	RootsFile settings_{no_kerberos};
	std::string no_names_ = "KRB5_CONFIG=" + settings_.path();
	std::vector<char *> entries_;
};

constexpr const char *
mode_name(TlsMode mode) noexcept
{
	switch (mode) {
	case TlsMode::disable: return "disable";
	case TlsMode::prefer: return "prefer";
	case TlsMode::require: return "require";
	case TlsMode::verify_ca: return "verify-ca";
	case TlsMode::verify_full: break;
	}
	return "verify-full";
}

/* The keywords that reach libpq: these and no others. */
class Keywords {
public:
	Keywords(const Endpoint &endpoint, const std::string &root_path) : port_(std::to_string(endpoint.port))
	{
		bool const verify = endpoint.tls == TlsMode::verify_ca || endpoint.tls == TlsMode::verify_full;
		add("host", endpoint.host.c_str());
		add("hostaddr", endpoint.address.c_str());
		add("port", port_.c_str());
		add("dbname", endpoint.database.c_str());
		add("user", endpoint.username.c_str());
		add("password", endpoint.password.c_str());
		add("application_name", endpoint.application_name.c_str());
		add("client_encoding", "UTF8");
		add("sslmode", mode_name(endpoint.tls));
		add("sslrootcert", !root_path.empty() ? root_path.c_str() : verify ? system_roots : nowhere);
		add("sslcert", nowhere);
		add("sslkey", nowhere);
		add("sslcrl", nowhere);
		add("passfile", nowhere);
		add("gssencmode", "disable");
		add("target_session_attrs", "any");
		add("keepalives", "1");
		add("keepalives_idle", "30");
		add("keepalives_interval", "10");
		add("keepalives_count", "3");
		add("tcp_user_timeout", "60000");
		if (PQlibVersion() >= first_with_require_auth) {
			/* A password in clear text only where nobody else can read it. */
			bool const encrypted = endpoint.tls != TlsMode::disable && endpoint.tls != TlsMode::prefer;
			add("require_auth", encrypted ? "password,md5,scram-sha-256" : "md5,scram-sha-256");
			add("sslcertmode", "disable");
		}
	}
	const char *const *names() const noexcept { return names_.data(); }
	const char *const *values() const noexcept { return values_.data(); }

private:
	void add(const char *name, const char *value)
	{
		names_[count_] = name;
		values_[count_++] = value;
	}
	std::string port_;
	std::size_t count_ = 0;
	std::array<const char *, 32> names_{}, values_{}; /* what is not added ends the list */
};

void
ignore_notice(void *, const char *)
{}

Error
no_time_to_connect()
{
	return {FailureKind::timeout, "08001", "the server did not answer in time"};
}

/* libpq's own state machine, from the first packet to the session. */
void
complete(PGconn *connection, const Endpoint &endpoint, Shield &shield, Deadline deadline, Waiter &waiter)
{
	MemoryCap const cap;
	auto next = PGRES_POLLING_WRITING;
	ConnStatusType stage = PQstatus(connection);
	while (stage != CONNECTION_BAD && next != PGRES_POLLING_FAILED && next != PGRES_POLLING_OK) {
		unsigned const events = next == PGRES_POLLING_READING ? core::wait_read : core::wait_write;
		if (waiter.wait(PQsocket(connection), events, deadline) == 0)
			throw no_time_to_connect();
		stage = PQstatus(connection);
		next = shield([&] { return PQconnectPoll(connection); });
	}
	if (next != PGRES_POLLING_OK)
		throw connect_error(connection, stage, endpoint.password.view());
}

} // namespace

Endpoint::Endpoint(const Target &target)
	: host(target.host), port(target.port), database(target.database), username(target.username),
	  password(target.password.copy()), tls(target.tls), tls_root_pem(target.tls_root_pem),
	  application_name(target.application_name)
{}

Link
dial(const Endpoint &endpoint, Deadline deadline, Waiter &waiter)
{
	auto roots = std::make_unique<RootsFile>(endpoint.tls_root_pem);
	Keywords const keywords(endpoint, roots->path());
	Shield shield;
	FreedCopies const freed(endpoint.password.view().size());
	Link link(shield([&] { return PQconnectStartParams(keywords.names(), keywords.values(), 0); }));
	if (link.raw() == nullptr)
		throw std::bad_alloc();
	PQsetNoticeProcessor(link.raw(), ignore_notice, nullptr);
	/* Verbose, since the SQLSTATE of an error at login is only in the text. */
	PQsetErrorVerbosity(link.raw(), PQERRORS_VERBOSE);
	complete(link.raw(), endpoint, shield, deadline, waiter);
	if (PQconnectionUsedPassword(link.raw()) == 0)
		throw unused_password_error();
	link.forget_password();
#ifdef LIBPQ_HAS_ASYNC_CANCEL
	link.keep(std::move(roots));
#endif
	link.start_pipeline();
	return link;
}

} // namespace tenancy::remote::postgres
