/*
 * Running one statement from its first message to the state in which the next may follow. Pure regime.
 */
#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "remote/mysql/bind.hpp"
#include "remote/mysql/cursor.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/number.hpp"
#include "remote/stop_limit.hpp"
#include "remote/text.hpp"

namespace tenancy::remote::mysql {

namespace {

using core::Error;
using core::FailureKind;

/* The server's own limit comes first, so that the session survives it; ours is for servers that have none. */
constexpr long grace_ms = 300;
/* A result that is left early may end by itself for so long, before it is killed; and all of that for so long. */
constexpr long quiet_ms = 20;
constexpr long settle_ms = 1000;
constexpr unsigned rows_at_once = 256; /* of those that nobody wants */

/* The server changed what was prepared (a table was altered) or forgot it: prepare again, once. */
bool
is_outdated(unsigned reported) noexcept
{
	return reported == number::unknown_stmt_handler || reported == number::need_reprepare ||
	       reported == number::new_stmt_metadata;
}

[[noreturn]] void
refuse_in_read_only(std::string_view sql, StatementKind kind)
{
	std::string word = printable(first_word(sql));
	for (char &c : word)
		c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
	std::string const what = kind == StatementKind::exports ? word + " INTO" : word.empty() ? "this statement" : word;
	throw Error(FailureKind::query, "25006", "cannot execute " + what + " in a read-only transaction");
}

/* The number of the statement's error; never 0, although a server may send that. */
unsigned
failure_of(MYSQL_STMT *stmt)
{
	unsigned const reported = mysql_stmt_errno(stmt);
	return reported != 0 ? reported : number::unknown_error;
}

} // namespace

/*
 * Waits while a statement is left: whatever does not end by itself at once is killed, and what does not end then is
 * given up. Kills before waiting for long, or between rows that come without waiting.
 */
struct Connection::Settling final : core::PollWaiter {
	explicit Settling(Connection &owner) : connection(owner) {}
	unsigned wait(int fd, unsigned events, core::Deadline) noexcept override
	{
		if (!killed)
			if (unsigned const ready = PollWaiter::wait(fd, events, quiet); ready != 0)
				return ready;
		kill();
		return PollWaiter::wait(fd, events, hard);
	}
	void kill() noexcept
	{
		if (!std::exchange(killed, true))
			kill_query(connection.endpoint_, mysql_thread_id(connection.handle_->get()));
	}
	/* Asked now and then; false when time is up. */
	bool go_on() noexcept
	{
		if (quiet.passed())
			kill();
		return !hard.passed();
	}

