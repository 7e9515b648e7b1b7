/*
 * One session: its statements, its transactions, and how a statement is left early. Pure regime.
 */
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "remote/driver.hpp"
#include "remote/mysql/connect.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/lexer.hpp"
#include "remote/mysql/types.hpp"

namespace tenancy::remote::mysql {

struct FreeResult {
	void operator()(MYSQL_RES *result) const noexcept { mysql_free_result(result); }
};
using Metadata = std::unique_ptr<MYSQL_RES, FreeResult>;

/* A prepared statement. Its handle may be freed only by Connection::discard, or after the connection is closed. */
struct Statement {
	Statement(MYSQL *mysql, StatementKind of);
	~Statement();
	Statement(const Statement &) = delete;
	Statement &operator=(const Statement &) = delete;

	std::string sql;      /* empty: not to be found again */
	std::size_t kept = 0; /* bytes of it, and of what is known of its columns */
	StatementKind kind;
	bool leaves_mark = false; /* in the session that runs it */
	MYSQL_STMT *stmt;
	std::shared_ptr<const Layout> layout; /* of its rows, as they were last */
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

/* The state of a transaction that spans statements: see Connection::transact. */
enum class Span : std::uint8_t {
	none,
	asked, /* begins with the next statement */
	open,
	ended /* by the server, which has rolled it back: the caller still has to */
};

class Connection final : public remote::Session {
public:
	Connection(Endpoint endpoint, std::unique_ptr<Handle> handle, bool read_only);
	~Connection() override;

	/* Sends what every session needs before its first statement. */
	void set_up(const Budget &budget);

	std::unique_ptr<Cursor> execute(std::string_view sql, std::span<const Param> params, const RunOptions &options,
	                                core::Waiter &waiter) override;
	std::vector<Column> describe(std::string_view sql, const RunOptions &options, core::Waiter &waiter) override;
	void transact(const TransactionStep &step, core::Deadline deadline, core::Waiter &waiter) override;
	/* True also when the server has ended it with an error, like an aborted transaction of PostgreSQL. */
	bool in_transaction() const noexcept override { return span_ != Span::none && !handle_->broken(); }
	bool reusable() const noexcept override;
	bool ping(core::Deadline deadline, core::Waiter &waiter) override;
	const std::string &server_version() const noexcept override { return version_; }

	/* For the cursor. */
	Handle &handle() noexcept { return *handle_; }
	/* Reads what else the statement returned after its last row, and ends its transaction. */
	void finish(Flow &flow, const Budget &budget);

private:
	friend struct Flow;
	struct Settling;
	/* Leave the statement wherever it is; afterwards the session is clean, or broken. */
	void abandon(Flow &flow) noexcept;
	void run(std::string_view sql, const Budget &budget);
	void demand_clean() const;
	void collect(const Budget &budget);
	/* Sends what the next statement needs before it, in one round trip. */
	void lead_in(bool read_only, long timeout_ms, const Budget &budget);
	std::string time_limit(long timeout_ms) const;
	void flush(const Budget &budget);
	bool server_in_transaction() const noexcept;

	void begin(const TransactionStep &step);
	void roll_back_to(int level, const Budget &budget);
	void release_savepoint(int level);
	void commit(const Budget &budget);
	void roll_back(const Budget &budget) noexcept;
	void demand_open() const;
	void doom(const Report &cause);

	Statement *prepare(std::string_view sql, StatementKind kind, const Budget &budget);
	Statement *find(std::string_view sql);
	void make_room(std::size_t size);
	void count(Statement &statement, std::size_t columns) noexcept;
	void forget(Statement &statement) noexcept;
	void discard(Statement &statement) noexcept;
	std::shared_ptr<const Layout> send(Flow &flow, std::string_view sql, std::span<const Param> params,
	                                   StatementKind kind, long timeout_ms, const Budget &budget);
	unsigned execute_prepared(Flow &flow, std::span<const Param> params, const Budget &budget);
	std::shared_ptr<const Layout> bind_rows(Statement &statement);
	std::shared_ptr<const Layout> send_text(Flow &flow, std::string_view sql, const Budget &budget);
	static bool go_on(const Budget &budget, Settling *settling);
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
	bool single_ = false;   /* in a read-only transaction around one statement */
	bool standing_ = false; /* in the next one of these, which has seen nothing yet */
	bool owed_ = false;     /* the answer to a command sent ahead is still to be read */
	bool altered_ = false;  /* a statement may have changed the session */
	bool busy_ = false;     /* a cursor is open */
	Span span_ = Span::none;
	bool span_read_only_ = false;
	std::string span_end_;               /* why the server has ended it */
	std::vector<std::string> ahead_;     /* commands of the transaction that wait for its next statement */
	std::vector<MYSQL_BIND> binds_;      /* of the parameters of one execution */
	std::vector<std::uint64_t> numbers_; /* which some of them point at */
	std::size_t kept_bytes_ = 0;         /* of statements_ */
	long time_limit_ms_ = 0;             /* on the server, as last set; -1: unknown */
};

} // namespace tenancy::remote::mysql
