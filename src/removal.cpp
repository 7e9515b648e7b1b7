/*
 * DROP EXTENSION, and ALTER EXTENSION UPDATE, which lock the tables in an order of their own: workers are kept out
 * first. And what the first leaves to do: PostgreSQL makes the schema of the control file, but does not count it to the
 * extension, so it would stay, with its privileges of roles that then cannot be dropped. PG regime.
 */
#include "removal.hpp"

#include "bridge/extension.hpp"
#include "bridge/spi.hpp"
#include "bridge/utility.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace tenancy {

namespace {

namespace spi = bridge::spi;

/* Drops the schema, unless it still has objects of somebody else. */
void
drop_empty_schema()
{
	static spi::Statement is_empty = {
		"SELECT FROM pg_namespace AS n WHERE n.nspname = 'tenancy' AND NOT EXISTS (SELECT FROM pg_depend AS d"
		" WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid)"};
	static spi::Statement drop = {"DROP SCHEMA tenancy RESTRICT"};
	spi::Scope const scope = spi::open();
	if (spi::run(is_empty) > 0)
		(void) spi::run(drop);
	spi::close(scope);
}

bool
updates_extension(Node *statement)
{
	return IsA(statement, AlterExtensionStmt) &&
	       strcmp(reinterpret_cast<AlterExtensionStmt *>(statement)->extname, "pg_tenancy") == 0 &&
	       bridge::has_extension();
}

/* DROP EXTENSION, or DROP SCHEMA … CASCADE of the schema that it lives in. */
bool
drops_extension(Node *statement)
{
	if (!IsA(statement, DropStmt))
		return false;
	auto const *const drop = reinterpret_cast<DropStmt *>(statement);
	if (drop->removeType != OBJECT_EXTENSION && drop->removeType != OBJECT_SCHEMA)
		return false;
	const char *const name = drop->removeType == OBJECT_EXTENSION ? "pg_tenancy" : "tenancy";
	ListCell *cell;
	foreach (cell, drop->objects)
		if (strcmp(strVal(lfirst(cell)), name) == 0)
			return bridge::has_extension();
	return false;
}

void
run_utility(const bridge::Utility &utility)
{
	bool const dropping = drops_extension(utility.statement());
	if (dropping || updates_extension(utility.statement()))
		bridge::claim_extension();
	utility.run();
	if (dropping && !bridge::has_extension())
		drop_empty_schema();
}

} // namespace

void
watch_removal()
{
	bridge::watch_utilities<run_utility>();
}

} // namespace tenancy
