/*
 * The channels of this backend, for what opens them and for what ends them. PG regime, private to fdw.
 */
#pragma once

#include "fdw/channel.hpp"
#include "fdw/line.pure.hpp"

#include "query/query.hpp"

namespace tenancy::fdw {

/* A channel is in TopTransactionContext; its line is a C++ object that release_channels() ends. */
struct Channel {
	Channel *next;
	connection::PoolKey key;
	Line *line;
	Holder *holder; /* of the statement that is open on the line, if any */
	bool read_only; /* the connection is */
	bool writes;    /* in this transaction, to place */
	query::Digest place;
	long timeout_ms;
};

/* The channels of the current transaction. */
extern Channel *channels;

} // namespace tenancy::fdw
