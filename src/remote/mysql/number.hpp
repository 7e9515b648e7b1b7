/*
 * The numbers of errors that are more to us than a SQLSTATE, under the names of mysqld_error.h and errmsg.h in lower
 * case: no client library has them all. Pure regime.
 */
#pragma once

namespace tenancy::remote::mysql::number {

enum : unsigned {
	dbaccess_denied = 1044,
	access_denied = 1045,
	bad_db = 1049,
	server_shutdown = 1053,
	host_is_blocked = 1129,
	host_not_privileged = 1130,
	unknown_stmt_handler = 1243,
	not_supported_auth_mode = 1251,
	unsupported_ps = 1295,
	query_interrupted = 1317,
	need_reprepare = 1615,
	access_denied_no_password = 1698,
	must_change_password = 1820,
	must_change_password_login = 1862,
	connection_killed = 1927, /* MariaDB */
	statement_timeout = 1969, /* MariaDB */
	unknown_error = 2000,     /* of Oracle's library: no password fits the key that it has */
	connection_error = 2002,
	conn_host_error = 2003,
	ipsock_error = 2004,
	unknown_host = 2005,
	server_gone = 2006,
	out_of_memory = 2008, /* for an answer, of which the rest is still to come */
	server_handshake_err = 2012,
	server_lost = 2013,
	commands_out_of_sync = 2014,
	ssl_connection_error = 2026,
	malformed_packet = 2027,
	secure_auth = 2049,
	not_implemented = 2054,
	server_lost_extended = 2055,
	new_stmt_metadata = 2057, /* the result has another number of columns than was prepared, and is still to be read */
	already_connected = 2058,
	auth_plugin_cannot_load = 2059,
	auth_plugin_err = 2061,
	reject_local_infile = 2068,
	query_timeout = 3024,              /* MySQL */
	client_interaction_timeout = 4031, /* MySQL */
	plugin_not_allowed = 5010,         /* Connector/C */
	err_load_plugin = 5012,            /* Connector/C */
};

} // namespace tenancy::remote::mysql::number
