/*
 * Who may use the tables of an attachment. PG regime.
 */
#include "fdw/attach.hpp"

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"
#include "identity/identity.hpp"

extern "C" {
#include "lib/stringinfo.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

spi::Statement bound_roles = {"SELECT b.role_name::text FROM tenancy.role_bindings AS b JOIN pg_roles AS r"
                              " ON r.rolname = b.role_name WHERE b.user_id = $1 ORDER BY 1",
                              {UUIDOID}};

spi::Statement schema_roles = {
	"SELECT DISTINCT r.rolname::text FROM pg_namespace AS n, aclexplode(n.nspacl) AS a JOIN pg_roles AS r"
	" ON r.oid = a.grantee WHERE n.nspname = $1 AND a.privilege_type = 'USAGE' AND r.oid <> n.nspowner ORDER BY 1",
	{NAMEOID}};

/* Add a role unless it is there. */
List *
with_role(List *roles, const char *name)
{
	ListCell *cell;
	foreach (cell, roles)
		if (strcmp(static_cast<const char *>(lfirst(cell)), name) == 0)
			return roles;
	return lappend(roles, pstrdup(name));
}

/* Add the names in the first column of SPI's result. The list is in context, which is not SPI's. */
List *
with_rows(MemoryContext context, List *roles)
{
	MemoryContext const spi_context = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; ++i)
		roles = with_role(roles, spi::text(i, 1));
	MemoryContextSwitchTo(spi_context);
	return roles;
}

/* Adds the caller's role, unless it is a superuser's, which needs no privileges. */
List *
with_caller(List *roles, Oid role)
{
	return superuser_arg(role) ? roles : with_role(roles, GetUserNameFromId(role, false));
}

} // namespace

void
choose_grantees(Attachment *attachment, const core::Uuid &owner, bool first)
{
	bool const admin = identity::is_admin();
	Oid const role = GetUserId();
	List *roles = NIL;
	Datum const user[] = {bridge::uuid_datum(owner)}, schema[] = {bridge::name_datum(attachment->schema)};
	MemoryContext const context = CurrentMemoryContext;
	spi::Scope const scope = spi::open();
	int const bound = static_cast<int>(spi::run(bound_roles, user));
	roles = with_rows(context, roles);
	(void) spi::run(schema_roles, schema);
	roles = with_rows(context, roles);
	spi::close(scope);
	if (first && !admin)
		roles = with_caller(with_caller(roles, role), GetSessionUserId());
	if (roles == NIL)
		roles = with_role(roles, GetUserNameFromId(GetSessionUserId(), false));
	attachment->grantees = roles;
	attachment->shared = list_length(roles) > bound;
}

void
grant_schema(const Attachment &attachment)
{
	ListCell *cell;
	foreach (cell, attachment.grantees)
		execute(psprintf("GRANT USAGE ON SCHEMA %s TO %s", quote_identifier(attachment.schema),
		                 quote_identifier(static_cast<const char *>(lfirst(cell)))));
}

void
grant_table(const Attachment &attachment, const char *table)
{
	StringInfoData roles;
	initStringInfo(&roles);
	ListCell *cell;
	foreach (cell, attachment.grantees)
		appendStringInfo(&roles, "%s%s", roles.len > 0 ? ", " : "",
		                 quote_identifier(static_cast<const char *>(lfirst(cell))));
	if (roles.len > 0)
		execute(psprintf("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLE %s TO %s",
		                 quote_qualified_identifier(attachment.schema, table), roles.data));
}

} // namespace tenancy::fdw
