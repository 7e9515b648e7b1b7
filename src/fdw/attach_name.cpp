/*
 * Which names attach() gives to a new schema: none in which somebody else's unqualified names would be looked up.
 * PG regime.
 */
#include "fdw/attach.hpp"

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"

extern "C" {
#include "utils/varlena.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

/*
 * NULL when a role has that name, as "$user" in a search_path is its schema then; and each search_path that is
 * configured: for roles and this database, functions, this session's start, and the server. What the server's files
 * say is asked apart, because whoever connects chooses what their session starts with.
 */
spi::Statement search_paths = {
	"SELECT NULL FROM pg_roles AS r WHERE r.rolname = $1"
	" UNION SELECT substr(s.setting, length('search_path=') + 1)"
	" FROM (SELECT d.setconfig FROM pg_db_role_setting AS d WHERE d.setdatabase IN"
	" (0, (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database()))"
	" UNION ALL SELECT p.proconfig FROM pg_proc AS p WHERE p.proconfig IS NOT NULL) AS c (settings),"
	" unnest(c.settings) AS s (setting) WHERE starts_with(s.setting, 'search_path=')"
	" UNION SELECT g.reset_val FROM pg_settings AS g WHERE g.name = 'search_path'"
	" UNION SELECT f.setting FROM pg_file_settings AS f WHERE lower(f.name) = 'search_path' AND f.setting IS NOT NULL",
	{NAMEOID}};

/* Whether a search_path, which is taken apart, names the schema. A malformed one leads nowhere. */
bool
names(char *path, const char *schema)
{
	List *entries = NIL;
	ListCell *cell;
	if (SplitIdentifierString(path, ',', &entries))
		foreach (cell, entries)
			if (strcmp(static_cast<const char *>(lfirst(cell)), schema) == 0)
				return true;
	return false;
}

[[noreturn]] void
refuse_name(const char *schema, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_RESERVED_NAME), errmsg("schema name \"%s\" is reserved", schema),
	                detail != nullptr ? errdetail_internal("%s", detail) : 0,
	                errhint("Choose a name that nothing else uses.")));
}

} // namespace

void
check_schema_name(const char *schema)
{
	constexpr const char *reserved[] = {"information_schema", "public", "tenancy"};
	bool refused = schema[0] == 0 || strncmp(schema, "pg_", 3) == 0;
	for (const char *const name : reserved)
		refused = refused || strcmp(schema, name) == 0;
	if (refused)
		refuse_name(schema, nullptr);
}

void
require_free_name(const char *schema)
{
	Datum const values[] = {bridge::name_datum(schema)};
	uint64 const rows = spi::read_latest(search_paths, values);
	for (uint64 i = 0; i < rows; ++i) {
		char *const path = spi::text(i, 1);
		if (path == nullptr)
			refuse_name(schema, "A role has this name, and its search_path may lead to a schema of its name.");
		if (names(path, schema))
			refuse_name(schema, "A search_path that is configured on this server names it.");
	}
}

} // namespace tenancy::fdw
