/*
 * Driving MariaDB Connector/C: each call starts, suspends whenever it would block, and is resumed when the socket is
 * ready. Pure regime. A call that an exception ends makes the handle good for nothing but closing.
 */
#include "remote/mysql/async.hpp"

#ifdef MARIADB_PACKAGE_VERSION

#include <cstring>
#include <new>
#include <string>
#include <utility>

#include <fcntl.h>

#include "core/error.hpp"
#include "remote/freed.hpp"
#include "remote/memory_cap.hpp"
#include "remote/mysql/greeting.hpp"
#include "remote/mysql/running.hpp"

namespace tenancy::remote::mysql {

namespace {

/* The library runs a suspendable call on a stack of its own: its 60 kB are little for a TLS handshake. */
constexpr std::size_t coroutine_stack = 256 << 10;

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

/* The library's table of functions, in which the one that takes a fetched row apart is ours. */
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
	watch(mysql_);
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

/* A call that an exception leaves suspended goes on to its end, where the library frees what it had for it. */
template <typename GiveUp> struct Handle::Suspended {
	~Suspended()
	{
		while (pending != 0)
			pending = give_up();
	}
	GiveUp &give_up;
	int pending;
};

template <typename Start, typename Resume, typename GiveUp>
void
Handle::drive(const Budget &budget, Start start, Resume resume, GiveUp give_up)
{
	MemoryCap const cap;
	Running running(budget);
	suspended_ = true;
	Suspended<GiveUp> call{give_up, start()};
	while (call.pending != 0)
		call.pending = resume(await(call.pending, budget));
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
		[&](int ready) { return resume(&result, subject, ready); },
		[&] {
			break_off(); /* nothing waits on a socket that is shut down */
			return resume(&result, subject, MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
		});
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
	password_size_ = std::strlen(login.password);
	if (login.certificate_name != nullptr)
		verify_name_ourselves(mysql_);
	/* The library reads the name that it compares with the certificate from our string again, after the greeting. */
	std::string_view const name = login.certificate_name != nullptr ? login.certificate_name : login.host;
	std::string host = login.host;
	host.reserve(name.size());
	MYSQL *result = nullptr;
	bool verified = false;
	drive(
		budget,
		[&] {
			Running::current->mysql = mysql_;
			Running::current->certificate_name = login.certificate_name;
			return mysql_real_connect_start(&result, mysql_, host.data(), login.user, login.password, login.database,
		                                    login.port, nullptr, login.flags);
		},
		[&](int ready) {
			if (!verified && verify(fd(), proof, budget)) {
				verified = true;
				host = name;
			}
			return mysql_real_connect_cont(&result, mysql_, ready);
		},
		[&] {
			forget_password(); /* the library frees it when it gives up, which it does without reading a byte */
			return mysql_real_connect_cont(&result, mysql_, MYSQL_WAIT_TIMEOUT);
		});
	forget_password();
	if (result == nullptr) {
		wipe_freed(password_size_);
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
	MemoryCap const cap; /* one for all of them: each costs */
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
