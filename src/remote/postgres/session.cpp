/*
 * Set-up, renewal, description and stopping of a PostgreSQL session. Pure regime.
 */
#include "remote/postgres/session.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "core/error.hpp"
#include "remote/memory_cap.hpp"
#include "core/poll.hpp"
#include "remote/postgres/cancel.hpp"
#include "remote/postgres/cursor.hpp"
#include "remote/postgres/failure.hpp"
#include "remote/postgres/lasting.hpp"
#include "remote/room.hpp"
#include "remote/stop_limit.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

namespace {

/* The time that a destructor may take, and how much of it the rest of an answer that is on its way already. */
constexpr long stop_budget_ms = 900;
constexpr long tail_budget_ms = 10;

constexpr std::size_t most_type_names = 1000;
constexpr std::size_t longest_type_name = 512; /* with its schema, and quoted, it is shorter */
constexpr int first_with_connection_check = 140000;

/* One statement for all settings: set_config, unlike SET, takes many and returns the process in the same trip. */
std::string
set_up_sql(bool read_only, int server_version)
{
	std::string sql = "SELECT pg_catalog.pg_backend_pid()"
					  ", pg_catalog.set_config('TimeZone', 'UTC', false)"
					  ", pg_catalog.set_config('DateStyle', 'ISO', false)"
					  ", pg_catalog.set_config('IntervalStyle', 'postgres', false)"
					  ", pg_catalog.set_config('extra_float_digits', '3', false)"
					  ", pg_catalog.set_config('bytea_output', 'hex', false)"
					  ", pg_catalog.set_config('array_nulls', 'on', false)"
					  ", pg_catalog.set_config('standard_conforming_strings', 'on', false)"
					  ", pg_catalog.set_config('client_min_messages', 'error', false)";
	if (read_only)
		sql += ", pg_catalog.set_config('default_transaction_read_only', 'on', false)";
	/* Should this process be killed, the server notices within a second; it can look only on Linux. */
	if (server_version >= first_with_connection_check)
		sql += ", CASE WHEN pg_catalog.version() LIKE '%linux%'"
			   " THEN pg_catalog.set_config('client_connection_check_interval', '1000', false) END";
	return sql;
}

/* "15.20 (Debian 15.20-0+deb12u1)" is PostgreSQL 15.20. */
std::string
version_text(const PGconn *connection)
{
	const char *const reported = PQparameterStatus(connection, "server_version");
	std::string_view const version = reported == nullptr ? "" : reported;
	return "PostgreSQL " + clean(version.substr(0, version.find(' ')));
}

/* Did the server last report that value of the setting? */
bool
parameter_is(const PGconn *connection, const char *name, std::string_view value) noexcept
{
	const char *const now = PQparameterStatus(connection, name);
	return now != nullptr && now == value;
}

/* The server of a tenant answers what it likes, also fewer columns than were asked for. */
void
require_columns(const PGresult *result, int count)
{
	if (PQnfields(result) < count)
		throw Error(FailureKind::lost, "08P01", "the server answered with fewer columns than it was asked for");
}

bool
is_copy(ExecStatusType status) noexcept
{
	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

Oid
oid_at(const PGresult *result, int row)
{
	return static_cast<Oid>(std::strtoul(PQgetvalue(result, row, 0), nullptr, 10));
}

} // namespace

Session::Session(Endpoint endpoint, Link link, bool read_only)
	: endpoint_(std::move(endpoint)), link_(std::move(link)), version_(version_text(link_.raw())),
	  read_only_(read_only), sends_dates_(parameter_is(link_.raw(), "integer_datetimes", "on"))
{}

void
Session::finish(Deadline deadline, Waiter &waiter, const std::function<void(Reply)> &take)
{
	MemoryCap const cap;
	link_.flush(deadline, waiter);
	Result failure;
	for (;;) {
		Reply reply = link_.receive(deadline, waiter);
		if (reply.step == Step::none)
			break;
		ExecStatusType const status = PQresultStatus(reply.result.get());
		if (is_copy(status)) {
			/* libpq would say the same again for ever. */
			link_.close();
			throw Error(FailureKind::lost, "08P01", "the server answered with COPY to what is none");
		}
		if (status == PGRES_FATAL_ERROR && reply.step != Step::attempt && !failure)
			failure = std::move(reply.result);
		else if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
			take(std::move(reply));
	}
	if (failure)
		throw remote_error(failure.get(), false);
}

void
Session::send_set_up()
{
	link_.send_command(set_up_sql(read_only_, PQserverVersion(link_.raw())).c_str());
	link_.send_sync();
}

void
Session::set_up(Deadline deadline, Waiter &waiter)
{
	broken_ = true;
	send_set_up();
	finish(deadline, waiter, [this](Reply reply) {
		if (PQntuples(reply.result.get()) != 1)
			return;
		require_columns(reply.result.get(), 1);
		process_ = std::atoi(PQgetvalue(reply.result.get(), 0, 0));
	});
	broken_ = false;
}

/* Back to the state of a fresh connection. DISCARD refuses to share its group with another statement. */
void
Session::renew(Deadline deadline, Waiter &waiter)
{
	broken_ = true;
	statements_.clear();
	forgotten_.clear();
	link_.send_command("DISCARD ALL");
	link_.send_sync();
	remote_timeout_ms_ = 0;
	set_up(deadline, waiter);
	spoiled_ = false;
}

void
Session::prepare_to_run(Deadline deadline, Waiter &waiter)
{
	demand_no_cursor(busy_);
	if (broken_ || !is_settled())
		throw Error(FailureKind::lost, "08003", "the connection is closed");
	if (block_.is_dead())
		throw Error(FailureKind::query, "25P02", "the remote transaction has ended, and has to be rolled back");
	if (spoiled_ && !block_.is_begun())
		renew(deadline, waiter);
}

void
Session::send_preamble(const RunOptions &options)
{
	if (!block_.is_begun())
		send_forgotten();
	send_timeout(options.timeout_ms);
	if (!block_.is_open())
		return;
	/* A new session has to wait for the end of the transaction, but the form of dates cannot. */
	if (block_.is_begun() && !state_is_ours())
		send_set_up();
	block_.before_statement(options.repeatable);
	for (const std::string &sql : block_.waiting())
		link_.send_command(sql.c_str());
	block_.told();
}

/* The server may not have it: each in a group of its own, so that this harms nothing; outside a transaction. */
void
Session::send_forgotten()
{
	for (const std::string &name : forgotten_) {
		link_.send_command(("DEALLOCATE " + name).c_str(), Step::attempt);
		link_.send_sync();
	}
	forgotten_.clear();
}

/* Sends the setting in a group of its own, so that it outlives the failure of the statement. */
void
Session::send_timeout(long timeout_ms)
{
	constexpr long most = 2147483647;
	long const wanted = timeout_ms <= 0 ? 0 : timeout_ms > most ? most : timeout_ms;
	if (wanted == remote_timeout_ms_)
		return;
	std::string sql = "RESET statement_timeout";
	if (wanted > 0)
		sql = "SET statement_timeout = " + std::to_string(wanted);
	link_.send_command(sql.c_str());
	link_.send_sync();
	remote_timeout_ms_ = wanted;
	timeout_in_block_ = timeout_in_block_ || block_.is_begun();
}

std::unique_ptr<remote::Cursor>
Session::execute(std::string_view sql, std::span<const Param> params, const RunOptions &options, Waiter &waiter)
{
	prepare_to_run(local_deadline(options), waiter);
	auto cursor = std::make_unique<Cursor>(*this, options);
	cursor->start(sql, params, waiter);
	return cursor;
}

std::vector<Column>
Session::describe(std::string_view sql, const RunOptions &options, Waiter &waiter)
{
	Deadline const deadline = local_deadline(options);
	prepare_to_run(deadline, waiter);
	check_text(sql);
	std::string const text(sql);
	InFlight flight(*this);
	send_preamble(options);
	link_.send_prepare("", text.c_str(), Arguments());
	link_.send_describe("");
	link_.send_sync();
	Result described;
	finish(deadline, waiter, [&](Reply reply) {
		if (reply.step == Step::describe && PQresultStatus(reply.result.get()) == PGRES_COMMAND_OK)
			described = std::move(reply.result);
	});
	if (described)
		learn_type_names(described.get(), deadline, waiter);
	flight.done();
	return described ? columns_of(described.get(), type_names_) : std::vector<Column>();
}

void
Session::learn_type_names(const PGresult *described, Deadline deadline, Waiter &waiter)
{
	DescriptionRoom::check_width(static_cast<std::size_t>(PQnfields(described)));
	std::vector<Oid> const unknown = unnamed_types(described, type_names_);
	if (unknown.empty())
		return;
	if (type_names_.size() > most_type_names)
		type_names_.clear();
	std::string sql = "SELECT t, pg_catalog.format_type(t, NULL) FROM pg_catalog.unnest('{";
	for (Oid const oid : unknown)
		sql += std::to_string(oid) + (oid == unknown.back() ? "" : ",");
	sql += "}'::pg_catalog.oid[]) AS t";
	link_.send_command(sql.c_str());
	link_.send_sync();
	finish(deadline, waiter, [&](Reply reply) {
		require_columns(reply.result.get(), PQntuples(reply.result.get()) > 0 ? 2 : 0);
		for (int row = 0; row < PQntuples(reply.result.get()); ++row)
			if (Oid const oid = oid_at(reply.result.get(), row); std::ranges::find(unknown, oid) != unknown.end())
				type_names_[oid] = clean(std::string_view(PQgetvalue(reply.result.get(), row, 1)).substr(0, longest_type_name));
	});
}

bool
Session::reusable() const noexcept
{
	return !busy_ && !spoiled_ && !broken_ && !block_.is_open() && link_.idle();
}

bool
Session::is_settled() const noexcept
{
	PGTransactionStatusType const status = link_.status();
	return status == PQTRANS_IDLE || (block_.is_begun() && (status == PQTRANS_INTRANS || status == PQTRANS_INERROR));
}

bool
Session::ping(Deadline deadline, Waiter &waiter)
{
	if (busy_ || broken_ || !is_settled())
		return false;
	broken_ = true;
	try {
		link_.send_command("");
		link_.send_sync();
		finish(deadline, waiter, [](Reply) {});
	} catch (const Error &) {
		return false;
	}
	broken_ = !is_settled();
	return !broken_;
}

/* The settings that the server reports by itself whenever they change. */
bool
Session::state_is_ours() const noexcept
{
	auto const starts = [this](const char *name, std::string_view value) {
		const char *const now = PQparameterStatus(link_.raw(), name);
		return now == nullptr || std::string_view(now).starts_with(value);
	};
	return starts("DateStyle", "ISO") && starts("TimeZone", "UTC") && starts("IntervalStyle", "postgres") &&
	       starts("client_encoding", "UTF8") && starts("standard_conforming_strings", "on");
}

bool
Session::defaults_to_read_only() const noexcept
{
	return read_only_ && parameter_is(link_.raw(), "default_transaction_read_only", "on");
}

void
Session::statement_ended() noexcept
{
	if (leaves_a_mark(link_.tag()) || !state_is_ours())
		spoiled_ = true;
	if (block_.is_begun() && link_.idle())
		block_.die();
}

bool
Session::halt(Deadline budget, Waiter &waiter)
{
	MemoryCap const cap; /* one for all that is read here: whoever floods us has no new share with each step */
	/* A statement that was nearly done has often ended by now; a connection for a cancel costs more than a look. */
	if (link_.drain(Deadline::earlier(budget, Deadline::after(tail_budget_ms)), waiter))
		return true;
	if (link_.broken())
		return false;
	request_cancel(endpoint_, link_, process_, budget, waiter);
	return link_.drain(budget, waiter);
}

void
Session::stop() noexcept
{
	MemoryCap const cap;
	try {
		core::PollWaiter waiter;
		Deadline const budget = StopLimit::after(stop_budget_ms);
		(void) halt(budget, waiter);
		const char *repair = nullptr;
		if (!block_.is_begun())
			repair = link_.idle() ? nullptr : "ROLLBACK";
		else if (block_.is_guarded() && link_.status() == PQTRANS_INERROR)
			repair = Block::to_guard;
		if (repair != nullptr && link_.status() != PQTRANS_UNKNOWN) {
			settings_undone();
			link_.send_command(repair);
			link_.send_sync();
			(void) link_.drain(budget, waiter);
		}
	} catch (const std::exception &) {
		/* The session ends, and with it what the server does for it: it looks for our end every second. */
		broken_ = true;
	}
	statement_ended();
	if (!is_settled() && !link_.idle()) {
		broken_ = true;
		link_.close();
	}
}

} // namespace tenancy::remote::postgres
