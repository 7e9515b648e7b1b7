/*
 * See channel.hpp. PG regime.
 */
#include "fdw/channels.hpp"

#include "bridge/param.hpp"
#include "bridge/wait.hpp"

extern "C" {
#include "access/xact.h"
}

namespace tenancy::fdw {

Channel *channels = nullptr;

namespace {

/*
 * The key leaves out the settings that the pool's own key has: a reload does not part a transaction from what it has
 * begun.
 */
connection::PoolKey
key_of(const Activity &activity)
{
	return {activity.config.id, activity.config.user, activity.identity, activity.config.version,
	        activity.config.fingerprint};
}

Channel *
find_channel(const Activity &activity)
{
	connection::PoolKey const key = key_of(activity);
	Channel *channel = channels;
	while (channel != nullptr && !(channel->key == key))
		channel = channel->next;
	return channel;
}

/* A session for the channel: an idle one of the pool, or, when fresh is set, a new one. False when there is none. */
bool
lease(Channel *channel, const Activity &activity, bool fresh, bridge::Failure &failure)
{
	connection::Pool &pool = connection::pool();
	MemoryContext const context = AllocSetContextCreate(CurrentMemoryContext, "tenant_fdw lease", ALLOCSET_SMALL_SIZES);
	MemoryContext const outer = MemoryContextSwitchTo(context);
	if (fresh)
		(void) pool.close_idle();
	connection::Opening *const opening = connection::prepare(activity.config, fresh);
	bool const keep = activity.keep;
	channel->key = key_of(activity);
	channel->read_only = opening->read_only;
	channel->timeout_ms = opening->statement_timeout_ms;
	bool const done = bridge::attempt(failure, [&] {
		channel->line = new Line(pool, *opening, bridge::waiter());
		channel->line->keep(keep);
	});
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	return done;
}

void
hang_up(Channel *channel)
{
	delete channel->line;
	channel->line = nullptr;
	channel->holder = nullptr;
}

/* The channel with a line that can be used. */
Channel *
open_channel(Activity &activity)
{
	Channel *channel = find_channel(activity);
	if (channel == nullptr) {
		channel = static_cast<Channel *>(MemoryContextAllocZero(TopTransactionContext, sizeof(Channel)));
		channel->next = channels;
		bridge::Failure failure;
		if (!lease(channel, activity, false, failure))
			fail(activity, failure);
		channels = channel;
	} else if (channel->line == nullptr || channel->line->is_spent()) {
		hang_up(channel);
		bridge::Failure failure;
		if (!lease(channel, activity, false, failure))
			fail(activity, failure);
	}
	return channel;
}

Footing
footing_of(const Channel *channel, Need need)
{
	Footing footing;
	if (need == Need::statement && channel->line->depth() == 0)
		return footing;
	footing.level = GetCurrentTransactionNestLevel();
	footing.serializable = IsolationIsSerializable();
	/* A subtransaction may be read-only inside of one that is not. */
	footing.read_only = need != Need::write && (channel->read_only || (XactReadOnly && footing.level == 1));
	footing.writes = need == Need::write;
	return footing;
}

/* Have whoever is reading from the line put aside what is left, so that the line is free. */
void
clear_line(Channel *channel, const Statement *mine)
{
	Statement *const open = channel->line->open_statement();
	if (open == nullptr)
		return;
	if (open == mine || channel->holder == nullptr)
		open->close();
	else
		channel->holder->drain(channel->holder);
	channel->holder = nullptr;
}

/*
 * Run body with the line on its footing; body is pure code. A session that broke while it lay in the pool is replaced,
 * once, as long as nothing was heard of it in this transaction: what was sent is not committed, so nothing happens
 * twice.
 */
template <typename Body>
void
on_footing(Channel *channel, Activity &activity, Body body)
{
	bridge::Failure failure;
	for (bool again = false;; again = true) {
		Line *const line = channel->line;
		Footing const footing = footing_of(channel, activity.need);
		core::Deadline const deadline = core::Deadline::after(channel->timeout_ms);
		bool const untried = line->is_untried();
		if (bridge::attempt(failure, [&] {
				line->reach(footing, deadline, bridge::waiter());
				body(*line);
			}))
			return;
		if (again || !untried || failure.pg != nullptr || failure.kind != core::FailureKind::lost)
			fail(activity, failure);
		hang_up(channel);
		failure = bridge::Failure();
		if (!lease(channel, activity, true, failure))
			fail(activity, failure);
	}
}

void
refuse_to_drain(Holder *)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
	                errmsg("a type of a foreign table's column reads from the connection that the table is of")));
}

} // namespace

