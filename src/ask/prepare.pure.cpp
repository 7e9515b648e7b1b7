/*
 * See prepare.pure.hpp. Pure regime.
 */
#include "ask/prepare.pure.hpp"

#include "core/error.hpp"

namespace tenancy::ask {

void
prepare(connection::Pool &pool, connection::Opening &opening, std::string_view sql, core::Waiter &waiter)
{
	connection::Lease lease(pool, opening, waiter);
	remote::RunOptions options;
	options.timeout_ms = opening.statement_timeout_ms;
	options.read_only = true;
	if (lease.session().describe(sql, options, waiter).empty())
		throw core::Error(core::FailureKind::query, "42601", "the statement returns no columns");
}

} // namespace tenancy::ask
