/*
 * One POST over HTTP, never blocking: libcurl's multi interface driven by the Waiter. Pure regime.
 * No redirects, proxies, cookies, netrc or threads; TLS is always verified; the answer has a size limit.
 */
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/secret.hpp"
#include "core/waiter.hpp"

namespace tenancy::ask {

/* Where a request goes, taken apart and checked. */
struct Endpoint {
	std::string url;
	std::string host; /* without the brackets of an IPv6 address */
	std::string port;
	bool encrypted = false;

	/*
	 * base is http:// or https:// with a path that path is appended to, unless it ends with it. Throws core::Error
	 * 22023 for any other scheme, and for a user name, a query or a fragment in it.
	 */
	static Endpoint parse(const std::string &base, std::string_view path);
	/* Is it an address of this machine's loopback, or its name? */
	bool is_local() const noexcept;
};

struct HttpRequest {
	const Endpoint *endpoint;
	const core::Secret *bearer; /* for the Authorization header; empty: none */
	std::string ca_file;        /* trusted roots; empty: the system's */
	std::string body;           /* JSON */
	std::size_t most_bytes;     /* of the answer */
};

struct HttpResponse {
	long status = 0;
	long retry_after = 0; /* seconds, as the server asks for; 0: it does not */
	std::string body;
};

/*
 * Send it and read the whole answer, whatever its status. Throws core::Error: timeout (57014) at the deadline, dns,
 * refused, tls (08001), lost (08006), 54000 for too long an answer. No message names the host.
 */
HttpResponse post(const HttpRequest &request, core::Deadline deadline, core::Waiter &waiter);

} // namespace tenancy::ask
