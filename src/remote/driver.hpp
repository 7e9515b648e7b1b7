/*
 * What every client library is hidden behind: Target → Session → Cursor → Batch. Pure regime.
 * No call here blocks: each wait goes through the Waiter and ends at a deadline.
 */
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/secret.hpp"
#include "core/waiter.hpp"
#include "remote/value.hpp"

namespace tenancy::remote {

enum class DatabaseType : std::uint8_t { postgresql, mysql, sqlite };

/* sslmode of both network drivers, with libpq's meanings. */
enum class TlsMode : std::uint8_t { disable, prefer, require, verify_ca, verify_full };

class NetworkList;

/*
 * Everything a driver needs to connect. Already validated (remote/options.hpp); nothing else reaches a client library.
 */
struct Target {
	DatabaseType type = DatabaseType::postgresql;
	std::string host; /* name or address literal; empty for sqlite */
	std::uint16_t port = 0;
	std::string database; /* sqlite: file name relative to sqlite_directory */
	std::string username;
	core::Secret password;
	TlsMode tls = TlsMode::prefer;
	std::string tls_root_pem;     /* PEM text of trusted roots; empty: the system's */
	std::string application_name; /* shown on the remote server */
	long connect_timeout_ms = 10'000;
	bool read_only = false;                        /* every statement of the session */
	bool create = false;                           /* sqlite: make the file when it is missing */
	std::string sqlite_directory;                  /* absolute: <tenancy.sqlite_root>/<user id> */
	const NetworkList *allowed_networks = nullptr; /* borrowed; lives as long as the call of connect */
};

struct RunOptions {
	long timeout_ms =
		0; /* for the statement from its start to its last row, locally and on the remote server; 0: none */
	bool read_only = false; /* this statement only; Target::read_only wins */
	int fetch_rows = 1000;  /* most rows of one fetch */
	/*
	 * Cells may be of the kinds that need a PostgreSQL to read: date, time, timestamp, wire (value.hpp). Drivers that
	 * have no cheaper form answer as ever.
	 */
	bool native = false;
	/*
	 * The statement may run twice, because it only reads: a driver may start it again in another form when the first
	 * answer shows types that it cannot read in that one.
	 */
	bool repeatable = false;
	/* Return when the statement is on its way: columns() are known after the first fetch(), errors come from there. */
	bool deferred = false;
};

/* A step of a transaction that spans statements; levels of savepoints count from 2, as nested transactions do. */
struct TransactionStep {
	enum class Verb : std::uint8_t { begin, commit, rollback, savepoint, release, rollback_to };
	Verb verb = Verb::begin;
	int level = 0;             /* savepoint, release, rollback_to: of savepoint "s<level>"; rollback_to also releases it */
	bool serializable = false; /* begin: else repeatable read */
	bool read_only = false;    /* begin */
	bool will_write = false;   /* begin: the next statement writes, so take what a writer needs at once */
};

/*
 * A statement whose rows arrive. Destroyed before its end it stops the statement on the remote server too, within
 * a second, without ever throwing; the session then says whether it is still reusable().
 */
class Cursor {
public:
	virtual ~Cursor() = default;
	/* Empty for a statement without rows. Stable for the life of the cursor. */
	virtual const std::vector<Column> &columns() const noexcept = 0;
	/*
	 * Reset batch and fill it with up to RunOptions::fetch_rows rows or about Batch::fetch_bytes.
	 * False, with an empty batch, is the true end of the data; anything else that ends the rows early throws.
	 */
	virtual bool fetch(Batch &batch, core::Waiter &waiter) = 0;
	/* The number of rows that the statement changed or returned, once it has ended. */
	virtual std::int64_t affected() const noexcept = 0;
};

/* One connection to one client database. */
class Session {
public:
	virtual ~Session() = default;
	/* Run one statement. At most one cursor is open at a time; it must die before its session. */
	virtual std::unique_ptr<Cursor> execute(std::string_view sql, std::span<const Param> params,
	                                        const RunOptions &options, core::Waiter &waiter) = 0;
	/* Names and types of a statement's rows without running it. */
	virtual std::vector<Column> describe(std::string_view sql, const RunOptions &options, core::Waiter &waiter) = 0;
	/*
	 * One step of a transaction. A begin may wait for the next statement and travel with it, with the same effect.
	 * Inside a transaction statements neither begin nor end one, and a failed one leaves the transaction to be rolled
	 * back, whole or to a savepoint. Throws what the server answers; FailureKind::lost from a commit means that its
	 * outcome is unknown. Rollback after a broken connection does nothing. No cursor may be open.
	 */
	virtual void transact(const TransactionStep &step, core::Deadline deadline, core::Waiter &waiter) = 0;
	/* Is a transaction begun and not ended, on a connection that is not known to be broken? */
	virtual bool in_transaction() const noexcept = 0;
	/* The descriptor that becomes readable when a deferred statement has an answer; -1: nothing to wait for. */
	virtual int socket() const noexcept { return -1; }
	/*
	 * Is the session idle, outside a transaction and in the state of a fresh connection, as far as can be told without
	 * asking?
	 */
	virtual bool reusable() const noexcept = 0;
	/* Ask the server whether it is still there; false, or an exception from the waiter. */
	virtual bool ping(core::Deadline deadline, core::Waiter &waiter) = 0;
	virtual const std::string &server_version() const noexcept = 0;

protected:
	static void demand_no_cursor(bool open)
	{
		if (open)
			throw core::Error(core::FailureKind::other, "55006", "another result of this session is still open");
	}
};

/* Connect; throws core::Error with the FailureKind that test_connection shows. */
std::unique_ptr<Session> connect(const Target &target, core::Waiter &waiter);

namespace postgres {
std::unique_ptr<Session> connect(const Target &target, core::Waiter &waiter);
}
namespace mysql {
std::unique_ptr<Session> connect(const Target &target, core::Waiter &waiter);
}
namespace sqlite {
std::unique_ptr<Session> connect(const Target &target, core::Waiter &waiter);
}

} // namespace tenancy::remote
