/*
 * Running a statement: its messages in one pipeline, its rows as they come. Pure regime.
 */
#include "remote/postgres/cursor.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "remote/postgres/failure.hpp"
#include "remote/postgres/lasting.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

namespace {

constexpr long timeout_grace_ms = 500;
constexpr int most_rows_in_chunk = 64;

std::int64_t
row_count(PGresult *result) noexcept
{
	std::string_view const text = PQcmdTuples(result);
	std::int64_t count = 0;
	std::from_chars(text.data(), text.data() + text.size(), count);
	return count;
}

bool
field_is(const PGresult *result, int code, const char *value) noexcept
{
	const char *const text = PQresultErrorField(result, code);
	return text != nullptr && std::strcmp(text, value) == 0;
}

} // namespace

Deadline
local_deadline(const RunOptions &options)
{
	return options.timeout_ms > 0 ? Deadline::after(options.timeout_ms + timeout_grace_ms) : Deadline();
}

std::string
statement_text(std::string_view sql)
{
	if (sql.find('\0') != sql.npos)
		throw Error(FailureKind::query, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
	return std::string(sql);
}

Cursor::Cursor(Session &session, const RunOptions &options)
	: session_(session), link_(session.link_), options_(options), deadline_(local_deadline(options)),
	  started_(Clock::now()), flight_(session)
{
	options_.fetch_rows = std::max(options.fetch_rows, 1);
	link_.set_chunk(std::min(options_.fetch_rows, most_rows_in_chunk));
}

void
Cursor::start(std::string_view sql, std::span<const Param> params, Waiter &waiter)
{
	std::string const text = statement_text(sql);
	Arguments const arguments(params);
	if (may_leave_a_mark(text))
		session_.spoiled_ = true;

	std::string evicted;
	PreparedStatement *const statement = session_.statements_.use(text, arguments, evicted);
	if (!evicted.empty())
		forget(evicted);
	session_.send_timeout(options_.timeout_ms);
	send(text, arguments, statement, waiter);
	bool rows = advance(waiter);
	if (!rows && failure_ && statement != nullptr && is_stale()) {
		failure_.reset();
		forget(statement->name);
		session_.statements_.rename(*statement);
		send(text, arguments, statement, waiter);
		rows = advance(waiter);
	}
	if (!rows)
		conclude();
}

/* On the server, which may not have it; in a group of its own, so that this harms nothing. */
void
Cursor::forget(const std::string &name)
{
	link_.send_command(("DEALLOCATE " + name).c_str(), Step::attempt);
	link_.send_sync();
}

/*
 * The statement is alone between its syncs, so it may be one that refuses a transaction block. A read-only one stands
 * in a transaction whose COMMIT comes after a sync, to end it even when the statement failed. Whatever the
 * statement does to that transaction, nothing of the user's runs behind it.
 */
void
Cursor::send(const std::string &sql, const Arguments &arguments, PreparedStatement *statement, Waiter &waiter)
{
	bool const read_only = session_.read_only_ || options_.read_only;
	if (read_only)
		link_.send_command("BEGIN READ ONLY");
	reused_ = statement != nullptr && statement->prepared;
	if (statement == nullptr || statement->name.empty()) {
		link_.send_statement(sql.c_str(), arguments);
	} else {
		if (!reused_)
			link_.send_prepare(statement->name.c_str(), sql.c_str(), arguments);
		/* If the preparation fails, the next use finds no such statement on the server, and prepares again. */
		statement->prepared = true;
		link_.send_prepared(statement->name.c_str(), arguments);
	}
	link_.send_sync();
	if (read_only) {
		link_.send_command("COMMIT");
		link_.send_sync();
	}
	link_.flush(deadline_, waiter);
}

/* The server forgot the statement, or its tables changed so that it returns something else: nothing has run yet. */
bool
Cursor::is_stale() const noexcept
{
	if (!reused_ || described_ || !link_.idle())
		return false;
	return field_is(failure_.get(), PG_DIAG_SQLSTATE, "26000") ||
	       (field_is(failure_.get(), PG_DIAG_SQLSTATE, "0A000") &&
	        field_is(failure_.get(), PG_DIAG_SOURCE_FUNCTION, "RevalidateCachedQuery"));
}

bool
Cursor::advance(Waiter &waiter)
{
	for (;;) {
		Reply reply = link_.receive(deadline_, waiter);
		if (reply.step != Step::none) {
			if (take(std::move(reply)))
				return true;
			continue;
		}
		/* The statement may have opened a transaction: it ends here, its locks with it. */
		if (link_.idle() || rolled_back_)
			return false;
		rolled_back_ = true;
		link_.send_command("ROLLBACK");
		link_.send_sync();
		link_.flush(deadline_, waiter);
	}
}

/* True when result_ has rows. */
bool
Cursor::take(Reply reply)
{
	switch (PQresultStatus(reply.result.get())) {
	case PGRES_COPY_IN:
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH: refuse_copy();
	case PGRES_SINGLE_TUPLE:
#ifdef LIBPQ_HAS_CHUNK_MODE
	case PGRES_TUPLES_CHUNK:
#endif
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY: break;
	case PGRES_PIPELINE_ABORTED: return false;
	default:
		if (reply.step != Step::attempt && !failure_)
			failure_ = std::move(reply.result);
		return false;
	}
	if (reply.step != Step::statement)
		return false;
	result_ = std::move(reply.result);
	row_ = 0;
	if (PQresultStatus(result_.get()) == PGRES_TUPLES_OK || PQresultStatus(result_.get()) == PGRES_COMMAND_OK)
		affected_ = row_count(result_.get());
	if (!described_ && PQresultStatus(result_.get()) != PGRES_COMMAND_OK) {
		columns_ = columns_of(result_.get(), session_.type_names_);
		decodings_ = decodings_of(columns_);
		described_ = true;
	}
	return PQntuples(result_.get()) > 0;
}

/* Nothing but the data would follow, in either direction: closing ends it on the server as well. */
void
Cursor::refuse_copy()
{
	link_.close();
	throw Error(FailureKind::query, "0A000", "COPY to or from the client is not supported", {},
	            "Use SELECT or INSERT instead.");
}

void
Cursor::conclude()
{
	result_.reset();
	concluded_ = true;
	if (link_.idle())
		flight_.done();
	session_.statement_ended();
	late_ = options_.timeout_ms > 0 && Clock::now() - started_ >= std::chrono::milliseconds(options_.timeout_ms);
	throw_failure();
}

void
Cursor::throw_failure() const
{
	if (failure_)
		throw remote_error(failure_.get(), late_);
}

bool
Cursor::fetch(Batch &batch, Waiter &waiter)
{
	batch.reset(columns_.size());
	if (concluded_) {
		throw_failure();
		return false;
	}
	auto const most = static_cast<std::size_t>(options_.fetch_rows);
	while (batch.rows() < most && batch.bytes() < Batch::fetch_bytes) {
		if (!result_ || row_ == PQntuples(result_.get())) {
			if (!advance(waiter)) {
				conclude();
				break;
			}
		}
		append_row(batch, result_.get(), row_++, decodings_);
	}
	return batch.rows() != 0;
}

} // namespace tenancy::remote::postgres
