/*
 * A call of MariaDB Connector/C that runs, and what the library calls back meanwhile. Pure regime.
 */
#pragma once

#include "remote/mysql/async.hpp"

#ifdef MARIADB_PACKAGE_VERSION

#include <utility>

namespace tenancy::remote::mysql {

/* The call that runs, while it lives: the library gives its callbacks no pointer of ours. */
struct Running {
	explicit Running(const Budget &of) noexcept : budget(of), outer(std::exchange(current, this)) {}
	~Running() { current = outer; }
	Running(const Running &) = delete;
	Running &operator=(const Running &) = delete;
	bool is_over() const noexcept { return budget.waiter.interrupted() || budget.deadline.passed(); }
	/* The same for one that cannot be told what the interrupt is about: it may be nothing that ends the call. */
	bool is_long_over() noexcept
	{
		constexpr long patience_ms = 1000;
		if (patience.never() && budget.waiter.interrupted())
			patience = core::Deadline::after(patience_ms);
		return budget.deadline.passed() || patience.passed();
	}

	static thread_local Running *current;
	const Budget &budget;
	Running *const outer;
	MYSQL *mysql = nullptr; /* that connects, and the name that the certificate has to carry */
	const char *certificate_name = nullptr;
	unsigned reads = 0;
	core::Deadline patience;
	bool cut = false; /* the connection, because it was over */
};

/* Have what runs on this connection end in time where the library does not suspend it. */
void watch(MYSQL *mysql) noexcept;

/* Have the certificate's name compared here, where the library may not. */
void verify_name_ourselves(MYSQL *mysql);

} // namespace tenancy::remote::mysql

#endif
