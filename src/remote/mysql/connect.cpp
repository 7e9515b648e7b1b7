/*
 * Makes a handle that is logged in to a target. Pure regime.
 *
 * What Connector/C 3.3 makes of the TLS modes; Oracle's library has modes of the same names:
 *   disable      no TLS
 *   prefer       TLS when the server offers it
 *   require      TLS or nothing: the server's greeting is looked at before it is answered, the cipher afterwards;
 *                with roots as verify_ca
 *   verify_ca    and a certificate chain that ends in one of the roots: given a CA file, the library checks the chain
 *   verify_full  and a certificate that carries the host's name or address. The library compares with the name that it
 *                connects by and has no way to give it the address too: so it resolves the name again, and the
 *                address that it got to must be among the checked ones before anything is sent. Oracle's library is
 *                told the address and the name.
 * The greeting also decides which methods of authentication are allowed.
 */
#include <algorithm>
#include <new>
#include <string_view>

#include "core/error.hpp"
#include "remote/address.hpp"
#include "remote/mysql/connect.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/number.hpp"
#include "remote/roots.hpp"
#include "remote/stop_limit.hpp"
#include "remote/text.hpp"

#ifndef MARIADB_PACKAGE_VERSION
#include <fcntl.h>
#include <mysql/client_plugin.h>
#endif

namespace tenancy::remote::mysql {

namespace {

using core::Error;
using core::FailureKind;

/* A row, or a statement, cannot be larger; what a server claims beyond it is not believed. */
constexpr unsigned long max_packet = (is_connector_c ? 256UL : 64UL) << 20;
constexpr long kill_budget_ms = 1000;

/*
 * The methods of authentication that may answer a server. Never mysql_clear_password and dialog, which hand the
 * password to whoever asks; the sha2 methods do that when they run without TLS, encrypted with a key of the asker's.
 */
constexpr const char *methods_plain = "mysql_native_password,client_ed25519";
constexpr const char *methods_tls = "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password";

/*
 * Oracle's library cannot be told the methods. Without TLS, what it encrypts the password with is the key in a file
 * of ours, rather than one of the server's; and this key is so short that no password fits: nothing is sent.
 */
constexpr std::string_view shortest_key = "-----BEGIN PUBLIC KEY-----\n"
										  "MDwwDQYJKoZIhvcNAQEBBQADKwAwKAIhAPAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
										  "AAAAAAAAAAABAgMBAAE=\n"
										  "-----END PUBLIC KEY-----\n";

/* LOAD DATA LOCAL is off; should a server ask for a file all the same, it gets an error whatever the name. */
int
refuse_file(void **state, const char *, void *) noexcept
{
	*state = nullptr;
	return 1;
}

int
read_nothing(void *, char *, unsigned int) noexcept
{
	return -1;
}

void
end_nothing(void *) noexcept
{}

int
file_refusal(void *, char *message, unsigned int size) noexcept
{
	if (size > 0)
		message[0] = 0;
	return number::reject_local_infile;
}

#ifndef MARIADB_PACKAGE_VERSION
/* Did the library fail to read the file, it would ask the server for a key. */
void
demand_readable(const RootsFile &file)
{
	core::Descriptor const readable(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
	if (!readable.valid())
		throw Error(FailureKind::other, "58030", "could not read what is held in memory", {}, "Is /proc mounted?");
}
#endif

/* No option file and no group is named, so none is read. */
void
set_options(MYSQL *mysql, const Endpoint &endpoint, const RootsFile &roots, const RootsFile &no_key)
{
	unsigned const off = 0, tcp = MYSQL_PROTOCOL_TCP;
	Flag const no = 0;
	/*
	 * How long Connector/C may block at a time: see wait_in_handshake. The budget is the real limit; Oracle's library
	 * has to wait that long for its socket to be replaced, see line.hpp.
	 */
	unsigned const seconds = is_connector_c ? 1 : 3600;
	bool const encrypt = endpoint.tls != TlsMode::disable;
	bool const verify = endpoint.tls >= TlsMode::verify_ca;

	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_set_local_infile_handler(mysql, refuse_file, read_nothing, end_nothing, file_refusal, nullptr);
	mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &max_packet);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", endpoint.application_name.c_str());
	if (verify)
		mysql_options(mysql, MYSQL_OPT_SSL_CA, roots.path().empty() ? system_roots : roots.path().c_str());
#ifdef MARIADB_PACKAGE_VERSION
	Flag const yes = 1, check_name = endpoint.tls == TlsMode::verify_full && !endpoint.name.empty();
	mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
	mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, methods_plain);
	mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, encrypt ? &yes : &no);
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &check_name);
	static_cast<void>(no_key);
#else
	constexpr unsigned modes[] = {SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED, SSL_MODE_VERIFY_CA,
	                              SSL_MODE_VERIFY_IDENTITY};
	mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[static_cast<int>(endpoint.tls)]);
	mysql_options(mysql, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &no);
	/*
	 * Of the methods that the library would load on demand, only this one is let in, which old servers and MariaDB's
	 * need: some of the others sign with keys that they find in a home directory. The sha2 methods are part of the
	 * library.
	 */
	mysql_client_find_plugin(mysql, "mysql_native_password", MYSQL_CLIENT_AUTHENTICATION_PLUGIN);
	mysql_options(mysql, MYSQL_PLUGIN_DIR, "/dev/null");
	mysql_options(mysql, MYSQL_OPT_NET_BUFFER_LENGTH, &max_packet); /* see Handle::clear_buffer */
	demand_readable(no_key);
	mysql_options(mysql, MYSQL_SERVER_PUBLIC_KEY, no_key.path().c_str());
	static_cast<void>(encrypt);
#endif
}

