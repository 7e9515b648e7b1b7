/*
 * Driving MariaDB Connector/C: each call starts, suspends whenever it would block, and is resumed when the socket is
 * ready. Pure regime. A call that an exception leaves suspended makes the handle good for nothing but closing.
 */
#include "remote/mysql/async.hpp"

#ifdef MARIADB_PACKAGE_VERSION

#include <cerrno>
#include <cstdio>
#include <new>
#include <utility>

#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "core/error.hpp"
#include "remote/mysql/greeting.hpp"

namespace tenancy::remote::mysql {

namespace {

/* The library runs a suspendable call on a stack of its own: its 60 kB are little for a TLS handshake. */
constexpr std::size_t coroutine_stack = 256 << 10;

/* The call that runs, while it lives: the library gives its callbacks no pointer of ours. */
struct Running {
	explicit Running(const Budget &of) noexcept : budget(of), outer(std::exchange(current, this)) {}
	~Running() { current = outer; }
	Running(const Running &) = delete;
	Running &operator=(const Running &) = delete;
	bool is_over() const noexcept { return budget.waiter.interrupted() || budget.deadline.passed(); }

	static thread_local Running *current;
	const Budget &budget;
	Running *const outer;
	MYSQL *mysql = nullptr; /* that connects, and the name that the certificate has to carry */
	const char *certificate_name = nullptr;
	bool cut = false; /* the connection, because it was over */
};

thread_local Running *Running::current = nullptr;

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

/* The library reads reports of progress one after the other; it need not suspend as long as the server sends them. */
void
end_endless_progress(const MYSQL *mysql, unsigned, unsigned, double, const char *, unsigned) noexcept
{
	Running *const call = Running::current;
	if (call == nullptr || call->cut || !call->is_over())
		return;
	call->cut = true;
	shutdown(mysql_get_socket(const_cast<MYSQL *>(mysql)), SHUT_RDWR);
}

#if MARIADB_PACKAGE_VERSION_ID >= 30400
/* How the library's description of a TLS session begins; its header needs one that is not installed. */
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
	constexpr unsigned tls_error = 2026;
	net.tls_verify_status |= MARIADB_TLS_VERIFY_ERROR;
	net.last_errno = tls_error;
	std::snprintf(net.sqlstate, sizeof(net.sqlstate), "HY000");
	std::snprintf(net.last_error, sizeof(net.last_error), "TLS/SSL error: %s", fault);
	return 1;
}

void
verify_name_ourselves(MYSQL *mysql)
{
	if (mysql_options(mysql, MARIADB_OPT_TLS_VERIFICATION_CALLBACK,
	                  reinterpret_cast<const void *>(verify_certificate)) != 0)
		throw core::Error(core::FailureKind::other, "58000", "MariaDB Connector/C does not let certificates be verified");
}
#else
void
verify_name_ourselves(MYSQL *) noexcept
{}
#endif

/* Headers and library agree on what they call each other with; a library from before its headers may not. */
void
demand_library()
{
	unsigned version = 0;
	if (mariadb_get_infov(nullptr, MARIADB_CLIENT_VERSION_ID, &version) != 0 || version < MARIADB_PACKAGE_VERSION_ID)
		throw core::Error(core::FailureKind::other, "58000",
		                  "MariaDB Connector/C is older than the one that pg_tenancy was built with", {},
		                  "Install version " MARIADB_PACKAGE_VERSION " or later, and restart the server.");
}

} // namespace

/* The library's table of functions, where what takes a fetched row apart is ours. */
struct Handle::Methods : st_mariadb_methods {
	explicit Methods(const st_mariadb_methods &theirs) noexcept : st_mariadb_methods(theirs)
	{
		db_stmt_fetch_to_bind = keep_row;
	}
	static int keep_row(MYSQL_STMT *stmt, unsigned char *row, unsigned long size) noexcept
	{
		static_cast<const Methods *>(stmt->mysql->methods)->row = {reinterpret_cast<const char *>(row), size};
		return 0;
	}
	mutable std::string_view row;
};

Handle::Handle() : mysql_(mysql_init(nullptr))
{
	if (mysql_ == nullptr)
		throw std::bad_alloc();
	mysql_options(mysql_, MYSQL_OPT_NONBLOCK, &coroutine_stack);
	mysql_options(mysql_, MARIADB_OPT_IO_WAIT, reinterpret_cast<const void *>(wait_in_handshake));
	mysql_options(mysql_, MYSQL_PROGRESS_CALLBACK, reinterpret_cast<const void *>(end_endless_progress));
}

/* mysql_close says goodbye; to a connection in an unknown state it must not even try. */
Handle::~Handle()
{
	if (broken())
		break_off();
	forget_password();
	mysql_close(mysql_);
}

int
Handle::fd() const noexcept
{
	return mysql_get_socket(mysql_);
}

void
Handle::allow_methods(const char *names) const noexcept
{
	mysql_options(mysql_, MARIADB_OPT_RESTRICTED_AUTH, names);
}

template <typename Start, typename Resume>
void
Handle::drive(const Budget &budget, Start start, Resume resume)
{
	Running running(budget);
	suspended_ = true;
	int pending = start();
	while (pending != 0)
		pending = resume(await(pending, budget));
	if (running.cut) {
		budget.waiter.serve();
		throw no_answer();
	}
	suspended_ = false;
}

