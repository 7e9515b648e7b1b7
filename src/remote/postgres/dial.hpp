/*
 * Making a libpq connection to one checked address, with nothing of this machine in it: no environment, service
 * file, password file, client certificate, Kerberos ticket or default root certificate. Pure regime.
 */
#pragma once

#include <cstdint>
#include <string>

#include "core/secret.hpp"
#include "core/waiter.hpp"
#include "remote/driver.hpp"
#include "remote/postgres/link.hpp"

namespace tenancy::remote::postgres {

/* What it takes to connect again to the same server, as cancelling does. */
struct Endpoint {
	explicit Endpoint(const Target &target);

	std::string host, address; /* the name, for certificates; the checked address */
	std::uint16_t port;
	std::string database, username;
	core::Secret password;
	TlsMode tls;
	std::string tls_root_pem, application_name;
};

/* A connection whose server asked for the password; throws core::Error as test_connection shows it. */
Link dial(const Endpoint &endpoint, core::Deadline deadline, core::Waiter &waiter);

} // namespace tenancy::remote::postgres
