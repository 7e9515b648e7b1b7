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

#include "core/secret.hpp"
#include "core/waiter.hpp"
#include "remote/value.hpp"

namespace tenancy::remote {

enum class DatabaseType : std::uint8_t { postgresql, mysql, sqlite };

/* sslmode of both network drivers, with libpq's meanings. */
enum class TlsMode : std::uint8_t { disable, prefer, require, verify_ca, verify_full };

class NetworkList;

/* Everything a driver needs to connect. Already validated (remote/options.hpp); nothing else reaches a client library.
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
	/* After the end: rows that the statement changed, or returned. */
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
	/* Idle, outside a transaction and in the state of a fresh connection, as far as can be told without asking. */
	virtual bool reusable() const noexcept = 0;
	/* Ask the server whether it is still there; false, or an exception from the waiter. */
	virtual bool ping(core::Deadline deadline, core::Waiter &waiter) = 0;
	virtual const std::string &server_version() const noexcept = 0;
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
