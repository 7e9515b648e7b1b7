/*
 * A foreign relation as one SELECT of the remote server. PG regime.
 */
#include "fdw/relation.hpp"

#include "bridge/plan.hpp"

extern "C" {
#include "access/stratnum.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

bool print_from(Renderer &renderer, const ForeignRelation *relation);
bool print_conditions(Renderer &renderer, const char *before, List *conditions, List *clauses);

void
print(Renderer &renderer, const char *text)
{
	appendStringInfoString(renderer.out, text);
}

bool
print_condition(Renderer &renderer, const Condition *condition)
{
	if (condition->exists == nullptr) {
		/*
		 * Rows of a single table that pass although they should not are checked again here; nothing checks the rows of
		 * a join.
		 */
		Ship const ship = renderer.condition(condition->clause);
		return ship == Ship::exact || (ship == Ship::superset && renderer.source_count == 1);
	}
	print(renderer, condition->negated ? "(NOT EXISTS (SELECT 1" : "(EXISTS (SELECT 1");
	bool const looked = renderer.must_look;
	renderer.must_look = looked || condition->negated;
	bool const printed = print_from_where(renderer, condition->exists, condition->join_clauses);
	renderer.must_look = looked;
	print(renderer, "))");
	return printed;
}

/* Condition * and bare clauses, joined by AND. */
bool
print_conditions(Renderer &renderer, const char *before, List *conditions, List *clauses)
{
	ListCell *cell;
	foreach (cell, conditions) {
		print(renderer, before);
		before = " AND ";
		if (!print_condition(renderer, static_cast<Condition *>(lfirst(cell))))
			return false;
	}
	foreach (cell, clauses) {
		print(renderer, before);
		before = " AND ";
		Ship const ship = renderer.condition(static_cast<Node *>(lfirst(cell)));
		if (ship == Ship::none || (ship == Ship::superset && renderer.source_count > 1))
			return false;
	}
	return true;
}

bool
print_join(Renderer &renderer, const ForeignRelation *relation)
{
	const char *const word = relation->join_type == JOIN_LEFT   ? " LEFT JOIN "
	                         : relation->join_type == JOIN_FULL ? " FULL JOIN "
	                                                            : " JOIN ";
	print(renderer, "(");
	if (!print_from(renderer, relation->outer))
		return false;
	print(renderer, word);
	if (!print_from(renderer, relation->inner))
		return false;
	print(renderer, " ON ");
	bool const looked = renderer.must_look;
	renderer.must_look = looked || IS_OUTER_JOIN(relation->join_type);
	bool printed = true;
	if (relation->on == NIL)
		renderer.truth(true);
	else
		printed = print_conditions(renderer, "", relation->on, NIL);
	renderer.must_look = looked;
	print(renderer, ")");
	return printed;
}

bool
print_from(Renderer &renderer, const ForeignRelation *relation)
{
	/* A semi or anti join adds a condition, not a table. */
	if (relation->outer != nullptr && relation->inner == nullptr)
		return print_from(renderer, relation->outer);
	if (relation->outer != nullptr)
		return print_join(renderer, relation);
	Table const &table = *relation->sources[0].table;
	renderer.relation(table);
	if (renderer.qualified || table.query != nullptr)
		appendStringInfo(renderer.out, " r%u", relation->sources[0].varno);
	return true;
}

bool
print_target(Renderer &renderer, const ForeignRelation *relation, List *target)
{
	int position = 0;
	ListCell *cell;
	foreach (cell, target) {
		auto *const node = reinterpret_cast<Node *>(lfirst_node(TargetEntry, cell)->expr);
		print(renderer, position++ == 0 ? "" : ", ");
		bool const key = list_member_int(relation->group_keys, position);
		if (!(key ? renderer.group_key(node) : renderer.output(node)))
			return false;
	}
	if (target == NIL) /* SQLite takes a HAVING for one of groups only beside an aggregate */
		print(renderer, relation->grouped && relation->group_keys == NIL ? "count(*)" : "1");
	return true;
}

bool
print_group_by(Renderer &renderer, const ForeignRelation *relation, List *target)
{
	ListCell *cell;
	foreach (cell, relation->group_keys) {
		auto *const entry = static_cast<TargetEntry *>(list_nth(target, lfirst_int(cell) - 1));
		print(renderer, cell == list_head(relation->group_keys) ? " GROUP BY " : ", ");
		if (!renderer.group_clause(reinterpret_cast<Node *>(entry->expr), lfirst_int(cell)))
			return false;
	}
	return true;
}

bool
print_order(Renderer &renderer, const ForeignRelation *relation, List *pathkeys)
{
	ListCell *cell;
	foreach (cell, pathkeys) {
		SortKey key;
		print(renderer, cell == list_head(pathkeys) ? " ORDER BY " : ", ");
		if (!sort_key_of(renderer.root, relation, lfirst_node(PathKey, cell), &key) || !renderer.sort_key(key))
			return false;
	}
	return true;
}

/* Does node mention nothing but what the SELECT can see at that point? */
bool
is_in_scope(PlannerInfo *root, const ForeignRelation *relation, Node *node)
{
	if (!relation->grouped && !relation->distinct && !relation->windowed)
		return bms_is_subset(pull_varnos(root, node), relation->visible);
	if (list_member(relation->visible_exprs, node))
		return true;
	ListCell *cell;
	foreach (cell, relation->target)
		if (equal(lfirst_node(TargetEntry, cell)->expr, node))
			return true;
	return false;
}

} // namespace

