/*
 * One libpq connection that never blocks: statements go out together in a pipeline, replies come back in order,
 * and every wait is the Waiter's. Pure regime.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "core/error.hpp"
#include "core/waiter.hpp"
#include "remote/postgres/arguments.hpp"
#include "remote/roots.hpp"

namespace tenancy::remote::postgres {

struct ClearResult {
	void operator()(PGresult *result) const noexcept { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

/* What a reply answers. */
enum class Step : std::uint8_t {
	none,    /* nothing is outstanding */
	command, /* housekeeping of ours that has to succeed */
	attempt, /* housekeeping of ours that may fail */
	prepare,
	describe,
	statement, /* the user's, its rows streamed */
	sync
};

struct Reply {
	Step step = Step::none;
	Result result;
};

class Link {
public:
	explicit Link(PGconn *connection) noexcept : connection_(connection) {}
	/* Only while nothing is outstanding. */
	Link(Link &&other) noexcept
		: connection_(std::exchange(other.connection_, nullptr)), roots_(std::move(other.roots_)),
		  password_size_(other.password_size_)
	{}
	Link &operator=(Link &&) = delete;
	~Link() { close(); }

	/* Called when the connection is made. */
	void start_pipeline();

	/* Queue messages; they leave with flush(). */
	void send_command(const char *sql, Step step = Step::command);
	void send_statement(const char *sql, const Arguments &arguments, bool binary);
	void send_prepare(const char *name, const char *sql, const Arguments &arguments);
	void send_prepared(const char *name, const Arguments &arguments, bool binary);
	void send_describe(const char *name);
	/* The end of a group: an error skips what remains of its group only. */
	void send_sync();
	void flush(core::Deadline deadline, core::Waiter &waiter);
	/* Sends as much as goes without waiting; true when that is all. */
	bool try_flush();

	/* The next reply, or Step::none when everything is answered. Throws when the connection breaks or time is up. */
	Reply receive(core::Deadline deadline, core::Waiter &waiter);
	/* Send and drop what is outstanding; false when the deadline or the connection did not let it. */
	bool drain(core::Deadline deadline, core::Waiter &waiter);
	/* Drops notifications: nobody wants them, and libpq keeps them until somebody asks. */
	void forget_notifications() noexcept;
	/* Called after the login. */
	void forget_password() noexcept;
	/* The file that libpq was told to read, which it reads again when it cancels (libpq 17). */
	void keep(std::unique_ptr<RootsFile> roots) noexcept { roots_ = std::move(roots); }

	/* Most rows of one result of a streamed statement, where libpq can put several rows in one. */
	void set_chunk(int rows) noexcept { chunk_ = rows; }
	bool answered() const noexcept { return next_ == steps_.size(); }
	bool broken() const noexcept { return PQstatus(connection_) != CONNECTION_OK; }
	/*
	 * The state of the server's transaction between statements; PQTRANS_UNKNOWN when the connection is broken or a
	 * statement runs.
	 */
	PGTransactionStatusType status() const noexcept
	{
		return broken() || !answered() ? PQTRANS_UNKNOWN : PQtransactionStatus(connection_);
	}
	bool idle() const noexcept { return status() == PQTRANS_IDLE; }
	/* The command tag of the statement that ended last. */
	const std::string &tag() const noexcept { return tag_; }
	PGconn *raw() const noexcept { return connection_; }
	/* Wipe the password in libpq's memory and close the socket. */
	void close() noexcept;

private:
	void sent(int ok, Step step);
	void read_more(core::Deadline deadline, core::Waiter &waiter);
	Result next_result(core::Deadline deadline, core::Waiter &waiter);
	void stream_rows() noexcept;
	void skip_to_sync();
	[[noreturn]] void lose() const;

	PGconn *connection_;
	std::unique_ptr<RootsFile> roots_;
	std::size_t password_size_ = 0;
	std::vector<Step> steps_; /* sent since nothing was outstanding */
	std::size_t next_ = 0;
	bool streaming_ = false;
	bool expecting_ = false; /* nothing was read since the last statements left */
	int chunk_ = 1;
	std::string tag_;
	std::optional<core::Error> last_words_; /* the error with which the server ended the session */
};

} // namespace tenancy::remote::postgres
