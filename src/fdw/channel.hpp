/*
 * Sessions in the service of foreign tables: one per connection, kept through the local transaction, whose remote
 * transaction begins, is rolled back to savepoints and ends with the local one. PG regime.
 */
#pragma once

#include "connection/connection.hpp"
#include "fdw/option.hpp"
#include "fdw/statement.pure.hpp"
#include "history/history.hpp"
#include "identity/identity.hpp"

#include "bridge/enter.hpp"
#include "bridge/pg.hpp"

namespace tenancy::fdw {

/* What a statement asks of its session. */
enum class Need : uint8 {
	statement, /* it reads, alone: its own snapshot is enough, no remote transaction is opened for it */
	snapshot,  /* it reads what the rest of the local transaction reads: a remote transaction, repeatable read */
	write      /* the same, and it changes or locks rows */
};

struct Channel; /* lives until the end of the local transaction at most */

/*
 * Somebody who reads rows from a channel while others use it too. When another needs the session, the channel calls
 * drain(), which must fetch everything that is left and put it aside.
 */
struct Holder {
	void (*drain)(Holder *holder);
};

/*
 * The holder for a caller that converts rows while it fetches a whole answer. A conversion that itself needs the
 * channel, as the check of a domain may, gets 0A000: to drain it would lose the rows that are not fetched yet.
 */
Holder *converting();

/*
 * A foreign scan or modification from its begin to its end: who asked, on which connection, and its run in history.
 * Zero-initialised in a memory context that lives as long.
 */
struct Activity {
	connection::Config config;
	core::Uuid identity;       /* who asked when it began */
	mutable uint64 generation; /* of the identity, when it was last seen to be the same */
	history::Run run;
	bool reported; /* a run is open in history */
	bool keep;     /* the session outlives the local transaction */
	Need need;     /* the greatest that was asked for */
	int64 rows, bytes;
};

/*
 * Begin: find the connection of server and check that the identity of this moment may use it (42501, in history as
 * denied, with sql if it is known), that it is active (55000) and still of type (HV000). Does not contact the remote
 * server, nor, on success, history.
 */
void begin(Activity &activity, Oid server, remote::DatabaseType type, const char *sql = nullptr);
/* The identity is still the one of begin(): 42501 otherwise. Cheap enough for every row. */
inline void check(const Activity &activity);
/* The same, and it has not expired either: for every batch. */
void check_again(const Activity &activity);
/* Report the start to history unless it is reported; sql is what the remote server is asked. */
void report(Activity &activity, const char *sql);
/* Report success, when something was reported. May wait. */
void end(Activity &activity);
/* Report what the remote side answered, then raise it. */
[[noreturn]] void fail(Activity &activity, const bridge::Failure &failure);
/* Report an error of our own from where it is being raised: neither waits nor raises. */
void abandon(Activity &activity, const ErrorData *error) noexcept;
/*
 * An error passes by that somebody may yet catch: the run ends with it when the (sub)transaction of that nesting level
 * is rolled back, and not when forget() is called before.
 */
void note(const Activity &activity, int level, const ErrorData *error) noexcept;
void forget(const Activity &activity) noexcept;

/*
 * The channel of the activity's connection, its remote transaction as deep as the local one if need asks for one.
 * 25006 when it is to write on a connection that only reads. Call report() before.
 */
Channel *channel_for(Activity &activity, Need need);
/* The activity's connection has a remote transaction open by now. */
bool in_remote_transaction(const Activity &activity);
/* The holder that reads from the activity's connection at this moment, or NULL. */
Holder *holder_of(const Activity &activity);
/* The socket that becomes readable when a deferred statement is answered; -1: fetch() is all that can be done. */
int socket_of(const Channel *channel);

/* A statement that goes with the context; in an abort, all of them have the time of one to stop on their servers. */
Statement *make_statement(MemoryContext context);
/*
 * Start a statement; other holders are drained first. It runs until it is fetched to its end, closed, or drained.
 * params are borrowed until the call returns. holder may be null when the caller fetches everything at once and
 * converts nothing, statement when it does not look at rows: it is the line's own then.
 */
void start(Channel *channel, Activity &activity, Statement *statement, Holder *holder, const char *sql,
           remote::ParamList params, const remote::RunOptions &options);
/*
 * The next batch into statement->batch(), of rows with so many columns; false at the end. Raises what the remote side
 * answers, HV021 when that are others.
 */
bool fetch(Activity &activity, Statement *statement, int width);
/* Stop where it is; also allowed after the end, and never raises. */
void stop(Statement *statement) noexcept;
/* start, fetch to the end without rows, and the number of rows changed. */
int64 run(Channel *channel, Activity &activity, const char *sql, remote::ParamList params, bool repeatable = false);

inline void
check(const Activity &activity)
{
	if (identity::generation() != activity.generation)
		check_again(activity);
}

/* Transaction callbacks; called once by initialize(). */
void initialize_channels();

} // namespace tenancy::fdw
