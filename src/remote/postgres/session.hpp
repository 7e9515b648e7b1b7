/*
 * A connection to a PostgreSQL server as remote::Session. Pure regime.
 */
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "remote/driver.hpp"
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
	void transact(const TransactionStep &, core::Deadline, core::Waiter &) override {}
	bool in_transaction() const noexcept override { return false; }
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
		bool is_done() const noexcept { return done_; }

	private:
		Session &session_;
		bool done_ = false;
	};

	void prepare_to_run(core::Deadline deadline, core::Waiter &waiter);
	void renew(core::Deadline deadline, core::Waiter &waiter);
	void send_set_up();
	void send_timeout(long timeout_ms);
	/* Everything outstanding, each step of which has to succeed; calls take(result) for those with rows. */
	template <typename Take> void finish(core::Deadline deadline, core::Waiter &waiter, Take &&take);
	void learn_type_names(const PGresult *described, core::Deadline deadline, core::Waiter &waiter);
	/* A statement ended: did it leave something behind that the next user of the session would meet? */
	void statement_ended() noexcept;
	bool state_is_ours() const noexcept;
	/* Within a second: cancel the statement, and end with a clean session or a closed one. */
	void stop() noexcept;

	Endpoint endpoint_;
	Link link_;
	Statements statements_;
	TypeNames type_names_;
	std::string version_;
	long remote_timeout_ms_ = 0; /* in force on the server; 0: its own default */
	int process_ = 0;            /* of the backend that serves us */
	bool read_only_;
	bool busy_ = false;    /* a cursor, or another statement, is in flight */
	bool spoiled_ = false; /* a statement may have left its mark on the session's state */
	bool broken_ = false;  /* something of ours failed: never to be used again */
};

} // namespace tenancy::remote::postgres
