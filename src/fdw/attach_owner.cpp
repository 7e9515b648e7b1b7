/*
 * What attach() has made, and what others have made under the same names. PG regime.
 */
#include "fdw/attach.hpp"

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "foreign/foreign.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

/* DDL is the bootstrap superuser's (bridge/spi.hpp); without owners, a restored dump gives it to the extension's. */
#define IS_OURS(owner)                                                                                                 \
	" AND " owner " IN (10, (SELECT x.extowner FROM pg_extension AS x WHERE x.extname = 'pg_tenancy'))"

spi::Statement own_server = {"SELECT FROM pg_foreign_server AS s JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw"
                             " WHERE s.srvname = $1 AND w.fdwname = 'tenant_fdw'" IS_OURS("s.srvowner"),
                             {NAMEOID}};

spi::Statement own_schema = {"SELECT FROM pg_namespace AS n WHERE n.nspname = $1" IS_OURS("n.nspowner"), {NAMEOID}};

bool
finds(spi::Statement &statement, const char *name)
{
	Datum const values[] = {bridge::name_datum(name)};
	return spi::run(statement, values) == 1;
}

} // namespace

bool
is_own_server(const char *name)
{
	return finds(own_server, name);
}

bool
is_own_schema(const char *name)
{
	return finds(own_schema, name);
}

void
require_own_server(const char *name)
{
	if (GetForeignServerByName(name, true) != nullptr && !is_own_server(name))
		ereport(ERROR,
		        (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("server \"%s\" already exists", name),
		         errdetail("It was not made by tenancy.attach()."), errhint("Attach to a schema of another name.")));
}

} // namespace tenancy::fdw
