/*
 * See running.hpp. Pure regime.
 */
#include "remote/mysql/running.hpp"

#ifdef MARIADB_PACKAGE_VERSION

#include <cerrno>
#include <cstdio>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "core/error.hpp"
#include "remote/mysql/number.hpp"

/* Exported by the library; the header that has it is not installed. */
extern "C" int ma_pvio_register_callback(my_bool add, void (*callback)(int mode, MYSQL *mysql,
                                                                       const unsigned char *buffer, size_t length));

namespace tenancy::remote::mysql {

thread_local Running *Running::current = nullptr;

namespace {

/*
 * The library does not suspend during a TLS handshake. It reads from a blocking socket for as long as its connect
 * timeout says, then calls this to wait on. So that timeout is the shortest, and this looks for interrupts.
 */
int
wait_in_handshake(my_socket fd, my_bool is_read, int) noexcept
{
	constexpr long slice_ms = 50;
	core::PollWaiter waiter;
	const Running *const call = Running::current; /* none: something else would block, such as a last goodbye */
	while (call != nullptr && !call->is_over())
		if (waiter.wait(fd, is_read ? core::wait_read : core::wait_write,
		                core::Deadline::earlier(call->budget.deadline, core::Deadline::after(slice_ms))) != 0)
			return 1;
	errno = ETIMEDOUT;
	return 0;
}

/*
 * Reports of progress, definitions of columns, rows that nobody wants: the library reads one after the other, and need
 * not suspend as long as the server sends them. This is called after each read of the socket.
 */
void
end_endless_reading(int, MYSQL *mysql, const unsigned char *, std::size_t) noexcept
{
	constexpr unsigned reads_between_looks = 64; /* of 16 kB mostly */
	Running *const call = Running::current;
	if (call == nullptr || call->cut || ++call->reads % reads_between_looks != 0 || !call->is_long_over())
		return;
	call->cut = true;
	shutdown(mysql_get_socket(mysql), SHUT_RDWR);
}

/* Registers the callback for all connections of the process. */
bool
watch_reading() noexcept
{
	return ma_pvio_register_callback(1, end_endless_reading) == 0;
}

#if MARIADB_PACKAGE_VERSION_ID >= 30400
/* The beginning of the library's description of a TLS session; its header needs one that is not installed. */
struct TlsSession {
	void *data;
	MARIADB_PVIO *line;
	SSL *ssl;
};

bool
carries_name(SSL *ssl, const char *name) noexcept
{
	X509 *const certificate = SSL_get1_peer_certificate(ssl);
	if (certificate == nullptr)
		return false;
	constexpr int no_address = -2;
	int const address = X509_check_ip_asc(certificate, name, 0);
	bool const carries = address == no_address ? X509_check_host(certificate, name, 0, 0, nullptr) == 1 : address == 1;
	X509_free(certificate);
	return carries;
}

/* What is wrong with the server's certificate; null: nothing. */
const char *
fault_of_certificate(const Running &call, const TlsSession &session) noexcept
{
	if (session.line != call.mysql->net.pvio || SSL_get_app_data(session.ssl) != call.mysql)
		return "the client library has another layout than was expected";
	if (long const result = SSL_get_verify_result(session.ssl); result != X509_V_OK)
		return X509_verify_cert_error_string(result);
	if (call.mysql->net.tls_verify_status != MARIADB_TLS_VERIFY_OK)
		return "certificate verify failed";
	return carries_name(session.ssl, call.certificate_name) ? nullptr : "the certificate is not for this host name";
}

/*
 * From 3.4 on the library compares no name when the address is 127.0.0.1 or ::1, and may forgive what it finds in
 * exchange for a proof of the password. So where the name counts this is called in place of its verification, and what
 * this does not let pass is never forgiven.
 */
int
verify_certificate(void *session, unsigned) noexcept
{
	const Running *const call = Running::current;
	if (call == nullptr || call->certificate_name == nullptr)
		return 1;
	const char *const fault = fault_of_certificate(*call, *static_cast<const TlsSession *>(session));
	if (fault == nullptr)
		return 0;
	NET &net = call->mysql->net;
	net.tls_verify_status |= MARIADB_TLS_VERIFY_ERROR;
	net.last_errno = number::ssl_connection_error;
	std::snprintf(net.sqlstate, sizeof(net.sqlstate), "HY000");
	std::snprintf(net.last_error, sizeof(net.last_error), "TLS/SSL error: %s", fault);
	return 1;
}
#endif

} // namespace

void
watch(MYSQL *mysql) noexcept
{
	static bool const watched = watch_reading(); /* once */
	static_cast<void>(watched);
	mysql_options(mysql, MARIADB_OPT_IO_WAIT, reinterpret_cast<const void *>(wait_in_handshake));
}

#if MARIADB_PACKAGE_VERSION_ID >= 30400
void
verify_name_ourselves(MYSQL *mysql)
{
	if (mysql_options(mysql, MARIADB_OPT_TLS_VERIFICATION_CALLBACK,
	                  reinterpret_cast<const void *>(verify_certificate)) != 0)
		throw core::Error(core::FailureKind::other, "58000",
		                  "MariaDB Connector/C does not let certificates be verified");
}
#else
void
verify_name_ourselves(MYSQL *)
{}
#endif

} // namespace tenancy::remote::mysql

#endif
