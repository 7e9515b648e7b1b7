/*
 * The state of a session: how it begins, what it keeps prepared, whether another user may have it next. Pure regime.
 */
#include <algorithm>
#include <exception>
#include <utility>

#include "core/error.hpp"
#include "remote/mysql/error.hpp"
#include "remote/mysql/number.hpp"
#include "remote/mysql/session.hpp"

namespace tenancy::remote::mysql {

namespace {

using core::Error;
using core::FailureKind;

constexpr std::size_t most_statements = 64;
/*
 * The room for their texts, as an INSERT of many rows is long, and for their columns, of which a server may send any.
 */
constexpr std::size_t most_kept_bytes = 4 << 20;
constexpr std::size_t largest_kept = most_kept_bytes / 8;
constexpr long housekeeping_ms = 1000;
/* How long a server waits for us to read on: longer than the statement may take, or the most that it can. */
constexpr long read_grace_s = 60;
constexpr long longest_read_s = 31'536'000;

/*
 * One meaning for every session, whatever the server's defaults: UTC, UTF-8, errors for values that do not fit,
 * || that concatenates, a backslash that is a backslash, differences below zero, and a 0 that is no next number.
 * What is done outside of a transaction is committed, and behind the end of one there is none. Identifiers stay in
 * backticks, "…" is a string.
 */
constexpr std::string_view session_settings =
	"SET NAMES utf8mb4, time_zone = '+00:00', group_concat_max_len = 1073741824, sql_auto_is_null = 0, "
	"sql_safe_updates = 0, sql_select_limit = DEFAULT, max_sort_length = 1024, autocommit = 1, completion_type = 0, "
	"net_write_timeout = 31536000, sql_mode = "
	"'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,"
	"PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,NO_UNSIGNED_SUBTRACTION,NO_AUTO_VALUE_ON_ZERO'";

/*
 * MariaDB's subquery cache compares outer columns by their own collation, and answers for 'ss' what it found for
 * 'SS', whatever the condition inside says; subqueries turned into joins by way of a temporary table do so too.
 */
constexpr std::string_view mariadb_settings =
	"SET optimizer_switch = 'subquery_cache=off,materialization=off,exists_to_in=off'";

/* This leaves START TRANSACTION as all that a transaction needs. */
constexpr std::string_view isolation = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

/* "10.11.6-MariaDB-0+deb12u1" is version 10.11.6; very old clients get it with a made-up 5.5.5- before it. */
std::string
version_text(MYSQL *mysql, bool is_mariadb)
{
	std::string_view text = mysql_get_server_info(mysql);
	if (is_mariadb && text.starts_with("5.5.5-"))
		text.remove_prefix(6);
	auto const end = std::find_if(text.begin(), text.end(), [](char c) { return (c < '0' || c > '9') && c != '.'; });
	return (is_mariadb ? "MariaDB " : "MySQL ") + std::string(text.begin(), end);
}

bool
runs_mariadb(MYSQL *mysql)
{
	return std::string_view(mysql_get_server_info(mysql)).find("MariaDB") != std::string_view::npos;
}

} // namespace

Statement::Statement(MYSQL *mysql, StatementKind of) : kind(of), stmt(mysql_stmt_init(mysql))
{
	if (stmt == nullptr)
		throw std::bad_alloc();
}

Statement::~Statement()
{
	if (stmt != nullptr)
		mysql_stmt_close(stmt);
}

Connection::Connection(Endpoint endpoint, std::unique_ptr<Handle> handle, bool read_only)
	: endpoint_(std::move(endpoint)), handle_(std::move(handle)), is_mariadb_(runs_mariadb(handle_->get())),
	  read_only_(read_only)
{
	version_ = version_text(handle_->get(), is_mariadb_);
}

/* The statements' handles are freed after the connection's, when closing them sends nothing any more. */
Connection::~Connection()
{
	handle_.reset();
}

void
Connection::run(std::string_view sql, const Budget &budget)
{
	if (handle_->query(sql, budget) != 0)
		throw statement_error(report_of(handle_->get()));
}

void
Connection::set_up(const Budget &budget)
{
	ahead_.emplace_back(session_settings);
	if (is_mariadb_)
		ahead_.emplace_back(mariadb_settings);
	ahead_.push_back(std::string(isolation) + (read_only_ ? ", READ ONLY" : ""));
	flush(budget);
}

/* MariaDB limits every statement, in seconds; MySQL only SELECT, in milliseconds. The rest is up to our own clock. */
std::string
Connection::time_limit(long timeout_ms) const
{
	long const read_s = timeout_ms > 0 ? timeout_ms / 1000 + read_grace_s : longest_read_s;
	std::string const sql = "SET SESSION net_write_timeout = " + std::to_string(read_s);
	if (!is_mariadb_)
		return sql + ", max_execution_time = " + std::to_string(timeout_ms);
	std::string fraction = std::to_string(timeout_ms % 1000);
	fraction.insert(0, 3 - fraction.size(), '0');
	return sql + ", max_statement_time = " + std::to_string(timeout_ms / 1000) + "." + fraction;
}

/*
 * The server says with every answer how it reads backslashes: if not as it should, somebody has changed the session,
 * and what a statement is can no longer be told from its text.
 */
void
Connection::lead_in(bool read_only, long timeout_ms, const Budget &budget)
{
	std::vector<std::string> first;
	if (read_only && (handle_->get()->server_status & SERVER_STATUS_NO_BACKSLASH_ESCAPES) == 0) {
		first.emplace_back(session_settings);
		if (is_mariadb_)
			first.emplace_back(mariadb_settings);
	}
	long const limit = std::max(timeout_ms, 0L);
	if (limit != time_limit_ms_ || altered_) {
		first.push_back(time_limit(limit));
		time_limit_ms_ = -1;
	}
	bool const single = read_only && span_ == Span::none;
	if (standing_ && !single)
		first.emplace_back("COMMIT");
	if (single && !standing_)
		first.emplace_back("START TRANSACTION READ ONLY");
	ahead_.insert(ahead_.begin(), std::make_move_iterator(first.begin()), std::make_move_iterator(first.end()));
	standing_ = false;
	single_ = single;
	flush(budget);
	time_limit_ms_ = limit;
}

/*
 * Send what waits, all of it at once, and read the answers. Where the library cannot have several commands on their
 * way, they go one by one, but we wait once.
 */
void
Connection::flush(const Budget &budget)
{
	if (ahead_.empty())
		return;
	std::vector<std::string> const commands = std::exchange(ahead_, {});
	Report failure;
	bool failed = false; /* the number of an error may be 0 */
	auto const note = [&](int rc) {
		if (rc != 0 && !std::exchange(failed, true))
			failure = report_of(handle_->get());
	};
	auto const send_all = [&] {
		for (const std::string &command : commands)
			note(is_connector_c ? handle_->send(command, budget) : handle_->query(command, budget));
	};
	handle_->together(send_all, budget);
	if (is_connector_c && !failed)
		for (std::size_t i = 0; i < commands.size(); ++i)
			note(handle_->receive(budget));
	if (!failed) {
		span_ = span_ == Span::asked ? Span::open : span_;
		return;
	}
	if (is_lost(failure.number))
		handle_->break_off();
	if (span_ != Span::none)
		doom(failure);
	throw statement_error(failure);
}

Statement *
Connection::find(std::string_view sql)
{
	auto const found =
		std::find_if(statements_.begin(), statements_.end(), [&](const Statement &item) { return item.sql == sql; });
	if (found == statements_.end())
		return nullptr;
	statements_.splice(statements_.begin(), statements_, found);
	return &statements_.front();
}

/* Has the statement not found again. */
void
Connection::forget(Statement &statement) noexcept
{
	kept_bytes_ -= std::exchange(statement.kept, 0);
	statement.sql.clear();
}

/*
 * Closing is a message without an answer: it waits only for room to send. When that is cut short the library may have
 * freed the handle, or taken it off its list: so it is not touched again, whatever comes of closing it.
 */
void
Connection::discard(Statement &statement) noexcept
{
	auto const found = std::find_if(statements_.begin(), statements_.end(),
	                                [&](const Statement &item) { return &item == &statement; });
	if (handle_->broken())
		return;
	forget(statement);
	try {
		core::PollWaiter waiter;
		handle_->close(std::exchange(statement.stmt, nullptr), {core::Deadline::after(housekeeping_ms), waiter});
		statements_.erase(found);
	} catch (const std::exception &) {
		/* Its time was up, or there is no memory. */
		handle_->break_off();
	}
}

/* Makes room for one more statement, whose text may have this size. */
void
Connection::make_room(std::size_t size)
{
	while (!statements_.empty() && !handle_->broken() &&
	       (statements_.size() >= most_statements || kept_bytes_ + size > most_kept_bytes))
		discard(statements_.back());
}

/* A statement that is to be found again counts with so many bytes of columns; it is not when it is too large. */
void
Connection::count(Statement &statement, std::size_t columns) noexcept
{
	if (statement.sql.empty())
		return;
	std::size_t const size = statement.sql.size() + columns;
	if (size > largest_kept)
		return forget(statement);
	kept_bytes_ += size - statement.kept;
	statement.kept = size;
}

/* Null when the server cannot prepare this kind of statement. */
Statement *
Connection::prepare(std::string_view sql, StatementKind kind, const Budget &budget)
{
	if (Statement *const known = find(sql))
		return known;
	make_room(std::min(sql.size(), largest_kept));
	Statement &statement = statements_.emplace_front(handle_->get(), kind);
	statement.leaves_mark = leaves_a_mark(sql);
	if (handle_->prepare(statement.stmt, sql, budget) != 0) {
		Report const report = report_of(statement.stmt);
		if (is_lost(report.number))
			handle_->break_off();
		discard(statement);
		if (report.number == number::unsupported_ps)
			return nullptr;
		throw statement_error(report);
	}
	/* Do not keep what changes rows and returns some: see send, which may have to run a kept statement again. */
	bool const keep =
		kind == StatementKind::reads || (kind == StatementKind::writes && mysql_stmt_field_count(statement.stmt) == 0);
	if (!keep || sql.size() > largest_kept)
		return &statement;
	statement.sql = sql;
	Metadata const columns(mysql_stmt_result_metadata(statement.stmt));
	count(statement, columns != nullptr ? size_of(mysql_fetch_fields(columns.get()), mysql_num_fields(columns.get())) : 0);
	return &statement;
}

std::vector<Column>
Connection::describe(std::string_view sql, const RunOptions &options, core::Waiter &waiter)
{
	demand_clean();
	Budget const budget = {core::Deadline::after(options.timeout_ms), waiter};
	collect(budget);
	/* A statement that was prepared before may describe a table as it was then. */
	if (Statement *const known = find(sql))
		discard(*known);
	Flow flow(*this);
	flow.statement = prepare(sql, classify(sql), budget);
	std::vector<Column> columns;
	if (flow.statement != nullptr)
		if (Metadata const metadata(mysql_stmt_result_metadata(flow.statement->stmt)); metadata != nullptr)
			columns = layout_of(mysql_fetch_fields(metadata.get()), mysql_num_fields(metadata.get()), true).columns;
	finish(flow, budget);
	return columns;
}

void
Connection::demand_clean() const
{
	if (handle_->broken())
		throw Error(FailureKind::lost, "08003", "connection to remote server is closed");
	demand_no_cursor(busy_);
}

/* The answer to what ended the statement before, which has arrived long ago. */
void
Connection::collect(const Budget &budget)
{
	if (!std::exchange(owed_, false) || handle_->receive(budget) == 0)
		return;
	Report const report = report_of(handle_->get());
	handle_->break_off();
	throw statement_error(report);
}

bool
Connection::reusable() const noexcept
{
	return !handle_->broken() && !busy_ && !altered_ && !single_ && span_ == Span::none &&
	       (owed_ || standing_ || !server_in_transaction()) &&
	       (handle_->get()->server_status & SERVER_STATUS_AUTOCOMMIT) != 0;
}

bool
Connection::ping(core::Deadline deadline, core::Waiter &waiter)
{
	if (handle_->broken() || busy_)
		return false;
	try {
		collect({deadline, waiter});
		if (handle_->ping({deadline, waiter}) == 0)
			return true;
		handle_->break_off();
		return false;
	} catch (const Error &) {
		return false;
	}
}

std::unique_ptr<Session>
connect(const Target &target, core::Waiter &waiter)
{
	Budget const budget = {core::Deadline::after(target.connect_timeout_ms), waiter};
	Endpoint endpoint = check(target, budget);
	auto handle = open(endpoint, budget);
	auto session = std::make_unique<Connection>(std::move(endpoint), std::move(handle), target.read_only);
	session->set_up(budget);
	return session;
}

} // namespace tenancy::remote::mysql
