/*
 * Transactions that span statements. Pure regime.
 *
 * What begins, opens a savepoint or releases one waits for the next statement and goes ahead of it with everything
 * else that does, in one round trip; what is left early was never sent. The session's isolation level is repeatable
 * read, so that only a serializable transaction has to ask for its own.
 *
 * The server tells with its answers whether a transaction is open. One that a statement has ended by success, as DDL
 * does, has been committed, and the session simply has none any more. One that an error has ended, as a deadlock
 * does, has been rolled back: nothing more may run, least of all on its own, until the caller rolls back too.
 */
#include <algorithm>
#include <exception>
#include <utility>

#include "core/error.hpp"
#include "remote/mysql/session.hpp"

namespace tenancy::remote::mysql {

namespace {

using core::Error;
using core::FailureKind;

std::string
savepoint_command(const char *verb, int level)
{
	return std::string(verb) + " s" + std::to_string(level);
}

std::string
savepoint(int level)
{
	return savepoint_command("SAVEPOINT", level);
}

Error
lost_at_commit(std::string detail)
{
	return {FailureKind::lost, "08007", "connection to remote server was lost while it committed", std::move(detail),
	        "Whether the remote transaction was committed is not known."};
}

} // namespace

bool
Connection::server_in_transaction() const noexcept
{
	return (handle_->get()->server_status & SERVER_STATUS_IN_TRANS) != 0;
}

/* The server has rolled the transaction back. */
void
Connection::doom(const Report &cause)
{
	span_ = Span::ended;
	span_end_ = cause.message;
	ahead_.clear();
}

void
Connection::demand_open() const
{
	if (handle_->broken())
		throw Error(FailureKind::other, "08003", "connection to remote server was lost within its transaction");
	if (span_ == Span::none)
		throw Error(FailureKind::other, "25P01", "there is no remote transaction in progress");
	if (span_ == Span::ended)
		throw Error(FailureKind::query, "40000", "remote transaction was rolled back by its server", span_end_,
		            "Roll back the transaction and try it again.");
}

void
Connection::transact(const TransactionStep &step, core::Deadline deadline, core::Waiter &waiter)
{
	using Verb = TransactionStep::Verb;
	demand_no_cursor(busy_);
	Budget const budget = {deadline, waiter};
	switch (step.verb) {
	case Verb::begin: return begin(step);
	case Verb::commit: return commit(budget);
	case Verb::rollback: return roll_back(budget);
	case Verb::savepoint:
		demand_open();
		ahead_.push_back(savepoint(step.level));
		return;
	case Verb::release: return release_savepoint(step.level);
	case Verb::rollback_to: return roll_back_to(step.level, budget);
	}
}

/* The snapshot is that of the first statement, whether it reads or writes. */
void
Connection::begin(const TransactionStep &step)
{
	demand_clean();
	if (span_ != Span::none)
		throw Error(FailureKind::other, "25001", "there is already a remote transaction in progress");
	span_read_only_ = step.read_only || read_only_;
	ahead_.clear();
	if (step.serializable) {
		ahead_.emplace_back("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
		ahead_.emplace_back(span_read_only_ ? "START TRANSACTION READ ONLY" : "START TRANSACTION");
	} else {
		ahead_.emplace_back(span_read_only_ ? "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
		                                    : "START TRANSACTION WITH CONSISTENT SNAPSHOT");
	}
	span_ = Span::asked;
}

/* Savepoints that were never sent go with the one they are nested in: no statement has run since. */
void
Connection::release_savepoint(int level)
{
	demand_open();
	auto const unsent = std::find(ahead_.begin(), ahead_.end(), savepoint(level));
	if (unsent != ahead_.end())
		ahead_.erase(unsent, ahead_.end());
	else
		ahead_.push_back(savepoint_command("RELEASE SAVEPOINT", level));
}

void
Connection::roll_back_to(int level, const Budget &budget)
{
	demand_open();
	auto const unsent = std::find(ahead_.begin(), ahead_.end(), savepoint(level));
	if (unsent != ahead_.end()) {
		ahead_.erase(unsent, ahead_.end());
		return;
	}
	if (span_ == Span::asked)
		throw Error(FailureKind::other, "3B001", "there is no such savepoint in the remote transaction");
	/* Commands that still wait belong to the levels below. */
	ahead_ = {savepoint_command("ROLLBACK TO SAVEPOINT", level), savepoint_command("RELEASE SAVEPOINT", level)};
	flush(budget);
}

/* Nobody has to wait for the end of a transaction that could change nothing. */
void
Connection::commit(const Budget &budget)
{
	if (span_ == Span::none)
		return;
	demand_open();
	ahead_.clear();
	if (span_ == Span::open && span_read_only_) {
		if (handle_->send("COMMIT", budget) != 0)
			throw lost_at_commit(report_of(handle_->get()).message);
		owed_ = true;
	} else if (span_ == Span::open) {
		int rc;
		try {
			rc = handle_->query("COMMIT", budget);
		} catch (const Error &error) {
			handle_->break_off();
			throw lost_at_commit(error.message);
		}
		if (rc != 0) {
			Report const report = report_of(handle_->get());
			doom(report);
			if (!is_lost(report.number))
				throw statement_error(report);
			handle_->break_off();
			throw lost_at_commit(report.message);
		}
	}
	span_ = Span::none;
}

/* A transaction without its connection is rolled back by the server. */
void
Connection::roll_back(const Budget &budget) noexcept
{
	bool const begun = span_ == Span::open || span_ == Span::ended;
	ahead_.clear();
	span_ = Span::none;
	if (!begun || handle_->broken())
		return;
	try {
		if (handle_->query("ROLLBACK", budget) != 0)
			handle_->break_off();
	} catch (const std::exception &) {
		handle_->break_off();
	}
}

} // namespace tenancy::remote::mysql