bool
print_from_where(Renderer &renderer, const ForeignRelation *relation, List *more_conditions)
{
	print(renderer, " FROM ");
	return print_from(renderer, relation) &&
	       print_conditions(renderer, " WHERE ", relation->conditions, more_conditions);
}

bool
sort_key_of(PlannerInfo *root, const ForeignRelation *relation, PathKey *pathkey, SortKey *key)
{
	EquivalenceClass *const klass = pathkey->pk_eclass;
	if (klass->ec_has_volatile)
		return false;
	ListCell *cell;
	List *const members = compat::members_of(klass, relation->relids);
	foreach (cell, members) {
		auto *const member = static_cast<EquivalenceMember *>(lfirst(cell));
		auto *const node = reinterpret_cast<Node *>(member->em_expr);
		if (member->em_is_const || !is_in_scope(root, relation, node))
			continue;
		Oid const op = get_opfamily_member(pathkey->pk_opfamily, member->em_datatype, member->em_datatype,
		                                   compat::pathkey_strategy(pathkey));
		if (!OidIsValid(op) || !make_sort_key(member->em_expr, op, pathkey->pk_nulls_first, key))
			continue;
		Renderer *const renderer = renderer_for(root, relation);
		renderer->aggregates = relation->grouped;
		renderer->windows = relation->windowed;
		if (renderer->sort_key(*key))
			return true;
	}
	return false;
}

bool
can_sort(PlannerInfo *root, const ForeignRelation *relation, List *pathkeys)
{
	ListCell *cell;
	foreach (cell, pathkeys) {
		SortKey key;
		if (!sort_key_of(root, relation, lfirst_node(PathKey, cell), &key))
			return false;
	}
	return true;
}

bool
print_select(Renderer &renderer, const ForeignRelation *relation, List *target, const Tail &tail)
{
	renderer.aggregates = relation->grouped;
	renderer.windows = relation->windowed;
	print(renderer, "SELECT ");
	if (!print_target(renderer, relation, target))
		return false;
	renderer.aggregates = renderer.windows = false;
	if (!print_from_where(renderer, relation, tail.more_conditions))
		return false;
	if (!print_group_by(renderer, relation, target))
		return false;
	renderer.aggregates = relation->grouped;
	if (!print_conditions(renderer, " HAVING ", NIL, relation->having))
		return false;
	renderer.windows = relation->windowed;
	if (!print_order(renderer, relation, tail.pathkeys))
		return false;
	renderer.aggregates = renderer.windows = false;
	bool const limited = tail.limit_count != nullptr || tail.limit_offset != nullptr;
	if (limited && !renderer.limit(tail.limit_count, tail.limit_offset))
		return false;
	if (tail.lock != RowLock::none && renderer.abilities().for_update) {
		/* MySQL takes these words behind FOR UPDATE and FOR SHARE, MariaDB behind FOR UPDATE and LOCK IN SHARE MODE. */
		bool const update = renderer.type() == remote::DatabaseType::mysql && tail.wait != LockWaitBlock;
		renderer.lock(tail.lock == RowLock::exclusive || update);
		if (tail.wait != LockWaitBlock)
			appendStringInfoString(renderer.out, tail.wait == LockWaitSkip ? " SKIP LOCKED" : " NOWAIT");
	}
	return true;
}

} // namespace tenancy::fdw
