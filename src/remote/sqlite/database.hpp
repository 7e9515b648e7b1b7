/*
 * An open and hardened SQLite database, its prepared statements, and the loop that runs them without blocking.
 * Pure regime.
 */
#pragma once

#include <exception>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include "core/waiter.hpp"
#include "remote/driver.hpp"
#include "remote/sqlite/authorizer.hpp"
#include "remote/sqlite/path.hpp"

namespace tenancy::remote::sqlite {

/* The caller on whose behalf SQLite works at the moment, and until when. */
struct Call {
	core::Waiter &waiter;
	core::Deadline deadline;
	bool read_only;
	bool own_step = false; /* a transaction command, which only the session itself may give */
};

struct FinalizeStatement {
	void operator()(sqlite3_stmt *statement) const noexcept { sqlite3_finalize(statement); }
};
struct CloseDatabase {
	void operator()(sqlite3 *database) const noexcept { sqlite3_close_v2(database); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/* Compiled statements that nobody uses, the most recently used first. */
struct CachedStatement {
	std::string sql;
	bool read_only; /* compiled under those rules */
	StatementHandle handle;
	std::shared_ptr<const std::vector<Column>> columns; /* if no row has a say in them */
	int compilations;                                   /* when columns were asked for */
};
using StatementList = std::list<CachedStatement>;

/* A statement in use; goes back to the cache, reset and without parameters, when it dies. */
class Statement {
public:
	Statement(StatementList &cache, StatementList &&taken) noexcept : cache_(&cache), taken_(std::move(taken)) {}
	Statement(Statement &&) noexcept = default;
	Statement &operator=(Statement &&) = delete;
	~Statement();
	sqlite3_stmt *get() const noexcept { return taken_.front().handle.get(); }
	/* The same as columns_of(get(), with_row), but remembered until the statement is compiled anew. */
	std::shared_ptr<const std::vector<Column>> columns(bool with_row);

private:
	StatementList *cache_;
	StatementList taken_; /* one element; moved between lists, so that giving it back cannot fail */
};

class Database {
public:
	Database(const File &file, bool read_only, const Call &call);
	Database(const Database &) = delete;
	Database &operator=(const Database &) = delete;

	/* Prepares exactly one statement; raises 42601 for none, for more, and for what does not parse. */
	Statement prepare(std::string_view sql, const Call &call);
	/* The same by the schema of this moment: one that is known is brought up to date only by its first step. */
	Statement prepare_anew(std::string_view sql, const Call &call);
	/*
	 * One row: true, or false at the end. A lock is waited for and tried again while started is false: that is, while
	 * no row has been seen and so nothing can be seen twice.
	 */
	bool step(sqlite3_stmt *statement, const Call &call, bool started);
	/* A transaction command of the session's own; waits for locks as any statement does. */
	void command(const std::string &sql, const Call &call);
	/* Is it outside of any transaction? */
	bool idle() const noexcept { return sqlite3_get_autocommit(handle_.get()) != 0; }
	std::int64_t total_changes() const noexcept { return sqlite3_total_changes64(handle_.get()); }
	std::int64_t changes() const noexcept { return sqlite3_changes64(handle_.get()); }

private:
	void open(const File &file, bool read_only);
	void harden(bool read_only);
	void look(const Call &call);
	void require_utf8(const Call &call);
	template <typename Operation> int run(const Call &call, bool started, Operation operation);
	/* Handles a failed operation, begun within a transaction or not: returns when it is to be repeated, or throws. */
	void recover(int code, const Call &call, bool started, bool within);
	void wait_for_lock(const Call &call);
	static int progress(void *self) noexcept;

	std::unique_ptr<sqlite3, CloseDatabase> handle_;
	Authorizer authorizer_;
	StatementList cache_;
	/* The call of the operation that runs. */
	const Call *call_ = nullptr;
	std::exception_ptr interrupt_; /* what ends it */
	core::Deadline lock_deadline_; /* when it has met a lock */
	int pause_ms_ = 1;
};

} // namespace tenancy::remote::sqlite
