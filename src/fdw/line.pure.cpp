/*
 * See line.pure.hpp. Pure regime.
 */
#include "fdw/line.pure.hpp"

#include <exception>

#include "core/error.hpp"
#include "core/poll.hpp"

namespace tenancy::fdw {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;
using Verb = remote::TransactionStep::Verb;

Line::~Line()
{
	close_statements();
	if (!keep_)
		lease_.discard();
}

bool
Line::is_ready(const Footing &footing) const noexcept
{
	return leftover_ == nullptr && merged_ == 0 && failed_ == 0 && !lost_ && depth_ >= footing.level;
}

bool
Line::is_spent() const noexcept
{
	return depth_ == 0 && open_ == nullptr && !session().reusable();
}

/* Takes one step; when it does not succeed, the line has failed. */
void
Line::step(const remote::TransactionStep &step, Deadline deadline, Waiter &waiter)
{
	Trial trial(*this);
	bool const tried = tried_;
	session().transact(step, deadline, waiter);
	trial.pass();
	/* A begin may not have left yet. */
	tried_ = tried;
}

/* Reads an answer that nobody wants, as its statement has to end by itself. */
void
Line::read_leftover(Waiter &waiter)
{
	if (leftover_ == nullptr)
		return;
	Trial trial(*this);
	while (leftover_->fetch(scrap_, waiter))
		;
	leftover_.reset();
	trial.pass();
}

void
Line::require_sound() const
{
	if (lost_)
		throw Error(FailureKind::lost, "08006", "the remote transaction was lost",
		            "The connection to the client database broke in the middle of it.",
		            "End the transaction and try again.");
	if (failed_ != 0)
		throw Error(FailureKind::query, "25P02", "the remote transaction is aborted",
		            "A statement in it failed, and what is left of the local transaction does not undo it.",
		            "End the transaction, or roll back to an earlier savepoint.");
}

/*
 * Called after an exception: closes what is open on the session; the remote transaction is in doubt from its depth on.
 */
void
Line::fail() noexcept
{
	close_statements();
	tried_ = true;
	if (depth_ == 0)
		return;
	failed_ = failed_ == 0 ? depth_ : failed_;
	lost_ = lost_ || !session().in_transaction();
}

void
Line::close_statements() noexcept
{
	if (open_ != nullptr)
		open_->drop();
	leftover_.reset();
}

void
Line::forget_transaction() noexcept
{
	depth_ = merged_ = written_ = failed_ = 0;
	lost_ = false;
}

void
Line::reach(const Footing &footing, Deadline deadline, Waiter &waiter)
{
	require_sound();
	read_leftover(waiter);
	if (merged_ != 0) {
		step({.verb = Verb::release, .level = merged_}, deadline, waiter);
		depth_ = merged_ - 1;
		written_ = written_ > depth_ ? depth_ : written_;
		merged_ = 0;
	}
	if (depth_ == 0 && footing.level > 0) {
		step({.verb = Verb::begin,
		      .serializable = footing.serializable,
		      .read_only = footing.read_only,
		      .will_write = footing.writes},
		     deadline, waiter);
		depth_ = 1;
	}
	while (depth_ < footing.level) {
		step({.verb = Verb::savepoint, .level = depth_ + 1}, deadline, waiter);
		++depth_;
	}
	if (footing.writes && written_ == 0)
		written_ = depth_;
}

/* A remote transaction that has written nothing can end by a rollback as well, which needs no healthy session. */
void
Line::commit(Deadline deadline, Waiter &waiter)
{
	if (open_ != nullptr)
		open_->close();
	if (depth_ == 0)
		return;
	if (written_ == 0 && (leftover_ != nullptr || failed_ != 0 || lost_)) {
		abort(Deadline::earlier(deadline, Deadline::after(2'000)));
		return;
	}
	require_sound();
	read_leftover(waiter);
	step({.verb = Verb::commit}, deadline, waiter);
	forget_transaction();
}

void
Line::abort(Deadline deadline) noexcept
{
	close_statements();
	if (depth_ == 0)
		return;
	try {
		core::PollWaiter waiter;
		session().transact({.verb = Verb::rollback}, deadline, waiter);
	} catch (const std::exception &) {
		keep_ = false; /* its end is the end of the remote transaction */
	}
	forget_transaction();
}

void
Line::subcommit(int level) noexcept
{
	if (depth_ >= level && (merged_ == 0 || merged_ > level))
		merged_ = level;
}

/*
 * The savepoints from merged_ on belong to subtransactions that level is not inside of: this level has not been here.
 */
void
Line::subabort(int level, Deadline deadline) noexcept
{
	if (depth_ < level || (merged_ != 0 && merged_ <= level))
		return;
	close_statements();
	merged_ = 0;
	try {
		core::PollWaiter waiter;
		if (!lost_)
			session().transact({.verb = Verb::rollback_to, .level = level}, deadline, waiter);
		failed_ = failed_ >= level ? 0 : failed_;
	} catch (const std::exception &) {
		lost_ = true;
	}
	written_ = written_ >= level ? 0 : written_;
	depth_ = level - 1;
}

} // namespace tenancy::fdw
