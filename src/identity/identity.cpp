/*
 * Set-up of identity, the administrator's role, statements that carry secrets, and the smallest SQL functions.
 * PG regime.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "utils/acl.h"
}

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "identity/attempts.hpp"
#include "identity/explain.hpp"
#include "identity/identity.hpp"
#include "identity/lock_rights.hpp"
#include "identity/session.hpp"

namespace tenancy::identity {

void
initialize()
{
	session::define_setting();
	guard_explain();
	guard_locks();
}

void
request_shared_memory()
{
	attempts::request_shared_memory();
	session::request_shared_memory();
}

void
start_shared_memory()
{
	attempts::start_shared_memory();
	session::start_shared_memory();
}

bool
is_admin(Oid role)
{
	if (superuser_arg(role))
		return true;
	Oid const admin = get_role_oid("tenancy_admin", true);
	return OidIsValid(admin) && has_privs_of_role(role, admin);
}

/*
 * Both the role of the moment and the one that the session took must be: the first alone would make everybody an
 * admin inside a SECURITY DEFINER function of the extension, the second alone would lend an admin's rights to the
 * functions of whoever owns a table that the admin maintains.
 */
bool
is_admin()
{
	return is_admin(GetUserId()) && is_admin(GetOuterUserId());
}

void
require_admin()
{
	if (!is_admin())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied"),
		                errdetail("Only members of the role tenancy_admin may do this.")));
}

void
hide_statement(const char *function)
{
	/* Both outlive this call: the text is looked at until the statement ends. */
	static char line[NAMEDATALEN + 32];
	snprintf(line, sizeof line, "tenancy.%s(...)", function);
	if (debug_query_string != nullptr)
		debug_query_string = line;
	pgstat_report_activity(STATE_RUNNING, line);
}

TENANCY_FUNCTION(current_user_id)
{
	core::Uuid const user = current_user();
	if (user.is_nil())
		PG_RETURN_NULL();
	PG_RETURN_DATUM(bridge::uuid_datum(user));
}

TENANCY_FUNCTION(require_user_id)
{
	PG_RETURN_DATUM(bridge::uuid_datum(require_user()));
}

TENANCY_FUNCTION(is_admin)
{
	PG_RETURN_BOOL(is_admin());
}

} // namespace tenancy::identity
