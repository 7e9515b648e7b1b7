/*
 * One running statement and its rows. Pure regime.
 */
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remote/driver.hpp"
#include "remote/postgres/link.hpp"
#include "remote/postgres/rows.hpp"
#include "remote/postgres/session.hpp"

namespace tenancy::remote::postgres {

/* A bit after the server's own timeout, whose error is the better one: a net for servers that do not keep theirs. */
core::Deadline local_deadline(const RunOptions &options);

/* libpq takes no text with a zero byte: throws 22021. */
void check_text(std::string_view sql);

class Cursor final : public remote::Cursor {
public:
	Cursor(Session &session, const RunOptions &options);

	/* Send the statement and, unless it is deferred, wait for its first row, or its end. */
	void start(std::string_view sql, std::span<const Param> params, core::Waiter &waiter);

	const std::vector<Column> &columns() const noexcept override { return shape_ ? shape_->columns : no_columns_; }
	bool fetch(Batch &batch, core::Waiter &waiter) override;
	std::int64_t affected() const noexcept override { return affected_; }

private:
	/* The text as libpq takes it. */
	const char *sql() const noexcept { return statement_ != nullptr ? statement_->sql() : text_.c_str(); }
	void send();
	bool stands_alone() const noexcept;
	/* Waits for the first row, or for the end. */
	void arrive(core::Waiter &waiter);
	bool is_stale() const noexcept;
	/* The answer came in a form that cannot be read. */
	bool is_unreadable() const noexcept { return shape_ && shape_->binary && !shape_->has_wire_form; }
	void forget_statement();
	void send_again(core::Waiter &waiter);
	void send_as_text(core::Waiter &waiter);
	/* The next result with rows in result_; false at the end, where failure_ says how it ended. */
	bool advance(core::Waiter &waiter);
	bool take(Reply reply);
	void learn_shape();
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
	std::string text_;          /* of a statement that statements_ has no room for */
	std::vector<Param> params_; /* of a deferred statement */
	PreparedStatement *statement_ = nullptr;
	std::shared_ptr<const Shape> shape_; /* null until the first result, and for a statement without rows */
	std::vector<Column> no_columns_;
	Result result_; /* rows not handed out yet, from row_ on */
	int row_ = 0;
	Result failure_; /* the first error */
	std::int64_t affected_ = 0;
	bool binary_ = false;  /* asked for the wire form */
	bool reused_ = false;  /* runs a statement prepared earlier */
	bool arrived_ = false; /* the first row, or the end, was waited for */
	bool rolled_back_ = false;
	bool ended_block_ = false; /* it ended the transaction that it ran in */
	bool concluded_ = false;
	bool late_ = false; /* concluded after its time was up */
};

} // namespace tenancy::remote::postgres