template <typename Result, typename Subject, typename... Args, typename... Given>
Result
Handle::run(const Budget &budget, int (*start)(Result *, Subject *, Args...), int (*resume)(Result *, Subject *, int),
            Subject *subject, Given... args)
{
	Result result{};
	drive(
		budget, [&] { return start(&result, subject, args...); },
		[&](int ready) { return resume(&result, subject, ready); });
	return result;
}

/* The library's own timeouts (MYSQL_WAIT_TIMEOUT) are not used: the budget is one clock for the whole call. */
int
Handle::await(int pending, const Budget &budget)
{
	unsigned events = 0;
	if ((pending & (MYSQL_WAIT_READ | MYSQL_WAIT_EXCEPT)) != 0)
		events |= core::wait_read;
	if ((pending & MYSQL_WAIT_WRITE) != 0)
		events |= core::wait_write;
	unsigned const ready = budget.waiter.wait(fd(), events, budget.deadline);
	/* A server that always has one more byte must not escape the deadline. */
	if (ready != 0 && !budget.deadline.passed())
		return ((ready & core::wait_read) != 0 ? MYSQL_WAIT_READ : 0) |
		       ((ready & core::wait_write) != 0 ? MYSQL_WAIT_WRITE : 0);
	throw no_answer();
}

/*
 * The first suspension is for the TCP connection, which never is there at once. When it is, nothing has been sent yet:
 * this is where the peer and its offer of TLS are looked at. Afterwards the socket is made non-blocking, because the
 * library has made it blocking, and over TLS reads it as it is.
 */
bool
Handle::connect(const Login &login, const Proof &proof, const Budget &budget)
{
	demand_library();
	if (login.certificate_name != nullptr)
		verify_name_ourselves(mysql_);
	MYSQL *result = nullptr;
	bool verified = false;
	drive(
		budget,
		[&] {
			Running::current->mysql = mysql_;
			Running::current->certificate_name = login.certificate_name;
			return mysql_real_connect_start(
				&result, mysql_, login.certificate_name != nullptr ? login.certificate_name : login.host, login.user,
				login.password, login.database, login.port, nullptr, login.flags);
		},
		[&](int ready) {
			verified = verified || verify(fd(), proof, budget);
			return mysql_real_connect_cont(&result, mysql_, ready);
		});
	forget_password();
	if (result == nullptr) {
		budget.waiter.serve();
		if (budget.deadline.passed())
			throw core::Error(core::FailureKind::timeout, "08001", "could not connect to remote server in time");
		return false;
	}
	verify_peer(fd(), proof);
	methods_ = std::make_unique<Methods>(*mysql_->methods);
	mysql_->methods = methods_.get();
	return fcntl(fd(), F_SETFL, fcntl(fd(), F_GETFL) | O_NONBLOCK) == 0;
}

void
Handle::together(const std::function<void()> &calls, const Budget &)
{
	calls();
}

#define TENANCY_CALL(name, subject, ...) run(budget, name##_start, name##_cont, subject __VA_OPT__(, ) __VA_ARGS__)

int
Handle::query(std::string_view sql, const Budget &budget)
{
	return TENANCY_CALL(mysql_real_query, mysql_, sql.data(), static_cast<unsigned long>(sql.size()));
}

int
Handle::send(std::string_view sql, const Budget &budget)
{
	return TENANCY_CALL(mysql_send_query, mysql_, sql.data(), static_cast<unsigned long>(sql.size()));
}

int
Handle::receive(const Budget &budget)
{
	return TENANCY_CALL(mysql_read_query_result, mysql_);
}

int
Handle::next_result(const Budget &budget)
{
	return TENANCY_CALL(mysql_next_result, mysql_);
}

int
Handle::ping(const Budget &budget)
{
	return TENANCY_CALL(mysql_ping, mysql_);
}

MYSQL_ROW
Handle::fetch_row(MYSQL_RES *result, const Budget &budget)
{
	return TENANCY_CALL(mysql_fetch_row, result);
}

int
Handle::prepare(MYSQL_STMT *stmt, std::string_view sql, const Budget &budget)
{
	return TENANCY_CALL(mysql_stmt_prepare, stmt, sql.data(), static_cast<unsigned long>(sql.size()));
}

int
Handle::execute(MYSQL_STMT *stmt, const Budget &budget)
{
	return TENANCY_CALL(mysql_stmt_execute, stmt);
}

int
Handle::fetch(MYSQL_STMT *stmt, const Budget &budget)
{
	return TENANCY_CALL(mysql_stmt_fetch, stmt);
}

int
Handle::next_result(MYSQL_STMT *stmt, const Budget &budget)
{
	return TENANCY_CALL(mysql_stmt_next_result, stmt);
}

std::string_view
Handle::row() const noexcept
{
	return methods_->row;
}

Flag
Handle::close(MYSQL_STMT *stmt, const Budget &budget)
{
	return TENANCY_CALL(mysql_stmt_close, stmt);
}

#undef TENANCY_CALL

} // namespace tenancy::remote::mysql

#endif
