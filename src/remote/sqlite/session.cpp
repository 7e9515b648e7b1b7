/*
 * The SQLite driver: sessions and cursors over an open database. Pure regime.
 */
#include <memory>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "remote/driver.hpp"
#include "remote/room.hpp"
#include "remote/sqlite/database.hpp"
#include "remote/sqlite/row.hpp"

namespace tenancy::remote::sqlite {

namespace {

class FileSession;

/* The rows of one statement. While it has not reached its end it keeps a shared lock on the file. */
class RowCursor final : public Cursor {
public:
	RowCursor(FileSession &session, Statement statement, const RunOptions &options, core::Deadline deadline);
	~RowCursor() override;

	void start(core::Waiter &waiter);
	const std::vector<Column> &columns() const noexcept override { return *columns_; }
	bool fetch(Batch &batch, core::Waiter &waiter) override;
	std::int64_t affected() const noexcept override { return affected_; }

private:
	void advance(const Call &call);
	Call call(core::Waiter &waiter) const noexcept { return {waiter, deadline_, options_.read_only}; }

	FileSession &session_;
	Statement statement_;
	RunOptions options_;
	core::Deadline deadline_;
	std::shared_ptr<const std::vector<Column>> columns_;
	bool on_row_ = false;  /* SQLite stands on a row that no batch has yet */
	bool started_ = false; /* a row has been seen */
	std::int64_t changes_before_;
	std::int64_t affected_ = 0;
};

class FileSession final : public Session {
public:
	FileSession(File file, const Target &target, core::Waiter &waiter)
		: file_(std::move(file)), read_only_(target.read_only),
		  database_(file_, read_only_, {waiter, core::Deadline::after(target.connect_timeout_ms), read_only_}),
		  version_(std::string("SQLite ") + sqlite3_libversion())
	{}

	std::unique_ptr<Cursor> execute(std::string_view sql, std::span<const Param> params, const RunOptions &options,
	                                core::Waiter &waiter) override;
	std::vector<Column> describe(std::string_view sql, const RunOptions &options, core::Waiter &waiter) override;
	void transact(const TransactionStep &step, core::Deadline deadline, core::Waiter &waiter) override;
	/* True also when SQLite has rolled it back with an error, like an aborted transaction of PostgreSQL. */
	bool in_transaction() const noexcept override { return spanning_; }
	bool reusable() const noexcept override { return !cursor_open_ && !spanning_ && database_.idle(); }
	/* There is no server; but a file that was deleted or replaced is not the database any more. */
	bool ping(core::Deadline, core::Waiter &) override { return file_.still_there(); }
	const std::string &server_version() const noexcept override { return version_; }

private:
	friend class RowCursor;

	void begin(const TransactionStep &step, const Call &call);
	void demand_open() const;
	bool reads_only() const noexcept { return read_only_ || (spanning_ && span_read_only_); }

