/*
 * PG regime. Some statements wait for a strong lock of a table, or of a whole database, before PostgreSQL looks whether
 * their user may have it. While one waits, everybody else queues up behind it: a tenant with two sessions, of which the
 * first reads a table and stays in its transaction, so stops all others; and an autovacuum that has the lock gives up.
 * Here the right is looked at first, in every database of the server, as they share catalogs.
 */
#include "bridge/pg.hpp"
extern "C" {
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_publication.h"
#include "commands/dbcommands.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "bridge/utility.hpp"
#include "identity/lock_rights.hpp"

namespace tenancy::identity {

namespace {

/* InvalidOid: there is none, or none that its user may know of; PostgreSQL's own check then says so without a lock. */
Oid
oid_of(const RangeVar *table)
{
	return RangeVarGetRelid(table, NoLock, true);
}

void
require_owner(const RangeVar *table)
{
	if (Oid const relation = oid_of(table); OidIsValid(relation) && !compat::owns(RelationRelationId, relation))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relation)), table->relname);
}

void
require_right(const RangeVar *table, AclMode right)
{
	Oid const relation = oid_of(table);
	if (!OidIsValid(relation) || pg_class_aclcheck(relation, GetUserId(), right) == ACLCHECK_OK)
		return;
	/* REFERENCES may be granted by column; which ones are meant is for PostgreSQL to check. */
	if (right != ACL_REFERENCES || pg_attribute_aclcheck_all(relation, GetUserId(), right, ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relation)), table->relname);
}

void
check_constraint(Node *node)
{
	if (node == nullptr || !IsA(node, Constraint))
		return;
	auto const *const constraint = reinterpret_cast<Constraint *>(node);
	if (constraint->contype == CONSTR_FOREIGN && constraint->pktable != nullptr)
		require_right(constraint->pktable, ACL_REFERENCES);
}

/* Foreign keys of a column or of a whole table. */
void
check_element(Node *element)
{
	check_constraint(element);
	if (element == nullptr || !IsA(element, ColumnDef))
		return;
	ListCell *cell;
	foreach (cell, reinterpret_cast<ColumnDef *>(element)->constraints)
		check_constraint(static_cast<Node *>(lfirst(cell)));
}

/* Partitions of one's own table may be detached, whoever has come to own them. */
bool
is_partition_of(const RangeVar *table, const RangeVar *parent)
{
	Oid const relation = oid_of(table);
	return OidIsValid(relation) && get_rel_relispartition(relation) &&
	       get_partition_parent(relation, true) == oid_of(parent);
}

void
check_commands(const AlterTableStmt *statement)
{
	if (!OidIsValid(oid_of(statement->relation)))
		return;
	ListCell *cell;
	foreach (cell, statement->cmds) {
		auto const *const command = static_cast<AlterTableCmd *>(lfirst(cell));
		if (command->subtype == AT_AddInherit) {
			require_owner(reinterpret_cast<RangeVar *>(command->def));
			continue;
		}
		if (command->def == nullptr || !IsA(command->def, PartitionCmd)) {
			check_element(command->def);
			continue;
		}
		const RangeVar *const partition = reinterpret_cast<PartitionCmd *>(command->def)->name;
		if (command->subtype == AT_AttachPartition || !is_partition_of(partition, statement->relation))
			require_owner(partition);
	}
}

void
check_creation(const CreateStmt *statement)
{
	ListCell *cell;
	foreach (cell, statement->tableElts)
		check_element(static_cast<Node *>(lfirst(cell)));
	if (statement->if_not_exists && OidIsValid(oid_of(statement->relation)))
		return;
	foreach (cell, statement->inhRelations)
		require_owner(static_cast<RangeVar *>(lfirst(cell)));
}

/* Checks indexes, materialized views and triggers; those who use anything else do not lock it. */
void
check_dependence(const AlterObjectDependsStmt *statement)
{
	if (statement->relation != nullptr)
		require_owner(statement->relation);
}

/* Checks the object that COMMENT and its like name; a column is named by its table's name and its own. */
void
check_object(ObjectType type, Node *object)
{
	switch (type) {
	case OBJECT_FOREIGN_TABLE:
	case OBJECT_INDEX:
	case OBJECT_MATVIEW:
	case OBJECT_SEQUENCE:
	case OBJECT_TABLE:
	case OBJECT_VIEW: require_owner(makeRangeVarFromNameList(castNode(List, object))); return;
	case OBJECT_COLUMN: {
		List *const names = castNode(List, object);
		if (list_length(names) > 1)
			require_owner(makeRangeVarFromNameList(list_truncate(list_copy(names), list_length(names) - 1)));
		return;
	}
	default: return;
	}
}

void
check_statistics(const CreateStatsStmt *statement)
{
	ListCell *cell;
	foreach (cell, statement->relations)
		if (IsA(lfirst(cell), RangeVar))
			require_owner(static_cast<RangeVar *>(lfirst(cell)));
}

/* Tables may be taken out of one's own publication, whoever has come to own them. */
bool
is_published(const RangeVar *table, const char *publication)
{
	Oid const relation = oid_of(table);
	Oid const own = publication == nullptr ? InvalidOid : get_publication_oid(publication, true);
	return OidIsValid(relation) && OidIsValid(own) &&
	       SearchSysCacheExists2(PUBLICATIONRELMAP, ObjectIdGetDatum(relation), ObjectIdGetDatum(own));
}