/* Connector/C is told the name, as it compares the certificate with what it connects to. */
bool
resolves_itself(const Endpoint &endpoint) noexcept
{
	return is_connector_c && !endpoint.name.empty() && !endpoint.by_address;
}

std::unique_ptr<Handle>
log_in(const Endpoint &endpoint, const Address &address, const Budget &budget)
{
	RootsFile const roots(endpoint.tls >= TlsMode::verify_ca ? endpoint.tls_root_pem : std::string());
	RootsFile const no_key(is_connector_c ? std::string_view() : shortest_key);
	auto handle = std::make_unique<Handle>();
	set_options(handle->get(), endpoint, roots, no_key);
	std::string const host = resolves_itself(endpoint) ? endpoint.name : address.text();
	Login const login = {host.c_str(),
	                     endpoint.name.empty() ? nullptr : endpoint.name.c_str(),
	                     endpoint.username.c_str(),
	                     endpoint.password.c_str(),
	                     endpoint.database.empty() ? nullptr : endpoint.database.c_str(),
	                     endpoint.port,
	                     CLIENT_FOUND_ROWS | CLIENT_MULTI_RESULTS};
	Proof const proof = {endpoint.addresses, endpoint.tls >= TlsMode::require,
	                     endpoint.tls != TlsMode::disable ? methods_tls : nullptr};
	if (!handle->connect(login, proof, budget)) {
		Report report = report_of(handle->get());
		report.message = redact(std::move(report.message), endpoint.password.view());
		throw connect_error(report);
	}
	if (endpoint.tls >= TlsMode::require && mysql_get_ssl_cipher(handle->get()) == nullptr)
		throw Error(FailureKind::tls, "08001", "remote server does not support TLS, but TLS is required");
	return handle;
}

/* Only these make it worth trying the next address. */
bool
is_about_address(const Error &error) noexcept
{
	return error.kind == FailureKind::refused || error.kind == FailureKind::timeout;
}

/*
 * The library has resolved the name once more, and who owns the name server chooses where it knocks: so that nobody
 * explores this network by that, an address that was not checked looks like one where nobody answers.
 */
bool
tells_of_other_addresses(const Endpoint &endpoint, const Error &error) noexcept
{
	bool const silent = error.kind == FailureKind::refused && std::string_view(error.sqlstate) == "08001";
	return resolves_itself(endpoint) && (silent || error.kind == FailureKind::denied_address);
}

} // namespace

Endpoint
check(const Target &target, const Budget &budget)
{
	if (target.password.empty())
		throw Error(FailureKind::password, "28P01", "password is required", {},
		            "A connection without a password is never made.");
	if (target.allowed_networks == nullptr)
		throw Error(FailureKind::denied_address, "42501", "no network is allowed");
	Endpoint endpoint;
	endpoint.addresses = resolve(target.host, *target.allowed_networks, budget.deadline, budget.waiter);
	if (endpoint.addresses.empty())
		throw Error(FailureKind::dns, "08001", "remote host has no address");
	/* The name of an address is the address itself: X509_check_ip_asc compares it with the certificate. */
	if (target.tls == TlsMode::verify_full)
		endpoint.name = target.host;
	endpoint.port = target.port;
	endpoint.database = target.database;
	endpoint.username = target.username;
	endpoint.password = target.password.copy();
	/* Roots that are given are used, as with libpq. */
	bool const given_roots = target.tls == TlsMode::require && !target.tls_root_pem.empty();
	endpoint.tls = given_roots ? TlsMode::verify_ca : target.tls;
	endpoint.tls_root_pem = target.tls_root_pem;
	endpoint.application_name = target.application_name;
	return endpoint;
}

std::unique_ptr<Handle>
open(Endpoint &endpoint, const Budget &budget)
{
	std::size_t const tries = resolves_itself(endpoint) ? 1 : endpoint.addresses.size();
	for (std::size_t i = 0;; ++i) {
		Address const address = endpoint.addresses[i];
		bool const last = i + 1 == tries;
		int const left = budget.deadline.remaining_ms();
		auto const share =
			last || left < 0 ? budget.deadline : core::Deadline::after(left / static_cast<int>(tries - i) + 1);
		try {
			auto handle = log_in(endpoint, address, {share, budget.waiter});
			endpoint.addresses = {handle->peer()};
			return handle;
		} catch (const Error &error) {
			if (tells_of_other_addresses(endpoint, error))
				throw Error(FailureKind::refused, "08001", "could not connect to remote server",
				            "Nobody answers there, or the name stands for another address by now.");
			if (last || !is_about_address(error)) {
				if (error.kind != FailureKind::timeout)
					throw;
				throw Error(FailureKind::timeout, "08001", "could not connect to remote server in time");
			}
		}
	}
}

/*
 * Connects by address even where the session was made by name, so that no name server can hold us up. Somebody else may
 * answer there by now, so the certificate has to carry the name again.
 */
void
kill_query(const Endpoint &endpoint, unsigned long thread_id) noexcept
{
	try {
		core::PollWaiter waiter;
		Budget const budget = {StopLimit::after(kill_budget_ms), waiter};
		Endpoint again;
		again.addresses = endpoint.addresses;
		again.name = endpoint.name;
		again.by_address = true;
		again.port = endpoint.port;
		again.username = endpoint.username;
		again.password = endpoint.password.copy();
		again.tls = endpoint.tls;
		again.tls_root_pem = endpoint.tls_root_pem;
		again.application_name = endpoint.application_name;
		auto const handle = log_in(again, again.addresses.front(), budget);
		handle->query("KILL QUERY " + std::to_string(thread_id), budget);
	} catch (const std::exception &) {
		/* The connection is about to be cut; the server notices when it next sends a row. */
	}
}

} // namespace tenancy::remote::mysql
