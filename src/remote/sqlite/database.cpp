/*
 * An open and hardened SQLite database. SQLite works inside this process and never waits on its own: a lock is
 * waited for through the Waiter, and a progress handler ends what takes too long. Pure regime.
 */
#include "remote/sqlite/database.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "core/error.hpp"
#include "remote/sqlite/error.hpp"
#include "remote/sqlite/exact.hpp"
#include "remote/sqlite/function.hpp"
#include "remote/sqlite/row.hpp"
#include "remote/sql_tokens.hpp"

namespace tenancy::remote::sqlite {

namespace {

using core::Error;
using core::FailureKind;

constexpr std::size_t max_cached = 64;
constexpr std::size_t max_cached_sql = 64 << 10;
constexpr int operations_between_checks = 1000; /* some microseconds */
constexpr std::int64_t heap_limit = 512 << 20;  /* of all SQLite databases of the process */
/* A wait for a lock ends even without a statement timeout: the lock may be held by another cursor of this backend. */
constexpr long lock_timeout_ms = 30'000;

constexpr std::pair<int, int> limit_table[] = {
	{SQLITE_LIMIT_ATTACHED, 0},
	{SQLITE_LIMIT_LENGTH, 64 << 20},
	{SQLITE_LIMIT_SQL_LENGTH, 4 << 20},
	{SQLITE_LIMIT_EXPR_DEPTH, 500},
	{SQLITE_LIMIT_COMPOUND_SELECT, 200},
	{SQLITE_LIMIT_VDBE_OP, 5'000'000},
	{SQLITE_LIMIT_FUNCTION_ARG, 100},
	{SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256}, /* LIKE takes the product of both lengths, without a check between */
	{SQLITE_LIMIT_VARIABLE_NUMBER, 32'766},
	{SQLITE_LIMIT_TRIGGER_DEPTH, 32},
	{SQLITE_LIMIT_WORKER_THREADS, 0}, /* no thread in a backend, ever */
};

constexpr std::pair<int, int> switch_table[] = {
	{SQLITE_DBCONFIG_DEFENSIVE, 1},
	{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
	{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
	{SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
	{SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
	{SQLITE_DBCONFIG_DQS_DML, 0}, /* "word" is a name, as in PostgreSQL, never a string */
	{SQLITE_DBCONFIG_DQS_DDL, 0},
	{SQLITE_DBCONFIG_ENABLE_FKEY, 1},
};

/* mmap_size: a mapped file that somebody cuts short would be a SIGBUS. */
constexpr const char *setup_sql = "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;";
constexpr const char *read_only_sql = "PRAGMA query_only = ON;";

/* Virtual tables that stay; fts3 is among the others. */
constexpr const char *kept_modules[] = {"fts5", "fts5vocab", "json_each", "json_tree", "rtree", "rtree_i32", nullptr};

void
require(bool done)
{
	if (!done)
		throw Error(FailureKind::other, "58000", "could not secure a SQLite database",
		            "The SQLite library refused a setting.");
}

/*
 * Has sorts that outgrow their memory go beside the databases. In the temporary directory of the machine or in the
 * server's own, they could fill a disk that PostgreSQL cannot do without.
 */
void
put_temporary_files_in(const std::string &directory)
{
	if (sqlite3_temp_directory != nullptr && directory == sqlite3_temp_directory)
		return;
	char *const copy = sqlite3_mprintf("%s", directory.c_str());
	if (copy == nullptr)
		throw std::bad_alloc();
	sqlite3_free(std::exchange(sqlite3_temp_directory, copy));
}

/* Is it blanks, comments and semicolons only: what may follow a statement? */
bool
is_filling(std::string_view sql) noexcept
{
	sql::Tokens tokens(sql::Dialect::sqlite, sql);
	sql::Token token = tokens.next_code();
	while (token.is(';'))
		token = tokens.next_code();
	return token.kind == sql::Kind::end;
}

} // namespace

Statement::~Statement()
{
	if (taken_.empty())
		return;
	sqlite3_reset(get());
	sqlite3_clear_bindings(get());
	if (taken_.front().sql.size() > max_cached_sql)
		return;
	cache_->splice(cache_->begin(), taken_);
	if (cache_->size() > max_cached)
		cache_->pop_back();
}

std::shared_ptr<const std::vector<Column>>
Statement::columns(bool with_row)
{
	CachedStatement &entry = taken_.front();
	int const compilations = sqlite3_stmt_status(get(), SQLITE_STMTSTATUS_REPREPARE, 0);
	if (entry.columns != nullptr && entry.compilations == compilations)
		return entry.columns;
	auto columns = std::make_shared<const std::vector<Column>>(columns_of(get(), with_row));
	bool const fixed = std::none_of(columns->begin(), columns->end(), [&](const Column &column) {
		return sqlite3_column_decltype(get(), static_cast<int>(&column - columns->data())) == nullptr;
	});
	entry.columns = fixed ? columns : nullptr;
	entry.compilations = compilations;
	return columns;
}

Database::Database(const File &file, bool read_only, const Call &call)
{
	open(file, read_only);
	harden(read_only);
	look(call);
	require_utf8(call);
	if (!file.still_there())
		throw Error(FailureKind::database, "58030", "the database file was replaced while it was opened");
}

/* The path is absolute, so it can be no URI; NOFOLLOW refuses a link that has replaced a part of it meanwhile. */
void
Database::open(const File &file, bool read_only)
{
	static std::int64_t const limited = sqlite3_hard_heap_limit64(heap_limit);
	require(limited >= 0);
	put_temporary_files_in(file.root);
	int const flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOFOLLOW |
	                  SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	sqlite3 *handle = nullptr;
	int const code = sqlite3_open_v2(file.path.c_str(), &handle, flags, nullptr);
	handle_.reset(handle);
	if (code != SQLITE_OK) {
		Error error = error_of(handle, code);
		error.kind = FailureKind::database;
		throw error;
	}
}

void
Database::harden(bool read_only)
{
	sqlite3 *const handle = handle_.get();
	sqlite3_extended_result_codes(handle, 1);
	for (auto const &[limit, value] : limit_table) {
		sqlite3_limit(handle, limit, value);
		require(sqlite3_limit(handle, limit, -1) <= value);
	}
	for (auto const &[option, value] : switch_table) {
		int now = -1;
		require(sqlite3_db_config(handle, option, value, &now) == SQLITE_OK && now == value);
	}
	require(sqlite3_drop_modules(handle, const_cast<const char **>(kept_modules)) == SQLITE_OK);
	require(install_functions(handle) && install_typed_functions(handle) && install_exact_functions(handle));
	require(sqlite3_exec(handle, setup_sql, nullptr, nullptr, nullptr) == SQLITE_OK);
	require(!read_only || sqlite3_exec(handle, read_only_sql, nullptr, nullptr, nullptr) == SQLITE_OK);
	sqlite3_progress_handler(handle, operations_between_checks, progress, this);
	authorizer_.install(handle);
}

/* SQLite opens anything; only reading shows whether it is a database, and whether its schema is still as known. */
void
Database::look(const Call &call)
{
	Statement const statement = prepare("SELECT 1 FROM sqlite_schema LIMIT 1", call);
	step(statement.get(), call, false);
}

/* Refuses a file of UTF-16, in which texts have other bytes than here when they are compared or become blobs. */
void
Database::require_utf8(const Call &call)
{
	Statement const statement = prepare("PRAGMA encoding", call);
	if (!step(statement.get(), call, false))
		return;
	auto const *const encoding = reinterpret_cast<const char *>(sqlite3_column_text(statement.get(), 0));
	if (encoding == nullptr || std::string_view(encoding) != "UTF-8")
		throw Error(FailureKind::database, "0A000", "the encoding of the SQLite database is not UTF-8");
}

/*
 * Called by SQLite now and then; 1 ends the statement. An interrupt may be one that ends nothing, so it is served here:
 * no code that it runs knows of SQLite. What it leaves by must not pass through SQLite, and waits for the statement's
 * end.
 */
int
Database::progress(void *self) noexcept
{
	auto &database = *static_cast<Database *>(self);
	if (database.call_ == nullptr)
		return 0;
	if (database.interrupt_ == nullptr && database.call_->waiter.interrupted()) {
		try {
			database.call_->waiter.serve();
		} catch (...) {
			database.interrupt_ = std::current_exception();
		}
	}
	return database.interrupt_ != nullptr || database.call_->deadline.passed() ? 1 : 0;
}

void
Database::wait_for_lock(const Call &call)
{
	if (lock_deadline_.never())
		lock_deadline_ = core::Deadline::earlier(call.deadline, core::Deadline::after(lock_timeout_ms));
	if (lock_deadline_.passed())
		throw Error(FailureKind::timeout, "55P03", "could not obtain a lock on the database in time",
		            "Another statement holds it.");
	call.waiter.wait(-1, 0, core::Deadline::earlier(lock_deadline_, core::Deadline::after(pause_ms_)));
	pause_ms_ = std::min(pause_ms_ * 2, 50);
}

/*
 * Lets an operation that met BUSY start anew, as SQLite has rolled it back. Not one that has shown a row, since it
 * might show other rows then, nor one that has lost its transaction. And what a transaction has read never becomes new
 * again (BUSY_SNAPSHOT, of databases with a write-ahead log).
 */
void
Database::recover(int code, const Call &call, bool started, bool within)
{
	if (authorizer_.refused())
		throw authorizer_.error();
	if (code == SQLITE_BUSY_SNAPSHOT && within)
		throw Error(FailureKind::query, "40001", "could not serialize access to the database",
		            "It was changed after the transaction had read it.", "Roll back the transaction and try it again.");
	if ((code & 0xff) == SQLITE_BUSY && !started && !(within && idle()))
		return wait_for_lock(call);
	if ((code & 0xff) == SQLITE_INTERRUPT && call.deadline.passed())
		throw Error(FailureKind::timeout, "57014", "canceling statement due to statement timeout");
	throw error_of(handle_.get(), code);
}

/* Run operation until it is done. */
template <typename Operation>
int
Database::run(const Call &call, bool started, Operation operation)
{
	bool const within = !idle();
	lock_deadline_ = {};
	pause_ms_ = 1;
	for (;;) {
		authorizer_.begin(call.read_only, call.own_step);
		call_ = &call;
		int const code = operation();
		call_ = nullptr;
		if (interrupt_ != nullptr)
			std::rethrow_exception(std::exchange(interrupt_, nullptr));
		if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
			return code;
		recover(code, call, started, within);
	}
}

Statement
Database::prepare(std::string_view sql, const Call &call)
{
	auto const known = std::find_if(cache_.begin(), cache_.end(), [&](const CachedStatement &entry) {
		return entry.read_only == call.read_only && entry.sql == sql;
	});
	StatementList taken;
	if (known != cache_.end()) {
		taken.splice(taken.begin(), cache_, known);
		return {cache_, std::move(taken)};
	}

	if (sql.find('\0') != std::string_view::npos)
		throw Error(FailureKind::query, "22021", "the statement contains a zero byte");
	taken.push_back({std::string(sql), call.read_only, nullptr, nullptr, 0});
	const std::string &text = taken.front().sql;
	const char *tail = nullptr;
	run(call, false, [&] {
		sqlite3_stmt *statement = nullptr;
		int const size = static_cast<int>(std::min(text.size() + 1, std::size_t{1} << 30));
		int const code =
			sqlite3_prepare_v3(handle_.get(), text.c_str(), size, SQLITE_PREPARE_PERSISTENT, &statement, &tail);
		taken.front().handle.reset(statement);
		return code;
	});
	if (taken.front().handle == nullptr)
		throw Error(FailureKind::query, "42601", "the statement is empty");
	if (call.read_only && sqlite3_stmt_readonly(taken.front().handle.get()) == 0) /* should the authorizer miss a way */
		throw Error(FailureKind::query, "25006", "cannot execute a statement that writes on a read-only connection");
	if (!is_filling(tail))
		throw Error(FailureKind::query, "42601", "cannot run more than one statement at a time");
	return {cache_, std::move(taken)};
}

Statement
Database::prepare_anew(std::string_view sql, const Call &call)
{
	look(call);
	cache_.remove_if([&](const CachedStatement &entry) { return entry.sql == sql; });
	return prepare(sql, call);
}

bool
Database::step(sqlite3_stmt *statement, const Call &call, bool started)
{
	return run(call, started, [statement] { return sqlite3_step(statement); }) == SQLITE_ROW;
}

/* Runs a command of ours, past the cache of users' statements. */
void
Database::command(const std::string &sql, const Call &call)
{
	Call const own = {call.waiter, call.deadline, call.read_only, true};
	StatementHandle handle;
	run(own, false, [&] {
		sqlite3_stmt *statement = nullptr;
		int const code = sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &statement, nullptr);
		handle.reset(statement);
		return code;
	});
	run(own, false, [&] { return sqlite3_step(handle.get()); });
}

} // namespace tenancy::remote::sqlite
