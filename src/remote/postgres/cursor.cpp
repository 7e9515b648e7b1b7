/*
 * Running a statement: its messages in one pipeline, its rows as they come. Pure regime.
 */
#include "remote/postgres/cursor.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "remote/memory_cap.hpp"
#include "remote/postgres/failure.hpp"
#include "remote/postgres/lasting.hpp"
#include "remote/room.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

namespace {

constexpr long timeout_grace_ms = 500;
constexpr int most_rows_in_chunk = 64;
constexpr long most_halt_ms = 10'000; /* where somebody can interrupt it */

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

void
check_text(std::string_view sql)
{
	if (sql.find('\0') != sql.npos)
		throw Error(FailureKind::query, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
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
	using Form = PreparedStatement::Form;
	check_text(sql);
	if (options_.deferred)
		params_.assign(params.begin(), params.end());
	session_.arguments_.assign(options_.deferred ? std::span<const Param>(params_) : params);

	std::string evicted;
	statement_ = session_.statements_.use(sql, session_.arguments_, evicted);
	if (!evicted.empty())
		session_.forget(evicted);
	if (statement_ == nullptr)
		text_ = sql;
	else if (statement_->asked && !statement_->prepared)
		forget_statement();
	if (statement_ != nullptr ? statement_->marks : may_leave_a_mark(sql))
		session_.spoiled_ = true;
	/* The answer of what may run only once must not come in a form that turns out to be unreadable. */
	Form const form = statement_ != nullptr ? statement_->form : Form::text;
	binary_ = options_.native && session_.sends_dates_ &&
	          (form == Form::wire || (form == Form::unknown && options_.repeatable));

	session_.send_preamble(options_);
	send();
	/* Half a statement would wait for its other half for ever. */
	if (!options_.deferred || !link_.try_flush())
		link_.flush(deadline_, waiter);
	if (!options_.deferred)
		arrive(waiter);
}

void
Cursor::arrive(Waiter &waiter)
{
	MemoryCap const cap;
	arrived_ = true;
	bool rows = advance(waiter);
	if (!rows && failure_ && is_stale()) {
		send_again(waiter);
		rows = advance(waiter);
	}
	if (rows && is_unreadable()) {
		send_as_text(waiter);
		rows = advance(waiter);
	}
	if (!rows)
		conclude();
}

/* May it do without a transaction of our own around it? */
bool
Cursor::stands_alone() const noexcept
{
	if (session_.block_.is_open() || !(session_.read_only_ || options_.read_only))
		return true;
	/* A query cannot leave the transaction that the server begins for it, as a procedure can. */
	return options_.repeatable && session_.defaults_to_read_only() && std::string_view(sql()).starts_with("SELECT ");
}

/*
 * Outside a transaction the statement is alone between its syncs, so it may be one that refuses a transaction block. A
 * read-only one stands in a transaction whose COMMIT comes after a sync, to end it even when the statement failed.
 * Whatever the statement does to that transaction, nothing of the user's runs behind it.
 */
void
Cursor::send()
{
	const Arguments &arguments = session_.arguments_;
	bool const alone = stands_alone();
	if (!alone)
		link_.send_command("BEGIN READ ONLY");
	reused_ = statement_ != nullptr && statement_->prepared;
	if (statement_ == nullptr || statement_->name.empty()) {
		link_.send_statement(sql(), arguments, binary_);
	} else {
		if (!reused_) {
			/* The shape of the last run says nothing about the statement that is prepared now. */
			statement_->shape.reset();
			link_.send_prepare(statement_->name.c_str(), sql(), arguments);
		}
		statement_->asked = true;
		link_.send_prepared(statement_->name.c_str(), arguments, binary_);
	}
	link_.send_sync();
	if (!alone) {
		link_.send_command("COMMIT");
		link_.send_sync();
	}
}

/*
 * The server forgot the statement, or its tables changed so that it returns something else: nothing has run yet. What
 * a procedure comes across, which may have committed something before, looks alike but for its context; parameters may
 * give a statement one, too.
 */
bool
Cursor::is_stale() const noexcept
{
	if (!reused_ || shape_ || !session_.is_settled())
		return false;
	bool const alone = PQresultErrorField(failure_.get(), PG_DIAG_CONTEXT) == nullptr;
	if (field_is(failure_.get(), PG_DIAG_SQLSTATE, "26000")) {
		const char *const message = PQresultErrorField(failure_.get(), PG_DIAG_MESSAGE_PRIMARY);
		return alone && message != nullptr && std::strstr(message, statement_->name.c_str()) != nullptr;
	}
	return (alone || session_.arguments_.count() > 0) && field_is(failure_.get(), PG_DIAG_SQLSTATE, "0A000") &&
	       field_is(failure_.get(), PG_DIAG_SOURCE_FUNCTION, "RevalidateCachedQuery");
}

void
Cursor::forget_statement()
{
	session_.forget(statement_->name);
	session_.statements_.rename(*statement_);
}

/* Sends the statement again under a new name, if the failure has not cost the transaction. */
void
Cursor::send_again(Waiter &waiter)
{
	forget_statement();
	if (session_.block_.is_begun()) {
		std::string const repair = session_.block_.retry();
		if (repair.empty())
			return;
		session_.settings_undone();
		link_.send_command(repair.c_str());
		link_.send_sync();
	}
	failure_.reset();
	binary_ = binary_ && options_.repeatable;
	session_.send_preamble(options_);
	send();
	link_.flush(deadline_, waiter);
}

/* Sends the statement again to get its answer as text, once the answer that cannot be read is out of the way. */
void
Cursor::send_as_text(Waiter &waiter)
{
	if (!options_.repeatable)
		throw Error(FailureKind::query, "0A000", "the types of the statement's result have changed", {},
		            "Run the statement again.");
	result_.reset();
	if (!session_.halt(Deadline::earlier(deadline_, Deadline::after(most_halt_ms)), waiter))
		link_.close();
	if (link_.status() == PQTRANS_INERROR) {
		session_.settings_undone();
		link_.send_command(session_.block_.retry().c_str());
		link_.send_sync();
	}
	shape_.reset();
	binary_ = false;
	affected_ = 0;
	session_.send_preamble(options_);
	send();
	link_.flush(deadline_, waiter);
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
		if (session_.block_.is_begun()) {
			ended_block_ = !failure_ && link_.idle();
			return false;
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
	if (reply.step == Step::prepare)
		statement_->prepared = statement_->asked = PQresultStatus(reply.result.get()) == PGRES_COMMAND_OK;
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
	/* The command's tag comes with the last rows or behind them, depending on the version of libpq. */
	if (PQcmdTuples(result_.get())[0] != 0)
		affected_ = row_count(result_.get());
	if (!shape_ && PQresultStatus(result_.get()) != PGRES_COMMAND_OK)
		learn_shape();
	return PQntuples(result_.get()) > 0;
}

/* The server keeps a prepared statement to the result that it had when it was prepared. */
void
Cursor::learn_shape()
{
	using Form = PreparedStatement::Form;
	bool const known = reused_ && statement_->shape && statement_->shape->binary == binary_ &&
	                   static_cast<int>(statement_->shape->columns.size()) == PQnfields(result_.get());
	auto const shape = known ? statement_->shape : std::make_shared<const Shape>(result_.get(), session_.type_names_);
	if (shape->binary && !binary_)
		throw Error(FailureKind::query, "08P01", "the server sent values in another form than it was asked for");
	shape_ = shape;
	if (statement_ == nullptr || known)
		return;
	statement_->shape = shape_;
	statement_->form = shape_->has_wire_form ? Form::wire : Form::text;
}

/* Only the data of the COPY would follow, in either direction: closing ends it on the server as well. */
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
	if (session_.is_settled())
		flight_.done();
	session_.statement_ended();
	statement_ = nullptr;
	late_ = options_.timeout_ms > 0 && Clock::now() - started_ >= std::chrono::milliseconds(options_.timeout_ms);
	throw_failure();
}

void
Cursor::throw_failure() const
{
	if (failure_)
		throw remote_error(failure_.get(), late_);
	if (ended_block_)
		throw Error(FailureKind::query, "2D000", "the statement ended the remote transaction", {},
		            "A statement on a foreign table must not contain COMMIT or ROLLBACK.");
}

bool
Cursor::fetch(Batch &batch, Waiter &waiter)
{
	MemoryCap const cap;
	if (!arrived_)
		arrive(waiter);
	batch.reset(columns().size());
	if (concluded_) {
		throw_failure();
		return false;
	}
	auto const most = static_cast<std::size_t>(options_.fetch_rows);
	while (batch.rows() < most && has_room(batch)) {
		if (!result_ || row_ == PQntuples(result_.get())) {
			if (!advance(waiter)) {
				conclude();
				break;
			}
		}
		append_row(batch, result_.get(), row_++, *shape_);
	}
	link_.forget_notifications();
	return batch.rows() != 0;
}

} // namespace tenancy::remote::postgres
