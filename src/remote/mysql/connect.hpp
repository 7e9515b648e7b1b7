/*
 * Making connections: the session's own, and the second one that stops what the first one runs. Pure regime.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "remote/driver.hpp"
#include "remote/mysql/async.hpp"

namespace tenancy::remote::mysql {

/* A target whose addresses are checked. Kept by a session, so that it can connect again to stop a query. */
struct Endpoint {
	std::vector<Address> addresses;
	std::string name;        /* that the certificate has to carry; empty: none */
	bool by_address = false; /* connect to the address even where the library could resolve the name */
	std::uint16_t port = 0;
	std::string database, username;
	core::Secret password;
	TlsMode tls = TlsMode::prefer;
	std::string tls_root_pem, application_name;
};

/* Throws what a target that must not be contacted deserves, before any packet. */
Endpoint check(const Target &target, const Budget &budget);

/* Connect to the first address that answers, and log in; endpoint then keeps that address alone. */
std::unique_ptr<Handle> open(Endpoint &endpoint, const Budget &budget);

/* Stop what the connection with this id runs, from a second connection. A second at most, no exception, no Waiter. */
void kill_query(const Endpoint &endpoint, unsigned long thread_id) noexcept;

} // namespace tenancy::remote::mysql
