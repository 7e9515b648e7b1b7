/*
 * Differences between PostgreSQL 15 and 18, alphabetical, each written against the newest signature.
 * PG regime. PG_VERSION_NUM appears in bridge/ only.
 */
#pragma once

namespace tenancy::compat {

/* index_beginscan without orderings, which also takes what EXPLAIN counts since 18. */
inline IndexScanDesc
begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
	return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

/* Does the collation compare bytes? lc_collate_is_c until 17, a property of the locale since 18. */
inline bool
collation_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->collate_is_c;
#else
	return lc_collate_is_c(collation);
#endif
}

/* Does it know the letters of ASCII only? lc_ctype_is_c until 17, a property of the locale since 18. */
inline bool
ctype_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->ctype_is_c;
#else
	return lc_ctype_is_c(collation);
#endif
}

/* COPY hands rows of a foreign table over in batches, as INSERT does; since 16. */
#if PG_VERSION_NUM >= 160000
inline constexpr bool copy_collects_foreign_rows = true;
#else
inline constexpr bool copy_collects_foreign_rows = false;
#endif

/* pg_attribute.attgenerated of a column that is computed where it is read: ATTRIBUTE_GENERATED_VIRTUAL, since 18. */
inline constexpr char generated_virtual = 'v';

/*
 * Memory that belongs to a setting: malloc until 15, guc_malloc since 16. NULL when there is none, after a message at
 * level.
 */
inline void *
guc_memory(int level, Size size)
{
#if PG_VERSION_NUM >= 160000
	return guc_malloc(level, size);
#else
	void *const memory = malloc(size);
	if (memory == nullptr)
		ereport(level, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return memory;
#endif
}

/* The local transaction id of a backend: PGPROC.lxid until 16, PGPROC.vxid.lxid since 17. */
inline LocalTransactionId
local_xid(const PGPROC *proc)
{
#if PG_VERSION_NUM >= 170000
	return proc->vxid.lxid;
#else
	return proc->lxid;
#endif
}

/* Does the current user own that object? A function for each kind until 15, one for all since 16. */
inline bool
owns(Oid catalog, Oid object)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(catalog, object, GetUserId());
#else
	switch (catalog) {
	case RelationRelationId: return pg_class_ownercheck(object, GetUserId());
	case DatabaseRelationId: return pg_database_ownercheck(object, GetUserId());
	case NamespaceRelationId: return pg_namespace_ownercheck(object, GetUserId());
	case SubscriptionRelationId: return pg_subscription_ownercheck(object, GetUserId());
	default: return pg_extension_ownercheck(object, GetUserId());
	}
#endif
}

/* Any of the rights on a database, for the current user. */
inline bool
has_database_right(Oid database, AclMode rights)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(DatabaseRelationId, database, GetUserId(), rights) == ACLCHECK_OK;
#else
	return pg_database_aclcheck(database, GetUserId(), rights) == ACLCHECK_OK;
#endif
}

/* The collation "POSIX", whose constant is gone since 18. */
inline constexpr Oid posix_collation = 951;

/* The index of a backend in ProcGlobal->allProcs: PGPROC.pgprocno until 16, GetNumberFromPGProc since 17. */
inline int
proc_number(PGPROC *proc)
{
#if PG_VERSION_NUM >= 170000
	return GetNumberFromPGProc(proc);
#else
	return proc->pgprocno;
#endif
}

/* reverse(text): F_REVERSE until 17, F_REVERSE_TEXT since 18, which has another reverse. */
inline constexpr Oid reverse_text = 3062;

/* Has transaction_timeout, which is since 17, passed, so that the next interrupt ends the process? */
inline bool
transaction_is_overtime()
{
#if PG_VERSION_NUM >= 170000
	return TransactionTimeoutPending != 0 && TransactionTimeout > 0;
#else
	return false;
#endif
}

/* expression_tree_walker, whose walker is declared without parameters until 15. */
inline bool
walk_expression(Node *node, bool (*walker)(Node *, void *), void *context)
{
#if PG_VERSION_NUM >= 160000
	return expression_tree_walker(node, walker, context);
#else
	return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)), context);
#endif
}

/* raw_expression_tree_walker, whose walker is declared without parameters until 15. */
inline bool
walk_raw(Node *node, bool (*walker)(Node *, void *), void *context)
{
#if PG_VERSION_NUM >= 160000
	return raw_expression_tree_walker(node, walker, context);
#else
	return raw_expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)), context);
#endif
}

/* A wait event of our own in pg_stat_activity: named since 17, which needs shared memory; plain "Extension" before. */
class WaitEvent {
public:
	explicit constexpr WaitEvent(const char *name) : name_(name) {}
	uint32 info()
	{
		if (info_ == 0)
#if PG_VERSION_NUM >= 170000
			info_ = WaitEventExtensionNew(name_);
#else
			info_ = PG_WAIT_EXTENSION;
#endif
		return info_;
	}

private:
	[[maybe_unused]] const char *name_;
	uint32 info_ = 0;
};

} // namespace tenancy::compat
