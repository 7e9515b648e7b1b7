/*
 * SQL functions for administrators: which roles are whom, who may log in. PG regime.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "utils/acl.h"
}

#include "bridge/datum.hpp"
#include "bridge/extension.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "identity/account.hpp"
#include "identity/attempts.hpp"
#include "identity/identity.hpp"
#include "identity/session.hpp"

namespace tenancy::identity {

namespace {

[[noreturn]] void
refuse_unknown_user()
{
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("user does not exist")));
}

/* A superuser is everybody already; a name in pg_ can never log in. */
void
check_role(const char *role)
{
	Oid const oid = get_role_oid(role, false);
	if (superuser_arg(oid) || strncmp(role, "pg_", 3) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("role \"%s\" cannot be bound to a user", role),
		                errdetail("Superusers and predefined roles are not bound.")));
}

} // namespace

TENANCY_FUNCTION(bind_role)
{
	require_admin();
	const char *const role = NameStr(*PG_GETARG_NAME(1));
	check_role(role);
	static bridge::spi::Statement exists = {"SELECT FROM tenancy.users AS u WHERE u.id = $1 FOR KEY SHARE OF u",
	                                        {UUIDOID}};
	static bridge::spi::Statement insert = {
		"INSERT INTO tenancy.role_bindings AS b (user_id, role_name) VALUES ($1, $2) "
		"ON CONFLICT (role_name) DO UPDATE SET user_id = b.user_id WHERE b.user_id = excluded.user_id",
		{UUIDOID, NAMEOID}};
	Datum const values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	bridge::spi::Scope const scope = bridge::spi::open();
	bool const known = bridge::spi::run(exists, values) == 1;
	bool const bound = known && bridge::spi::run(insert, values) == 1;
	bridge::spi::close(scope);
	session::forget();
	if (!known) {
		require_seen(bridge::uuid_value(values[0]));
		refuse_unknown_user();
	}
	if (!bound)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("role \"%s\" is bound to another user", role),
		                errhint("Unbind it first with tenancy.unbind_role(role).")));
	PG_RETURN_VOID();
}

TENANCY_FUNCTION(unbind_role)
{
	require_admin();
	static bridge::spi::Statement remove = {"DELETE FROM tenancy.role_bindings WHERE role_name = $1", {NAMEOID}};
	Datum const value = PG_GETARG_DATUM(0);
	bridge::spi::Scope const scope = bridge::spi::open();
	bool const found = bridge::spi::change_latest(remove, &value) == 1;
	bridge::spi::close(scope);
	session::forget();
	PG_RETURN_BOOL(found);
}

/* A user who is made inactive also loses the sessions, so that a later change of mind does not revive them. */
TENANCY_FUNCTION(set_active)
{
	require_admin();
	static bridge::spi::Statement update = {"UPDATE tenancy.users SET is_active = $2 WHERE id = $1",
	                                        {UUIDOID, BOOLOID}};
	static bridge::spi::Statement revoke = {"UPDATE tenancy.user_sessions SET revoked_at = clock_timestamp()"
	                                        " WHERE user_id = $1 AND NOT $2 AND revoked_at IS NULL",
	                                        {UUIDOID, BOOLOID}};
	Datum const values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	/*
	 * Take the turn before any row is locked: this also writes the health of the user's connections, a rotation that of
	 * all.
	 */
	bridge::take_turn(bridge::Turn::sealing, RowExclusiveLock);
	bridge::spi::Scope const scope = bridge::spi::open();
	bool const found = bridge::spi::run(update, values) == 1;
	if (found)
		(void) bridge::spi::change_latest(revoke, values);
	bridge::spi::close(scope);
	session::forget();
	if (!found) {
		require_seen(bridge::uuid_value(values[0]));
		refuse_unknown_user();
	}
	PG_RETURN_VOID();
}

TENANCY_FUNCTION(unlock_account)
{
	require_admin();
	attempts::forget(attempts::account_of(bridge::text_argument(fcinfo, 0)));
	PG_RETURN_VOID();
}

} // namespace tenancy::identity
