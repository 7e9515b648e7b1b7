/*
 * Connecting to a tenant's PostgreSQL server: checked addresses in order, one deadline for all. Pure regime.
 */
#include "core/error.hpp"
#include "remote/address.hpp"
#include "remote/postgres/session.hpp"

namespace tenancy::remote::postgres {

using core::Deadline;
using core::Error;
using core::FailureKind;
using core::Waiter;

namespace {

/* A part of the time for each address that is left, so that one that never answers does not use up all of it. */
Link
dial_any(Endpoint &endpoint, const std::vector<Address> &addresses, Deadline deadline, Waiter &waiter)
{
	for (std::size_t i = 0;; ++i) {
		long const left = static_cast<long>(addresses.size() - i);
		bool const last = left == 1;
		endpoint.address = addresses[i].text();
		Deadline const share =
			last || deadline.never() ? deadline : Deadline::after(deadline.remaining_ms() / left + 1);
		try {
			return dial(endpoint, share, waiter);
		} catch (const Error &error) {
			/* Another address helps only when nobody answered at this one. */
			if (last || (error.kind != FailureKind::refused && error.kind != FailureKind::timeout))
				throw;
		}
	}
}

} // namespace

std::unique_ptr<remote::Session>
connect(const Target &target, Waiter &waiter)
{
	/* An empty value means the default to libpq, which for a user is the one that runs this server. */
	if (target.password.empty())
		throw Error(FailureKind::password, "28P01", "password is required", {}, "Set the password of the connection.");
	if (target.username.empty())
		throw Error(FailureKind::password, "28000", "user name is required", {},
		            "Set the user name of the connection.");
	Deadline const deadline = Deadline::after(target.connect_timeout_ms);
	NetworkList const nothing;
	Endpoint endpoint(target);
	std::vector<Address> const addresses =
		resolve(target.host, target.allowed_networks == nullptr ? nothing : *target.allowed_networks, deadline, waiter);
	Link link = dial_any(endpoint, addresses, deadline, waiter);
	auto session = std::make_unique<Session>(std::move(endpoint), std::move(link), target.read_only);
	try {
		session->set_up(deadline, waiter);
	} catch (const Error &error) {
		/* No statement of the user has run yet: what timed out is connecting. */
		if (error.kind == FailureKind::timeout)
			throw Error(FailureKind::timeout, "08001", "the server did not answer in time");
		throw;
	}
	return session;
}

} // namespace tenancy::remote::postgres
