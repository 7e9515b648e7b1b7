/*
 * Transactions of a session that span statements. Pure regime.
 */
#include "core/error.hpp"
#include "remote/postgres/session.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

namespace {

std::string
begin_text(bool serializable, bool read_only)
{
	std::string sql = "BEGIN ISOLATION LEVEL ";
	sql += serializable ? "SERIALIZABLE" : "REPEATABLE READ";
	return read_only ? sql + " READ ONLY" : sql;
}

Error
rolled_back_error()
{
	return {FailureKind::query, "25P02", "the remote transaction could not be committed",
	        "It had failed before, and the remote server rolled it back."};
}

Error
unknown_outcome(const Error &cause)
{
	return {FailureKind::lost, "08007", "connection lost while the remote transaction was being committed",
	        "Whether it was committed is unknown: " + cause.message + ".",
	        "Look at the data on the remote server before you repeat what the transaction did."};
}

} // namespace

void
Session::transact(const TransactionStep &step, Deadline deadline, Waiter &waiter)
{
	using Verb = TransactionStep::Verb;
	demand_no_cursor(busy_);
	if (step.verb == Verb::begin)
		return begin(step);
	if (step.verb == Verb::rollback)
		return roll_back(deadline, waiter);
	if (!block_.is_open())
		throw Error(FailureKind::other, "25P01", "there is no remote transaction in progress");
	switch (step.verb) {
	case Verb::savepoint: return block_.savepoint(step.level);
	case Verb::release: return block_.release(step.level);
	case Verb::rollback_to:
		if (auto const commands = block_.roll_back_to(step.level); !commands.empty() && block_.is_begun()) {
			settings_undone();
			command(commands, deadline, waiter);
		}
		return;
	default: return commit(deadline, waiter);
	}
}

void
Session::begin(const TransactionStep &step)
{
	if (block_.is_open())
		throw Error(FailureKind::other, "25001", "there is already a remote transaction in progress");
	if (broken_ || !link_.idle())
		throw Error(FailureKind::lost, "08003", "the connection is closed");
	block_.begin(begin_text(step.serializable, step.read_only || read_only_));
	timeout_in_block_ = false;
}

std::string
Session::command(std::span<const std::string> commands, Deadline deadline, Waiter &waiter)
{
	if (broken_ || link_.status() == PQTRANS_UNKNOWN)
		throw Error(FailureKind::lost, "08003", "the connection is closed");
	std::string tag;
	broken_ = true;
	for (const std::string &sql : commands)
		link_.send_command(sql.c_str());
	link_.send_sync();
	try {
		finish(deadline, waiter, [&tag](Reply reply) { tag = PQcmdStatus(reply.result.get()); });
	} catch (const Error &) {
		broken_ = link_.status() == PQTRANS_UNKNOWN;
		throw;
	}
	broken_ = false;
	return tag;
}

void
Session::commit(Deadline deadline, Waiter &waiter)
{
	bool const begun = block_.is_begun(), dead = block_.is_dead();
	block_.end();
	if (dead)
		throw rolled_back_error();
	if (!begun)
		return;
	if (broken_ || link_.status() == PQTRANS_UNKNOWN)
		throw Error(FailureKind::other, "08003", "the connection was lost before the remote transaction was committed",
		            "The remote server rolled it back.");
	const std::string sql[] = {"COMMIT"};
	std::string tag;
	try {
		tag = command(sql, deadline, waiter);
	} catch (const Error &error) {
		settings_undone();
		if (link_.idle())
			throw;
		throw unknown_outcome(error);
	}
	if (tag == "COMMIT")
		return;
	settings_undone();
	throw rolled_back_error();
}

void
Session::roll_back(Deadline deadline, Waiter &waiter)
{
	bool const begun = block_.is_begun();
	block_.end();
	if (!begun || broken_ || link_.status() == PQTRANS_UNKNOWN)
		return;
	settings_undone();
	const std::string sql[] = {"ROLLBACK"};
	command(sql, deadline, waiter);
}

void
Session::settings_undone() noexcept
{
	if (timeout_in_block_)
		remote_timeout_ms_ = -1;
}

} // namespace tenancy::remote::postgres
