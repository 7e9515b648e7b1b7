/*
 * PG regime. Whoever grants or revokes what they cannot gets a warning from PostgreSQL, which writes the object's row
 * in the catalog all the same; and every VACUUM of that table, or of that database, waits for the end of their
 * transaction. Here it is an error, before anything is written.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

#include "identity/lock_rights.hpp"

namespace tenancy::identity {

namespace {

/* May the user grant any privilege on it? PostgreSQL itself looks which one. */
bool
may_grant_relation(Oid relation)
{
	constexpr AclMode of_whole = ACL_GRANT_OPTION_FOR(ACL_ALL_RIGHTS_RELATION | ACL_ALL_RIGHTS_SEQUENCE);
	constexpr AclMode of_columns = ACL_GRANT_OPTION_FOR(ACL_ALL_RIGHTS_COLUMN);
	return pg_class_aclcheck(relation, GetUserId(), of_whole) == ACLCHECK_OK ||
	       pg_attribute_aclcheck_all(relation, GetUserId(), of_columns, ACLMASK_ANY) == ACLCHECK_OK;
}

void
require_grantable(Oid relation)
{
	if (OidIsValid(relation) && !may_grant_relation(relation))
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
}

/* Is a relation of that kind among ALL SEQUENCES, or ALL TABLES, of its schema? */
bool
is_among(ObjectType type, char kind)
{
	if (type == OBJECT_SEQUENCE)
		return kind == RELKIND_SEQUENCE;
	return kind == RELKIND_RELATION || kind == RELKIND_VIEW || kind == RELKIND_MATVIEW ||
	       kind == RELKIND_FOREIGN_TABLE || kind == RELKIND_PARTITIONED_TABLE;
}

void
require_grantable_in(const char *schema, ObjectType type)
{
	Oid const space = get_namespace_oid(schema, true);
	if (!OidIsValid(space) || compat::owns(NamespaceRelationId, space))
		return;
	ScanKeyData key;
	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(space));
	Relation const classes = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc const scan = systable_beginscan(classes, InvalidOid, false, nullptr, 1, &key);
	for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));) {
		auto const *const row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
		if (is_among(type, row->relkind) && !may_grant_relation(row->oid))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			                errmsg("permission denied for %s %s", type == OBJECT_SEQUENCE ? "sequence" : "table",
			                       NameStr(row->relname)),
			                errhint("Name those whose rights are yours to give.")));
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
}

void
require_grantable_database(const char *name)
{
	Oid const database = get_database_oid(name, true);
	if (OidIsValid(database) && !compat::has_database_right(database, ACL_GRANT_OPTION_FOR(ACL_ALL_RIGHTS_DATABASE)))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_DATABASE, name);
}

} // namespace

void
check_grant(const GrantStmt *statement)
{
	bool const of_relations = statement->objtype == OBJECT_TABLE || statement->objtype == OBJECT_SEQUENCE;
	ListCell *cell;
	foreach (cell, statement->objects) {
		Node *const object = static_cast<Node *>(lfirst(cell));
		if (statement->targtype == ACL_TARGET_ALL_IN_SCHEMA && of_relations)
			require_grantable_in(strVal(object), statement->objtype);
		else if (statement->targtype == ACL_TARGET_OBJECT && of_relations)
			require_grantable(RangeVarGetRelid(castNode(RangeVar, object), NoLock, true));
		else if (statement->targtype == ACL_TARGET_OBJECT && statement->objtype == OBJECT_DATABASE)
			require_grantable_database(strVal(object));
	}
}

/*
 * DROP OWNED would revoke what has been granted to that role, where it can and where it cannot. Members of a role may
 * do so.
 */
void
check_drop_owned(const DropOwnedStmt *statement)
{
	ListCell *cell;
	foreach (cell, statement->roles) {
		auto const *const name = static_cast<RoleSpec *>(lfirst(cell));
		Oid const role = get_rolespec_oid(name, false);
		if (role != GetUserId() && !is_admin_of_role(GetUserId(), role))
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to drop objects"),
			                errdetail("Only roles with the ADMIN option on role \"%s\" may drop what it owns.",
			                          GetUserNameFromId(role, false))));
	}
}

} // namespace tenancy::identity