/* dropped_from is NULL when they are added. */
void
check_published(const List *objects, const char *dropped_from)
{
	ListCell *cell;
	foreach (cell, objects) {
		auto const *const object = static_cast<PublicationObjSpec *>(lfirst(cell));
		if (object->pubobjtype == PUBLICATIONOBJ_TABLE && !is_published(object->pubtable->relation, dropped_from))
			require_owner(object->pubtable->relation);
	}
}

/*
 * Requires the owner of a database: whoever connects to it waits for the lock with which it is dropped, renamed and
 * moved.
 */
void
require_database_owner(const char *name)
{
	if (Oid const database = get_database_oid(name, true);
	    OidIsValid(database) && !compat::owns(DatabaseRelationId, database))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_DATABASE, name);
}

/*
 * The catalog of all subscriptions is locked to the end of the transaction, also when there is none of that name: by
 * minor releases until 2025 against everybody, by later ones, as 15.20, in a mode that holds up few.
 */
bool
skips_absent_subscription(const Node *statement)
{
	if (!IsA(statement, DropSubscriptionStmt))
		return false;
	auto const *const drop = reinterpret_cast<const DropSubscriptionStmt *>(statement);
	if (OidIsValid(get_subscription_oid(drop->subname, true)))
		return false;
	if (!drop->missing_ok)
		ereport(ERROR,
		        (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("subscription \"%s\" does not exist", drop->subname)));
	ereport(NOTICE, (errmsg("subscription \"%s\" does not exist, skipping", drop->subname)));
	return true;
}

void
require_subscription_owner(const char *name)
{
	Oid const subscription = get_subscription_oid(name, true);
	if (!compat::owns(SubscriptionRelationId, subscription))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SUBSCRIPTION, name);
}

/* Requires the owner of a schema: whoever makes something in it waits for the lock with which it is dropped. */
void
check_drop_schema(const DropStmt *statement)
{
	if (statement->removeType != OBJECT_SCHEMA)
		return;
	ListCell *cell;
	foreach (cell, statement->objects) {
		const char *const name = strVal(lfirst(cell));
		Oid const schema = get_namespace_oid(name, true);
		if (OidIsValid(schema) && !compat::owns(NamespaceRelationId, schema))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, name);
	}
}

void
check_rights(Node *statement)
{
	switch (nodeTag(statement)) {
	case T_GrantStmt: check_grant(reinterpret_cast<GrantStmt *>(statement)); return;
	case T_DropOwnedStmt: check_drop_owned(reinterpret_cast<DropOwnedStmt *>(statement)); return;
	case T_DropStmt: check_drop_schema(reinterpret_cast<DropStmt *>(statement)); return;
	case T_RuleStmt: require_owner(reinterpret_cast<RuleStmt *>(statement)->relation); return;
	case T_CreateTrigStmt: require_right(reinterpret_cast<CreateTrigStmt *>(statement)->relation, ACL_TRIGGER); return;
	case T_CreateStmt: check_creation(reinterpret_cast<CreateStmt *>(statement)); return;
	case T_CreateForeignTableStmt: check_creation(&reinterpret_cast<CreateForeignTableStmt *>(statement)->base); return;
	case T_AlterObjectDependsStmt: check_dependence(reinterpret_cast<AlterObjectDependsStmt *>(statement)); return;
	case T_AlterTableStmt: check_commands(reinterpret_cast<AlterTableStmt *>(statement)); return;
	case T_CommentStmt: {
		auto const *const comment = reinterpret_cast<CommentStmt *>(statement);
		check_object(comment->objtype, comment->object);
		return;
	}
	case T_SecLabelStmt: {
		auto const *const label = reinterpret_cast<SecLabelStmt *>(statement);
		check_object(label->objtype, label->object);
		return;
	}
	case T_AlterExtensionContentsStmt: {
		auto const *const member = reinterpret_cast<AlterExtensionContentsStmt *>(statement);
		check_object(member->objtype, member->object);
		return;
	}
	case T_CreateStatsStmt: check_statistics(reinterpret_cast<CreateStatsStmt *>(statement)); return;
	case T_CreatePublicationStmt:
		check_published(reinterpret_cast<CreatePublicationStmt *>(statement)->pubobjects, nullptr);
		return;
	case T_AlterPublicationStmt: {
		auto const *const change = reinterpret_cast<AlterPublicationStmt *>(statement);
		check_published(change->pubobjects, change->action == AP_DropObjects ? change->pubname : nullptr);
		return;
	}
	case T_DropdbStmt: require_database_owner(reinterpret_cast<DropdbStmt *>(statement)->dbname); return;
	case T_AlterDatabaseStmt: require_database_owner(reinterpret_cast<AlterDatabaseStmt *>(statement)->dbname); return;
	case T_RenameStmt: {
		auto const *const rename = reinterpret_cast<RenameStmt *>(statement);
		if (rename->renameType == OBJECT_DATABASE)
			require_database_owner(rename->subname);
		return;
	}
	case T_DropSubscriptionStmt:
		require_subscription_owner(reinterpret_cast<DropSubscriptionStmt *>(statement)->subname);
		return;
	default: return;
	}
}

void
run_utility(const bridge::Utility &utility)
{
	/* The end of a transaction that failed comes here too, and nothing can be looked up in that. */
	if (IsTransactionState() && !superuser()) {
		if (skips_absent_subscription(utility.statement()))
			return;
		check_rights(utility.statement());
	}
	utility.run();
}

} // namespace

void
guard_locks()
{
	bridge::watch_utilities<run_utility>();
}

} // namespace tenancy::identity
