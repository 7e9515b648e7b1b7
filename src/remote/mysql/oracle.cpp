/*
 * Driving Oracle's libmysqlclient. Pure regime. Connecting is done by its non-blocking call; all others are made by a
 * thread of the handle's own, since the library has no non-blocking ones for prepared statements.
 */
#include "remote/mysql/async.hpp"

#ifndef MARIADB_PACKAGE_VERSION

#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "remote/mysql/greeting.hpp"
#include "remote/mysql/helper.hpp"

namespace tenancy::remote::mysql {

namespace {

constexpr long goodbye_ms = 1000;

/* The library does not say whether it waits to read or to write; what it writes while it connects fits any buffer. */
constexpr long connect_slice_ms = 50;

} // namespace

Handle::Handle() : mysql_(mysql_init(nullptr))
{
	if (mysql_ == nullptr)
		throw std::bad_alloc();
}

/* mysql_close says goodbye; to a connection in an unknown state it must not even try. */
Handle::~Handle()
{
	if (broken())
		break_off();
	forget_password();
	if (helper_ == nullptr) {
		mysql_close(mysql_);
		return;
	}
	try {
		core::PollWaiter waiter;
		helper_->run([this] { mysql_close(mysql_); }, {core::Deadline::after(goodbye_ms), waiter});
	} catch (const std::exception &) {
		/* The goodbye was cut short; the handle is closed all the same. */
	}
}

/*
 * The library tells its socket only when the connection stands. Before, it is where the first member of the library's
 * Vio is; connect() compares the two, and fails if they should ever differ.
 */
int
Handle::fd() const noexcept
{
	return mysql_->net.vio != nullptr ? *reinterpret_cast<const int *>(mysql_->net.vio) : -1;
}

/* The library itself sends no password in clear, unless it is told to. */
void
Handle::allow_methods(const char *) const noexcept
{}

/* Leaves a connection that is being made: told that it has ended, the library takes it down by itself. */
struct Handle::Attempt {
	~Attempt()
	{
		for (int i = 0; status == NET_ASYNC_NOT_READY && i < 100; ++i) {
			handle.break_off();
			step();
		}
	}
	void step() noexcept
	{
		status = mysql_real_connect_nonblocking(handle.mysql_, host.data(), login.user, login.password, login.database,
		                                        login.port, nullptr, login.flags);
	}

	Handle &handle;
	const Login &login;
	std::string host;
	net_async_status status = NET_ASYNC_COMPLETE;
};

/*
 * The first return is for the TCP connection, which never is there at once. When it is, nothing has been sent yet:
 * this is where the peer and its offer of TLS are looked at. The library reads the host's name again from our place
 * when it has the server's greeting, and compares the certificate with it: so it connects by address, resolves nothing
 * by itself, and still verifies the name. Should it ever copy the name earlier, verification fails.
 */
bool
Handle::connect(const Login &login, const Proof &proof, const Budget &budget)
{
	std::string_view const name = login.certificate_name != nullptr ? login.certificate_name : "";
	Attempt attempt{*this, login, login.host};
	attempt.host.reserve(name.size());
	bool verified = false;
	for (attempt.step(); attempt.status == NET_ASYNC_NOT_READY; attempt.step()) {
		if (verified) {
			budget.waiter.wait(fd(), core::wait_read,
			                   core::Deadline::earlier(budget.deadline, core::Deadline::after(connect_slice_ms)));
		} else {
			budget.waiter.wait(fd(), core::wait_write, budget.deadline);
			verified = verify(proof, budget);
			if (verified && !name.empty())
				attempt.host = name;
		}
		if (budget.deadline.passed())
			throw core::Error(core::FailureKind::timeout, "08001", "could not connect to remote server in time");
	}
	forget_password();
	if (attempt.status == NET_ASYNC_ERROR) {
		budget.waiter.serve();
		return false;
	}
	if (!verified || fd() != mysql_->net.fd) {
		break_off();
		throw core::Error(core::FailureKind::other, "XX000", "client library connected in an unexpected way");
	}
	helper_ = std::make_unique<Helper>(fd());
	return true;
}

/* An exception out of the call becomes one of ours; one out of the wait leaves the handle suspended. */
template <typename Call>
auto
Handle::block(const Budget &budget, Call call)
{
	if (helper_->is_this_thread())
		return call();
	std::optional<decltype(call())> result;
	std::exception_ptr failure;
	suspended_ = true;
	helper_->run(
		[&] {
			try {
				result = call();
			} catch (const std::exception &) {
				failure = std::current_exception();
			}
		},
		budget);
	suspended_ = false;
	if (failure != nullptr)
		std::rethrow_exception(failure);
	return *result;
}

void
Handle::together(const std::function<void()> &calls, const Budget &budget)
{
	block(budget, [&] {
		calls();
		return true;
	});
}

int
Handle::query(std::string_view sql, const Budget &budget)
{
	return block(budget, [&] { return mysql_real_query(mysql_, sql.data(), static_cast<unsigned long>(sql.size())); });
}

int
Handle::send(std::string_view sql, const Budget &budget)
{
	return block(budget, [&] { return mysql_send_query(mysql_, sql.data(), static_cast<unsigned long>(sql.size())); });
}

int
Handle::receive(const Budget &budget)
{
	return block(budget, [&] { return mysql_read_query_result(mysql_); });
}

int
Handle::next_result(const Budget &budget)
{
	return block(budget, [&] { return mysql_next_result(mysql_); });
}

int
Handle::ping(const Budget &budget)
{
	return block(budget, [&] { return mysql_ping(mysql_); });
}

MYSQL_ROW
Handle::fetch_row(MYSQL_RES *result, const Budget &budget)
{
	return block(budget, [&] { return mysql_fetch_row(result); });
}

int
Handle::prepare(MYSQL_STMT *stmt, std::string_view sql, const Budget &budget)
{
	return block(budget, [&] { return mysql_stmt_prepare(stmt, sql.data(), static_cast<unsigned long>(sql.size())); });
}

int
Handle::execute(MYSQL_STMT *stmt, const Budget &budget)
{
	return block(budget, [&] { return mysql_stmt_execute(stmt); });
}

int
Handle::fetch(MYSQL_STMT *stmt, const Budget &budget)
{
	return block(budget, [&] { return mysql_stmt_fetch(stmt); });
}

int
Handle::next_result(MYSQL_STMT *stmt, const Budget &budget)
{
	return block(budget, [&] { return mysql_stmt_next_result(stmt); });
}

Flag
Handle::close(MYSQL_STMT *stmt, const Budget &budget)
{
	return block(budget, [&] { return mysql_stmt_close(stmt); });
}

} // namespace tenancy::remote::mysql

#endif