	Connection &connection;
	core::Deadline const quiet = StopLimit::after(quiet_ms), hard = StopLimit::after(settle_ms);
	bool killed = false;
};

Flow::Flow(Connection &connection) : owner(connection)
{
	owner.busy_ = true;
}

Flow::~Flow()
{
	owner.abandon(*this);
}

std::unique_ptr<Cursor>
Connection::execute(std::string_view sql, std::span<const Param> params, const RunOptions &options,
                    core::Waiter &waiter)
{
	demand_clean();
	if (span_ != Span::none)
		demand_open();
	const Statement *const known = find(sql);
	StatementKind const kind = known != nullptr ? known->kind : classify(sql);
	bool const read_only = read_only_ || options.read_only || (span_ != Span::none && span_read_only_);
	if (read_only && kind != StatementKind::reads)
		refuse_in_read_only(sql, kind);
	auto const deadline =
		options.timeout_ms > 0 ? core::Deadline::after(options.timeout_ms + grace_ms) : core::Deadline();
	Budget const budget = {deadline, waiter};
	collect(budget);
	auto cursor = std::make_unique<RowCursor>(*this, deadline, options);
	lead_in(read_only, options.timeout_ms, budget);
	std::shared_ptr<const Layout> layout = send(cursor->flow(), sql, params, kind, options.timeout_ms, budget);
	if (layout == nullptr)
		cursor->finish(static_cast<std::int64_t>(mysql_affected_rows(handle_->get())), budget);
	else
		cursor->begin(std::move(layout));
	return cursor;
}

/*
 * Run the statement; how its rows look, null when it returns none. MySQL's own time limit makes sleep() and get_lock()
 * return early, with success: rows that come after the limit are no answer. What returns none, as WITH … DELETE, is not
 * limited by it, and done.
 */
std::shared_ptr<const Layout>
Connection::send(Flow &flow, std::string_view sql, std::span<const Param> params, StatementKind kind, long timeout_ms,
                 const Budget &budget)
{
	for (bool again = false;; again = true) {
		flow.statement = prepare(sql, kind, budget);
		altered_ = altered_ || kind == StatementKind::exports || kind == StatementKind::other ||
		           (flow.statement != nullptr && flow.statement->leaves_mark);
		if (flow.statement == nullptr && params.empty())
			return send_text(flow, sql, budget);
		if (flow.statement == nullptr)
			throw Error(FailureKind::query, "0A000", "remote server takes no parameters for this kind of statement");
		auto const limit = core::Deadline::after(is_mariadb_ ? 0 : timeout_ms);
		unsigned const reported = execute_prepared(flow, params, budget);
		bool const returns_rows = mysql_stmt_field_count(flow.statement->stmt) != 0;
		if (reported == 0 && kind == StatementKind::reads && returns_rows && limit.passed())
			throw Error(FailureKind::timeout, "57014", "remote statement timed out");
		if (reported == 0)
			return bind_rows(*flow.statement);
		/* A procedure that is called may have such errors of its own, and have done something before. */
		bool const may_repeat = !again && !flow.statement->sql.empty();
		if (!may_repeat || !is_outdated(reported) || !read_out(flow, budget, nullptr))
			throw statement_error(report_of(flow.statement->stmt));
		forget(*flow.statement);
		release(flow);
	}
}

/* 0, or the number of the server's error. */
unsigned
Connection::execute_prepared(Flow &flow, std::span<const Param> params, const Budget &budget)
{
	MYSQL_STMT *const stmt = flow.statement->stmt;
	if (unsigned long const wanted = mysql_stmt_param_count(stmt); wanted != params.size())
		throw Error(FailureKind::query, "08P01",
		            "remote statement has " + std::to_string(wanted) + " parameters, but " +
		                std::to_string(params.size()) + " were given");
	binds_.clear();
	numbers_.resize(params.size());
	for (std::size_t i = 0; i < params.size(); ++i)
		binds_.push_back(binding(params[i], numbers_[i]));
	if (!binds_.empty() && mysql_stmt_bind_param(stmt, binds_.data()) != 0)
		throw statement_error(report_of(stmt));
	unsigned const reported = handle_->execute(stmt, budget) != 0 ? failure_of(stmt) : 0;
	flow.pending = reported == 0 || reported == number::new_stmt_metadata;
	return reported;
}

/*
 * The libraries keep the names of columns as they were when the statement was prepared, and Connector/C has for a
 * procedure's results a copy of their metadata without its extended part; what came with this execution is on the
 * connection. A server that sends nothing there says that nothing has changed since the last time, or since the
 * statement was prepared.
 */
std::shared_ptr<const Layout>
Connection::bind_rows(Statement &statement)
{
	unsigned const columns = mysql_stmt_field_count(statement.stmt);
	if (columns == 0)
		return nullptr;
	const MYSQL *const mysql = handle_->get();
	bool const unchanged = mysql->fields == nullptr || are_forgetful(mysql->fields, mysql->field_count);
	if (unchanged && statement.layout != nullptr)
		return statement.layout;
	bool const fresh = !unchanged && mysql->field_count == columns;
	Metadata const metadata(fresh ? nullptr : mysql_stmt_result_metadata(statement.stmt));
	if (!fresh && metadata == nullptr)
		throw std::bad_alloc();
	const MYSQL_FIELD *const fields = fresh ? mysql->fields : mysql_fetch_fields(metadata.get());
	bool const extended = fresh || unchanged;
	if (statement.layout != nullptr && statement.layout->describes(fields, columns, extended))
		return statement.layout;
	statement.layout = std::make_shared<Layout>(layout_of(fields, columns, extended));
	count(statement, size_of(fields, columns));
	return statement.layout;
}

std::shared_ptr<const Layout>
Connection::send_text(Flow &flow, std::string_view sql, const Budget &budget)
{
	run(sql, budget);
	flow.pending = true;
	if (mysql_field_count(handle_->get()) == 0)
		return nullptr;
	flow.text = mysql_use_result(handle_->get());
	if (flow.text == nullptr)
		throw statement_error(report_of(handle_->get()));
	return std::make_shared<Layout>(layout_of(mysql_fetch_fields(flow.text), mysql_num_fields(flow.text), true));
}

/*
 * Asked now and then while an answer that nobody wants is read out: the library never waits for a server that sends
 * faster than it is read. False when time is up for a statement that is left; for others that is an error.
 */
bool
Connection::go_on(const Budget &budget, Settling *settling)
{
	if (settling != nullptr)
		return settling->go_on();
	budget.waiter.serve();
	if (budget.deadline.passed())
		throw Error(FailureKind::timeout, "57014", "remote statement timed out");
	return true;
}

/* Reads everything that the server still sends for this statement; false when it ends in an error. */
bool
Connection::read_out(Flow &flow, const Budget &budget, Settling *settling)
{
	if (!flow.pending)
		return true;
	bool const good = flow.statement != nullptr ? read_out_prepared(flow.statement->stmt, budget, settling)
	                                            : read_out_text(flow, budget, settling);
	flow.pending = false;
	return good;
}

bool
Connection::read_out_prepared(MYSQL_STMT *stmt, const Budget &budget, Settling *settling)
{
	int rc;
	do {
		if (mysql_stmt_field_count(stmt) != 0) {
			rc = 0;
			auto const is_row = [&rc] { return rc == 0 || rc == MYSQL_DATA_TRUNCATED; };
			auto const some = [&] {
				for (unsigned i = 0; i < rows_at_once && is_row(); ++i)
					rc = handle_->fetch(stmt, budget);
			};
			do
				handle_->together(some, budget);
			while (is_row() && go_on(budget, settling));
			if (rc != MYSQL_NO_DATA)
				return false;
		}
		rc = mysql_more_results(handle_->get()) ? handle_->next_result(stmt, budget) : -1;
	} while (rc == 0 && go_on(budget, settling));
	return rc < 0;
}

bool
Connection::read_out_text(Flow &flow, const Budget &budget, Settling *settling)
{
	int rc;
	do {
		if (flow.text == nullptr && mysql_field_count(handle_->get()) != 0)
			flow.text = mysql_use_result(handle_->get());
		if (flow.text != nullptr) {
			bool more = true;
			auto const some = [&] {
				for (unsigned i = 0; i < rows_at_once && more; ++i)
					more = handle_->fetch_row(flow.text, budget) != nullptr;
			};
			for (handle_->together(some, budget); more; handle_->together(some, budget))
				if (!go_on(budget, settling))
					return false;
			if (has_failed(handle_->get()))
				return false;
			mysql_free_result(std::exchange(flow.text, nullptr));
		}
		rc = mysql_more_results(handle_->get()) ? handle_->next_result(budget) : -1;
	} while (rc == 0 && go_on(budget, settling));
	return rc < 0;
}

/*
 * Ends the read-only transaction around a statement, but does not wait for that, as nothing was changed. On a session
 * that only reads, beginning the next transaction ends this one, and the next statement finds it open.
 */
void
Connection::finish(Flow &flow, const Budget &budget)
{
	if (!read_out(flow, budget, nullptr))
		throw statement_error(flow.statement != nullptr ? report_of(flow.statement->stmt) : report_of(handle_->get()));
	release(flow);
	if (single_) {
		if (handle_->send(read_only_ ? "START TRANSACTION READ ONLY" : "COMMIT", budget) != 0)
			throw statement_error(report_of(handle_->get()));
		owed_ = true;
		standing_ = read_only_;
		single_ = false;
	}
	if (span_ == Span::open && !server_in_transaction())
		span_ = Span::none;
	flow.open = false;
	busy_ = false;
}

/* Frees all that is left of the statement. */
void
Connection::release(Flow &flow) noexcept
{
	if (flow.text != nullptr)
		mysql_free_result(std::exchange(flow.text, nullptr));
	Statement *const statement = std::exchange(flow.statement, nullptr);
	if (statement != nullptr && statement->sql.empty())
		discard(*statement);
	busy_ = flow.open;
}

/*
 * Read what is left, or have the server stop; then end the transaction around the statement. One that spans statements
 * stays, if the server has kept it: an error does not tell, the answer to the next command does.
 */
void
Connection::settle(Flow &flow)
{
	Settling waiter(*this);
	Budget const budget = {waiter.hard, waiter};
	Report const cause = flow.statement != nullptr ? report_of(flow.statement->stmt) : report_of(handle_->get());
	read_out(flow, budget, &waiter);
	if (is_lost(mysql_errno(handle_->get())) || waiter.hard.passed())
		return handle_->break_off();
	/* The kill may have come after the end, and then hits the next statement: this one. */
	if ((waiter.killed || span_ == Span::open) && handle_->query("DO 0", budget) != 0 &&
	    handle_->query("DO 0", budget) != 0)
		return handle_->break_off();
	if (span_ == Span::open && !server_in_transaction())
		doom(cause);
	if (single_)
		run("ROLLBACK", budget);
	single_ = false;
}

void
Connection::abandon(Flow &flow) noexcept
{
	if (flow.open && !handle_->broken()) {
		try {
			settle(flow);
		} catch (const std::exception &) {
			/* Time is up, or there is no memory: no more can be done for this connection. */
		}
		if (single_ || flow.pending)
			handle_->break_off();
	} else if (flow.open && handle_->suspended()) {
		kill_query(endpoint_, mysql_thread_id(handle_->get()));
		handle_->break_off();
	}
	flow.open = false;
	release(flow);
}

} // namespace tenancy::remote::mysql
