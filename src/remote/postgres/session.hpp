/*
 * A connection to a PostgreSQL server as remote::Session. Pure regime.
 */
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remote/driver.hpp"
#include "remote/postgres/arguments.hpp"
#include "remote/postgres/block.hpp"
#include "remote/postgres/dial.hpp"
#include "remote/postgres/link.hpp"
#include "remote/postgres/rows.hpp"
#include "remote/postgres/statements.hpp"

namespace tenancy::remote::postgres {

class Session final : public remote::Session {
public:
	Session(Endpoint endpoint, Link link, bool read_only);

	/* Make what the server sends independent of its configuration: one round trip. */
	void set_up(core::Deadline deadline, core::Waiter &waiter);

	std::unique_ptr<remote::Cursor> execute(std::string_view sql, std::span<const Param> params,
	                                        const RunOptions &options, core::Waiter &waiter) override;
	std::vector<Column> describe(std::string_view sql, const RunOptions &options, core::Waiter &waiter) override;
	void transact(const TransactionStep &step, core::Deadline deadline, core::Waiter &waiter) override;
	bool in_transaction() const noexcept override { return block_.is_open() && !broken_ && !link_.broken(); }
	int socket() const noexcept override { return PQsocket(link_.raw()); }
	bool reusable() const noexcept override;
	bool ping(core::Deadline deadline, core::Waiter &waiter) override;
	const std::string &server_version() const noexcept override { return version_; }

private:
	friend class Cursor;

	/* Stops what is on its way when it is left before the end. */
	class InFlight {
	public:
		explicit InFlight(Session &session) noexcept : session_(session) { session_.busy_ = true; }
		InFlight(const InFlight &) = delete;
		InFlight &operator=(const InFlight &) = delete;
		~InFlight()
		{
			if (!done_)
				session_.stop();
			session_.busy_ = false;
		}
		void done() noexcept { done_ = true; }

	private:
		Session &session_;
		bool done_ = false;
	};

	void prepare_to_run(core::Deadline deadline, core::Waiter &waiter);
	void renew(core::Deadline deadline, core::Waiter &waiter);
	void send_set_up();
	/* Sends what has to reach the server before the next statement. */
	void send_preamble(const RunOptions &options);
	void send_timeout(long timeout_ms);
	/* A statement prepared under that name is not needed any more. */
	void forget(const std::string &name) { forgotten_.push_back(name); }
	void send_forgotten();
	/* Receives everything outstanding, each step of which has to succeed; calls take(reply) for those that do. */
	void finish(core::Deadline deadline, core::Waiter &waiter, const std::function<void(Reply)> &take);
	void learn_type_names(const PGresult *described, core::Deadline deadline, core::Waiter &waiter);

	/* Is the session between statements, and inside or outside of a transaction as it has to be? */
	bool is_settled() const noexcept;
	/* A statement ended: did it leave something behind that the next user of the session would meet? */
	void statement_ended() noexcept;
	bool state_is_ours() const noexcept;
	/* Is a transaction that the server begins by itself sure to be read-only, whatever ran before? */
	bool defaults_to_read_only() const noexcept;
	/* Cancel the statement unless it ends by itself in a moment; true when everything is answered. */
	bool halt(core::Deadline budget, core::Waiter &waiter);
	/* Cancels the statement, and ends within a second with a clean session or a closed one. */
	void stop() noexcept;

	void begin(const TransactionStep &step);
	void commit(core::Deadline deadline, core::Waiter &waiter);
	void roll_back(core::Deadline deadline, core::Waiter &waiter);
	/* Run commands of a transaction in one trip; the tag of the last. */
	std::string command(std::span<const std::string> commands, core::Deadline deadline, core::Waiter &waiter);
	/* The server undid what was set in the transaction, or a part of it. */
	void settings_undone() noexcept;

	Endpoint endpoint_;
	Link link_;
	Statements statements_;
	TypeNames type_names_;
	std::string version_;
	Arguments arguments_; /* of the statement that runs */
	Block block_;
	std::vector<std::string> forgotten_;
	long remote_timeout_ms_ = 0;    /* in force on the server; 0: its own default; -1: unknown */
	bool timeout_in_block_ = false; /* it was set inside the transaction that is open */
	int process_ = 0;               /* of the backend that serves us */
	bool read_only_;
	bool sends_dates_;     /* their wire form is the one that PostgreSQL has known since 10 */
	bool busy_ = false;    /* a cursor, or another statement, is in flight */
	bool spoiled_ = false; /* a statement may have left its mark on the session's state */
	bool broken_ = false;  /* something of ours failed: never to be used again */
};

} // namespace tenancy::remote::postgres
