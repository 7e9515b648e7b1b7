/*
 * A leased session in the service of foreign tables, and how deep its remote transaction is. Pure regime.
 *
 * The remote transaction follows the local one only when it is used: savepoints are set when a statement comes, and
 * those of subtransactions that committed are released when the next one does.
 */
#pragma once

#include <memory>

#include "connection/pool.pure.hpp"
#include "fdw/statement.pure.hpp"
#include "remote/driver.hpp"

namespace tenancy::fdw {

/* The state of the line that a statement wants to find. */
struct Footing {
	int level = 0; /* of the local transaction, from 1; 0: no remote transaction is needed */
	bool serializable = false;
	bool read_only = false;
	bool writes = false;
};

class Line {
public:
	Line(connection::Pool &pool, connection::Opening &opening, core::Waiter &waiter) : lease_(pool, opening, waiter) {}
	~Line();
	Line(const Line &) = delete;
	Line &operator=(const Line &) = delete;

	/* Close the session when the line ends instead of keeping it for the next transaction. */
	void keep(bool wanted) noexcept { keep_ = wanted; }

	Statement *open_statement() const noexcept { return open_; }
	/* A statement for callers that do not look at rows. */
	Statement &runner() noexcept { return runner_; }
	int socket() const noexcept { return lease_.session().socket(); }

	int depth() const noexcept { return depth_; } /* 0: no remote transaction */
	bool has_written() const noexcept { return written_ != 0; }
	/* Would reach() talk to the server? Then no statement may be open. */
	bool is_ready(const Footing &footing) const noexcept;
	/* Is the session of no use, with nothing to lose in it? */
	bool is_spent() const noexcept;
	/* Has the session not been heard of since it was leased? It may have broken while it was in the pool. */
	bool is_untried() const noexcept { return !tried_; }

	/* Make ready for a statement: its transaction begun, savepoints up to its level. */
	void reach(const Footing &footing, core::Deadline deadline, core::Waiter &waiter);
	/* End the remote transaction as the local one is about to. */
	void commit(core::Deadline deadline, core::Waiter &waiter);
	/* End everything at once, within the deadline or with the session. */
	void abort(core::Deadline deadline) noexcept;
	/* The local subtransaction of that level ended. */
	void subcommit(int level) noexcept;
	void subabort(int level, core::Deadline deadline) noexcept;

private:
	friend class Statement;

	/* Marks the line as failed unless what it guards passed. */
	class Trial {
	public:
		explicit Trial(Line &line) noexcept : line_(line) {}
		~Trial()
		{
			if (!passed_)
				line_.fail();
		}
		Trial(const Trial &) = delete;
		Trial &operator=(const Trial &) = delete;
		void pass() noexcept
		{
			passed_ = true;
			line_.tried_ = true;
		}

	private:
		Line &line_;
		bool passed_ = false;
	};

	remote::Session &session() const noexcept { return lease_.session(); }
	void step(const remote::TransactionStep &step, core::Deadline deadline, core::Waiter &waiter);
	void read_leftover(core::Waiter &waiter);
	void require_sound() const;
	void fail() noexcept;
	void close_statements() noexcept;
	void forget_transaction() noexcept;

	connection::Lease lease_;
	Statement *open_ = nullptr;
	std::unique_ptr<remote::Cursor> leftover_; /* of a statement that was closed before its end, and writes */
	remote::Batch scrap_;
	Statement runner_;
	int depth_ = 0;   /* 1: a transaction; more: its innermost savepoint */
	int merged_ = 0;  /* savepoints from here on belong to subtransactions that committed; 0: none */
	int written_ = 0; /* the outermost depth that has writes; 0: none */
	int failed_ = 0;  /* the remote transaction must be rolled back to this depth or further; 0: it is sound */
	bool lost_ = false;
	bool tried_ = false;
	bool keep_ = true;
};

} // namespace tenancy::fdw
