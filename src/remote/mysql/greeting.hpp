/*
 * The first packet of a server, looked at before the client library reads it: what the library cannot be trusted
 * with, it does not get. Pure regime.
 */
#pragma once

#include "core/error.hpp"
#include "remote/mysql/async.hpp"

namespace tenancy::remote::mysql {

enum class Greeting {
	incomplete, /* so far */
	foreign,    /* not of this protocol, or too long, or broken off */
	error,      /* an error in place of the greeting */
	truncated,  /* ends before it has said what the server can do */
	plain,
	offers_tls
};

/*
 * Look at the server's first packet without taking it from the socket; never incomplete. Throws refused when the
 * server hangs up in its middle, and no_answer() at the deadline.
 */
Greeting await_greeting(int fd, const Budget &budget);

/* The hint for what does not speak the protocol. */
inline constexpr const char *wrong_server = "Is there a MySQL or MariaDB server at this port?";

/* The errors of a deadline that passed, and of a server that hung up before there was a session. */
core::Error no_answer();
core::Error hung_up();

} // namespace tenancy::remote::mysql
