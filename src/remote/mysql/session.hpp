/*
 * One session: its statements, its read-only transactions, and how a statement is left early. Pure regime.
 */
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "remote/driver.hpp"
#include "remote/mysql/connect.hpp"
#include "remote/mysql/lexer.hpp"
#include "remote/mysql/types.hpp"

namespace tenancy::remote::mysql {

/* A prepared statement. Its handle may be freed only by Connection::discard, or after the connection is closed. */
struct Statement {
	explicit Statement(MYSQL *mysql);
	~Statement();
	Statement(const Statement &) = delete;
	Statement &operator=(const Statement &) = delete;

	std::string sql; /* empty: not to be found again */
	MYSQL_STMT *stmt;
	std::vector<Shape> shapes; /* of the row that is bound */
	Row row;
};

class Connection;

/* A statement on its way: dies finished, or is abandoned. The session has one at a time. */
struct Flow {
	explicit Flow(Connection &connection);
	~Flow();
	Flow(const Flow &) = delete;
	Flow &operator=(const Flow &) = delete;

	Connection &owner;
	Statement *statement = nullptr; /* prepared, or */
	MYSQL_RES *text = nullptr;      /* rows of the text protocol */
	bool pending = false;           /* the server has more to say */
	bool open = true;
};

class Connection final : public remote::Session {
public:
	Connection(Endpoint endpoint, std::unique_ptr<Handle> handle, bool read_only);
	~Connection() override;

	/* What every session needs before its first statement. */
	void set_up(const Budget &budget);

	std::unique_ptr<Cursor> execute(std::string_view sql, std::span<const Param> params, const RunOptions &options,
	                                core::Waiter &waiter) override;
	std::vector<Column> describe(std::string_view sql, const RunOptions &options, core::Waiter &waiter) override;
	void transact(const TransactionStep &, core::Deadline, core::Waiter &) override {}
	bool in_transaction() const noexcept override { return false; }
	bool reusable() const noexcept override;
	bool ping(core::Deadline deadline, core::Waiter &waiter) override;
	const std::string &server_version() const noexcept override { return version_; }

	/* For the cursor. */
	Handle &handle() noexcept { return *handle_; }
	/* After the last row: read what else the statement returned, and end its transaction. */
	void finish(Flow &flow, const Budget &budget);

private:
	friend struct Flow;
	struct Settling;
	/* Leave the statement wherever it is; afterwards the session is clean, or broken. */
	void abandon(Flow &flow) noexcept;
	void run(std::string_view sql, const Budget &budget);
	void demand_clean() const;
	void collect(const Budget &budget);
	void limit_time(long timeout_ms, const Budget &budget);
	void begin_read_only(const Budget &budget);
	Statement *prepare(std::string_view sql, StatementKind kind, const Budget &budget);
	Statement *find(std::string_view sql);
	void discard(Statement &statement) noexcept;
	std::vector<Shape> send(Flow &flow, std::string_view sql, std::span<const Param> params, StatementKind kind,
	                        const Budget &budget);
	unsigned execute_prepared(Flow &flow, std::span<const Param> params, const Budget &budget);
	std::vector<Shape> bind_rows(Statement &statement);
	std::vector<Shape> send_text(Flow &flow, std::string_view sql, const Budget &budget);
	bool read_out(Flow &flow, const Budget &budget, Settling *settling);
	bool read_out_prepared(MYSQL_STMT *stmt, const Budget &budget, Settling *settling);
	bool read_out_text(Flow &flow, const Budget &budget, Settling *settling);
	void settle(Flow &flow);
	void release(Flow &flow) noexcept;

	std::list<Statement> statements_; /* most recent first; outlives handle_ */
	Endpoint endpoint_;
	std::unique_ptr<Handle> handle_;
	std::string version_;
	bool is_mariadb_;
	bool read_only_;
	bool in_transaction_ = false; /* one of ours */
	bool owed_ = false;           /* the answer to its COMMIT is still to be read */
	bool altered_ = false;        /* a statement may have changed the session */
	bool busy_ = false;           /* a cursor is open */
	long time_limit_ms_ = 0;      /* on the server, as last set */
};

} // namespace tenancy::remote::mysql