Holder *
converting()
{
	static Holder holder = {refuse_to_drain};
	return &holder;
}

Channel *
channel_for(Activity &activity, Need need)
{
	check(activity);
	Channel *const channel = open_channel(activity);
	if (need == Need::write && channel->read_only)
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
		                errmsg("connection \"%s\" is read-only", activity.config.name),
		                errhint("Its owner can change that with tenancy.update_connection().")));
	if (need == Need::write && !channel->writes) {
		channel->place = query::place_of(activity.config);
		query::begin_write(channel->place);
		channel->writes = true;
	}
	if (need > activity.need)
		activity.need = need;
	if (Footing const footing = footing_of(channel, activity.need); !channel->line->is_ready(footing)) {
		clear_line(channel, nullptr);
		on_footing(channel, activity, [](Line &) {});
	}
	return channel;
}

bool
in_remote_transaction(const Activity &activity)
{
	const Channel *const channel = find_channel(activity);
	return channel != nullptr && channel->line != nullptr && channel->line->depth() > 0;
}

Holder *
holder_of(const Activity &activity)
{
	const Channel *const channel = find_channel(activity);
	return channel != nullptr && channel->line != nullptr && channel->line->open_statement() != nullptr
	           ? channel->holder
	           : nullptr;
}

int
socket_of(const Channel *channel)
{
	return channel->line->socket();
}

void
start(Channel *channel, Activity &activity, Statement *statement, Holder *holder, const char *sql,
      remote::ParamList params, const remote::RunOptions &options)
{
	check(activity);
	report(activity, sql);
	if (channel->line == nullptr)
		ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE), errmsg("the connection to the client database was lost")));
	clear_line(channel, statement);
	remote::RunOptions effective = options;
	effective.timeout_ms = channel->timeout_ms;
	effective.read_only = activity.need == Need::statement && (channel->read_only || XactReadOnly);
	std::string_view const text = bridge::utf8(sql);
	on_footing(channel, activity, [&](Line &line) {
		/* The line that it is opened on need not be the one of before. */
		Statement &used = statement != nullptr ? *statement : line.runner();
		used.open(line, text, params, effective, bridge::waiter());
	});
	channel->holder = holder;
	if (text.data() != sql)
		pfree(const_cast<char *>(text.data())); /* a scan may be repeated a million times */
}

bool
fetch(Activity &activity, Statement *statement, int width)
{
	bool more = false;
	bridge::Failure failure;
	if (!bridge::attempt(failure, [&] { more = statement->fetch(width, bridge::waiter()); }))
		fail(activity, failure);
	if (more) {
		remote::Batch const &batch = statement->batch();
		activity.rows += static_cast<int64>(batch.rows());
		activity.bytes += static_cast<int64>(batch.bytes() + batch.rows() * batch.width() * 8);
	}
	return more;
}

void
stop(Statement *statement) noexcept
{
	statement->close();
}

int64
run(Channel *channel, Activity &activity, const char *sql, remote::ParamList params, bool repeatable)
{
	remote::RunOptions options;
	options.repeatable = repeatable;
	start(channel, activity, nullptr, nullptr, sql, params, options);
	Statement *const statement = &channel->line->runner();
	while (fetch(activity, statement, Statement::any_width))
		;
	return statement->affected();
}

} // namespace tenancy::fdw
