/*
 * Driving Oracle's libmysqlclient. Pure regime. Its calls are made by a thread of the handle's own: the library has no
 * non-blocking ones for prepared statements, and the one that connects blocks in some methods of authentication.
 */
#include "remote/mysql/async.hpp"

#ifndef MARIADB_PACKAGE_VERSION

#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.hpp"
#include "remote/freed.hpp"
#include "remote/memory_cap.hpp"
#include "remote/mysql/greeting.hpp"
#include "remote/mysql/helper.hpp"
#include "remote/mysql/line.hpp"

namespace tenancy::remote::mysql {

namespace {

constexpr long goodbye_ms = 1000;
constexpr unsigned long oldest_library = 90700; /* before, a server's packets could overwrite memory in a login */

void
demand_library()
{
	if (mysql_get_client_version() < oldest_library)
		throw core::Error(core::FailureKind::other, "58000", "the MySQL client library is older than pg_tenancy allows",
		                  {}, "Install libmysqlclient 9.7 or later, and restart the server.");
}

} // namespace

Handle::Handle() : mysql_(mysql_init(nullptr))
{
	if (mysql_ == nullptr)
		throw std::bad_alloc();
	mysql_->net.fd = -1;
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
		int socket = fd();
		helper_->run([this] { mysql_close(mysql_); }, socket, {core::Deadline::after(goodbye_ms), waiter});
	} catch (const std::exception &) {
		/* The goodbye was cut short; the handle is closed all the same. */
	}
}

/* The descriptor; what a lost connection leaves in net.fd is none any more. */
int
Handle::fd() const noexcept
{
	return mysql_->net.vio != nullptr ? mysql_->net.fd : -1;
}

/* The library itself sends no password in clear, unless it is told to; see set_options for the sha2 methods. */
void
Handle::allow_methods(const char *) const noexcept
{}

/*
 * See line.hpp. The library reads the host's name again from our place when it has a greeting, and compares the
 * certificate with that: so it has an address to connect to, and still verifies the name. Should it ever copy the name
 * earlier, verification fails. It is not asked to connect without blocking: when a server breaks off, that call reads a
 * buffer that it has freed.
 */
bool
Handle::connect(const Login &login, const Proof &proof, const Budget &budget)
{
	demand_library();
	MemoryCap const cap;
	password_size_ = std::strlen(login.password);
	Line const line(login, budget);
	if (!verify(line.fd(), proof, budget))
		throw hung_up();
	std::string_view const name = login.certificate_name != nullptr ? login.certificate_name : login.host;
	std::string host = Mute::host;
	host.reserve(name.size());
	auto mute = std::make_unique<Mute>();
	unsigned const port = mute->port();
	helper_ = std::make_unique<Helper>();
	bool connected = false;
	helper_->run(
		[&] {
			connected = mysql_real_connect(mysql_, host.data(), login.user, login.password, login.database, port,
		                                   nullptr, login.flags) != nullptr;
			wipe_freed(password_size_); /* no more: see FreedCopies */
		},
		mysql_->net.fd, budget,
		[&](int done) {
			auto const until_here = std::move(mute);
			int const socket = until_here->await_peer(mysql_->net.fd, budget, done);
			if (socket < 0)
				return;
			host = name;
			line.replace(socket);
		});
	forget_password();
	if (connected)
		clear_buffer();
	else
		budget.waiter.serve();
	return connected;
}

/* An exception out of the call becomes one of ours; one out of the wait leaves the handle suspended. */
template <typename Call>
auto
Handle::block(const Budget &budget, Call call)
{
	if (helper_->is_this_thread())
		return call();
	MemoryCap const cap; /* for the whole process, and so for the thread too */
	std::optional<decltype(call())> result;
	std::exception_ptr failure;
	suspended_ = true;
	int socket = fd();
	helper_->run(
		[&] {
			try {
				result = call();
			} catch (const std::exception &) {
				failure = std::current_exception();
			}
		},
		socket, budget);
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

/*
 * The library does not tell how much of its buffer a row has filled, so a row may claim what lies behind it: that must
 * not be what this process once had in that place. So the buffer is as large as a packet may be, never to grow, and
 * its memory is given back, to be zero again when it is next touched; what is never touched takes none.
 */
void
Handle::clear_buffer() noexcept
{
	auto const page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
	auto const first = reinterpret_cast<std::uintptr_t>(mysql_->net.buff);
	auto const last = reinterpret_cast<std::uintptr_t>(mysql_->net.buff_end);
	std::uintptr_t const first_page = (first + page - 1) / page * page, last_page = last / page * page;
	if (last_page <= first_page ||
	    madvise(reinterpret_cast<void *>(first_page), last_page - first_page, MADV_DONTNEED) != 0) {
		OPENSSL_cleanse(mysql_->net.buff, last - first);
		return;
	}
	OPENSSL_cleanse(mysql_->net.buff, first_page - first);
	OPENSSL_cleanse(reinterpret_cast<void *>(last_page), last - last_page);
}

std::string_view
Handle::row() const noexcept
{
	return {reinterpret_cast<const char *>(mysql_->net.read_pos), reinterpret_cast<const char *>(mysql_->net.buff_end)};
}

Flag
Handle::close(MYSQL_STMT *stmt, const Budget &budget)
{
	return block(budget, [&] { return mysql_stmt_close(stmt); });
}

} // namespace tenancy::remote::mysql

#endif