	File file_;
	bool read_only_;
	Database database_;
	std::string version_;
	bool cursor_open_ = false;
	bool spanning_ = false; /* between transact(begin) and its end */
	bool span_read_only_ = false;
};

RowCursor::RowCursor(FileSession &session, Statement statement, const RunOptions &options, core::Deadline deadline)
	: session_(session), statement_(std::move(statement)), options_(options), deadline_(deadline),
	  changes_before_(session.database_.total_changes())
{
	session_.cursor_open_ = true;
}

RowCursor::~RowCursor()
{
	session_.cursor_open_ = false;
}

/* Runs the statement up to its first row, which tells the types of expressions, or to its end. */
void
RowCursor::start(core::Waiter &waiter)
{
	advance(call(waiter));
	columns_ = statement_.columns(on_row_);
}

void
RowCursor::advance(const Call &call)
{
	Database &database = session_.database_;
	on_row_ = database.step(statement_.get(), call, started_);
	if (on_row_) {
		started_ = true;
		return;
	}
	/* changes() is that of the last INSERT, UPDATE or DELETE; a statement that is none changes no total. */
	if (database.total_changes() != changes_before_)
		affected_ = database.changes();
	sqlite3_reset(statement_.get()); /* drops the lock */
}

bool
RowCursor::fetch(Batch &batch, core::Waiter &waiter)
{
	batch.reset(columns_->size());
	if (!on_row_)
		return false;
	const std::vector<Column> &columns = *columns_;
	auto const most = static_cast<std::size_t>(options_.fetch_rows > 0 ? options_.fetch_rows : 1);
	Call const call = this->call(waiter);
	bool const reading = sqlite3_stmt_readonly(statement_.get()) != 0;
	while (on_row_ && batch.rows() < most && has_room(batch)) {
		read_row(statement_.get(), columns, options_.native, batch);
		affected_ += reading ? 1 : 0;
		if (waiter.interrupted())
			waiter.serve();
		advance(call);
	}
	return true;
}

std::unique_ptr<Cursor>
FileSession::execute(std::string_view sql, std::span<const Param> params, const RunOptions &options,
                     core::Waiter &waiter)
{
	demand_no_cursor(cursor_open_);
	if (spanning_)
		demand_open();
	RunOptions effective = options;
	effective.read_only = options.read_only || reads_only();
	auto const deadline = core::Deadline::after(options.timeout_ms);
	Statement statement = database_.prepare(sql, {waiter, deadline, effective.read_only});
	bind(statement.get(), params);
	auto cursor = std::make_unique<RowCursor>(*this, std::move(statement), effective, deadline);
	cursor->start(waiter);
	return cursor;
}

/* SQLite has rolled back a transaction by itself when it is in none any more: nothing may run on its own instead. */
void
FileSession::demand_open() const
{
	if (!spanning_)
		throw core::Error(core::FailureKind::other, "25P01", "there is no transaction in progress");
	if (database_.idle())
		throw core::Error(core::FailureKind::query, "40000", "transaction was rolled back by SQLite",
		                  "A statement of it was interrupted, or failed for good.",
		                  "Roll back the transaction and try it again.");
}

void
FileSession::begin(const TransactionStep &step, const Call &call)
{
	if (spanning_)
		throw core::Error(core::FailureKind::other, "25001", "there is already a transaction in progress");
	bool const reads = read_only_ || step.read_only;
	database_.command(step.will_write && !reads ? "BEGIN IMMEDIATE" : "BEGIN", call);
	spanning_ = true;
	span_read_only_ = reads;
}

void
FileSession::transact(const TransactionStep &step, core::Deadline deadline, core::Waiter &waiter)
{
	using Verb = TransactionStep::Verb;
	demand_no_cursor(cursor_open_);
	Call const call = {waiter, deadline, read_only_};
	std::string const savepoint = "s" + std::to_string(step.level);
	if (step.verb == Verb::begin)
		return begin(step, call);
	if (step.verb != Verb::rollback)
		demand_open();
	switch (step.verb) {
	case Verb::savepoint: return database_.command("SAVEPOINT " + savepoint, call);
	case Verb::release: return database_.command("RELEASE " + savepoint, call);
	case Verb::rollback_to:
		database_.command("ROLLBACK TO " + savepoint, call);
		return database_.command("RELEASE " + savepoint, call);
	case Verb::commit: database_.command("COMMIT", call); break;
	case Verb::rollback:
		if (spanning_ && !database_.idle())
			database_.command("ROLLBACK", call);
		break;
	case Verb::begin: break;
	}
	spanning_ = false;
}

std::vector<Column>
FileSession::describe(std::string_view sql, const RunOptions &options, core::Waiter &waiter)
{
	auto const deadline = core::Deadline::after(options.timeout_ms);
	Statement const statement = database_.prepare_anew(sql, {waiter, deadline, options.read_only || reads_only()});
	return columns_of(statement.get(), false);
}

} // namespace

std::unique_ptr<Session>
connect(const Target &target, core::Waiter &waiter)
{
	return std::make_unique<FileSession>(find_file(target), target, waiter);
}

} // namespace tenancy::remote::sqlite
