/*
 * One running statement and its rows. Pure regime.
 */
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remote/driver.hpp"
#include "remote/postgres/arguments.hpp"
#include "remote/postgres/link.hpp"
#include "remote/postgres/rows.hpp"
#include "remote/postgres/session.hpp"

namespace tenancy::remote::postgres {

/* A bit after the server's own timeout, whose error is the better one: a net for servers that do not keep theirs. */
core::Deadline local_deadline(const RunOptions &options);

/* As libpq takes it; throws 22021 for a zero byte. */
std::string statement_text(std::string_view sql);

class Cursor final : public remote::Cursor {
public:
	Cursor(Session &session, const RunOptions &options);

	/* Send the statement and wait for its first row, or its end. */
	void start(std::string_view sql, std::span<const Param> params, core::Waiter &waiter);

	const std::vector<Column> &columns() const noexcept override { return columns_; }
	bool fetch(Batch &batch, core::Waiter &waiter) override;
	std::int64_t affected() const noexcept override { return affected_; }

private:
	void send(const std::string &sql, const Arguments &arguments, PreparedStatement *statement, core::Waiter &waiter);
	void forget(const std::string &name);
	bool is_stale() const noexcept;
	/* The next result with rows in result_; false at the end, where failure_ says how it ended. */
	bool advance(core::Waiter &waiter);
	bool take(Reply reply);
	[[noreturn]] void refuse_copy();
	/* Throws failure_ if there is one. */
	void conclude();
	void throw_failure() const;

	using Clock = core::Deadline::Clock;

	Session &session_;
	Link &link_;
	RunOptions options_;
	core::Deadline deadline_;
	Clock::time_point started_;
	Session::InFlight flight_;
	std::vector<Column> columns_;
	std::vector<Decoding> decodings_;
	Result result_; /* rows not handed out yet, from row_ on */
	int row_ = 0;
	Result failure_; /* the first error */
	std::int64_t affected_ = 0;
	bool described_ = false;
	bool reused_ = false; /* runs a statement prepared earlier */
	bool rolled_back_ = false;
	bool concluded_ = false;
	bool late_ = false; /* concluded after its time was up */
};

} // namespace tenancy::remote::postgres
