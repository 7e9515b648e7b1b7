/*
 * One handle of the client library, and its calls as calls that wait through core::Waiter. Pure regime.
 * connector_c.cpp is all that knows the non-blocking interface of MariaDB Connector/C (*_start, *_cont). Oracle's
 * library has none for prepared statements: oracle.cpp has the same calls made by a thread.
 */
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include <mysql.h>

#include "core/poll.hpp"
#include "remote/address.hpp"

namespace tenancy::remote::mysql {

/* my_bool of Connector/C, bool of Oracle's library. */
using Flag = std::remove_pointer_t<decltype(MYSQL_BIND::is_null)>;

#ifdef MARIADB_PACKAGE_VERSION
constexpr bool is_connector_c = true;
#else
constexpr bool is_connector_c = false;
#endif

/* How long a call may take, and who waits for it. */
struct Budget {
	core::Deadline deadline;
	core::Waiter &waiter;
};

/* What a server has to prove before it is told anything. */
struct Proof {
	const std::vector<Address> &peers; /* its address is one of them */
	bool demand_tls;                   /* its greeting offers TLS */
	const char *methods_over_tls;      /* of authentication, allowed when it offers TLS; null: TLS is not used */
};

/* Where and as whom; strings live during the call. */
struct Login {
	const char *host;             /* an address; a name is resolved by the library */
	const char *certificate_name; /* that the certificate has to carry; null: not compared */
	const char *user;
	const char *password;
	const char *database; /* or null */
	unsigned port;
	unsigned long flags;
};

class Helper;

class Handle {
public:
	Handle();
	~Handle();
	Handle(const Handle &) = delete;
	Handle &operator=(const Handle &) = delete;

	MYSQL *get() const noexcept { return mysql_; }
	int fd() const noexcept;
	/* The server's address, once connected. */
	Address peer() const noexcept;
	/* No further command may be sent: a call was left in its middle, or the connection broke. */
	bool broken() const noexcept { return suspended_ || broken_; }
	/* An exception left a call in its middle; what the server does is unknown. */
	bool suspended() const noexcept { return suspended_; }
	/* Cut the connection now, so that nothing of the library can wait for it any more. */
	void break_off() noexcept;

	/* Each returns what the call of that name returns, and throws only for time and interrupts. */
	bool connect(const Login &login, const Proof &proof, const Budget &budget);
	int query(std::string_view sql, const Budget &budget);
	/* A query whose answer is read later; nothing else may be called in between. */
	int send(std::string_view sql, const Budget &budget);
	int receive(const Budget &budget);
	int next_result(const Budget &budget);
	int ping(const Budget &budget);
	MYSQL_ROW fetch_row(MYSQL_RES *result, const Budget &budget);
	int prepare(MYSQL_STMT *stmt, std::string_view sql, const Budget &budget);
	int execute(MYSQL_STMT *stmt, const Budget &budget);
	int fetch(MYSQL_STMT *stmt, const Budget &budget);
	/*
	 * The packet of the row that the last fetch has brought, until the next call. Oracle's library does not tell how
	 * long it is: behind it are zeros, or what the same server has sent before.
	 */
	std::string_view row() const noexcept;
	int next_result(MYSQL_STMT *stmt, const Budget &budget);
	Flag close(MYSQL_STMT *stmt, const Budget &budget);
	/* Calls that follow each other without a wait of ours in between, and may throw: cheaper than one by one. */
	void together(const std::function<void()> &calls, const Budget &budget);

private:
#ifdef MARIADB_PACKAGE_VERSION
	template <typename Start, typename Resume, typename GiveUp>
	void drive(const Budget &budget, Start start, Resume resume, GiveUp give_up);
	template <typename Result, typename Subject, typename... Args, typename... Given>
	Result run(const Budget &budget, int (*start)(Result *, Subject *, Args...),
	           int (*resume)(Result *, Subject *, int), Subject *subject, Given... args);
	int await(int pending, const Budget &budget);
	template <typename GiveUp> struct Suspended;
	struct Methods;
	std::unique_ptr<Methods> methods_;
#else
	template <typename Call> auto block(const Budget &budget, Call call);
	void clear_buffer() noexcept;
	std::unique_ptr<Helper> helper_; /* since it connects */
#endif
	bool verify_peer(int fd, const Proof &proof) const;
	bool verify(int fd, const Proof &proof, const Budget &budget) const;
	void allow_methods(const char *names) const noexcept;
	void forget_password() noexcept;

	MYSQL *mysql_;
	std::size_t password_size_ = 0; /* of the library's copy */
	bool suspended_ = false;
	bool broken_ = false;
};

} // namespace tenancy::remote::mysql
