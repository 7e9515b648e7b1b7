/*
 * What the planner knows of a foreign relation: a table, a join inside one connection, or what stands above them
 * (grouped, distinct, ordered, limited). It is what RelOptInfo::fdw_private points to. PG regime.
 */
#pragma once

#include "fdw/option.hpp"
#include "fdw/plan.hpp"
#include "fdw/render.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/pathnodes.h"
}

namespace tenancy::fdw {

struct ForeignRelation;

/* A condition for the remote server: an expression, or [NOT] EXISTS (inner side of a semi or anti join). */
struct Condition {
	Node *clause;
	const ForeignRelation *exists; /* NULL: clause */
	List *join_clauses;     /* Node *, inside the EXISTS */
	bool negated;
};

struct ForeignRelation {
	Oid server;
	remote::DatabaseType type;
	Options options;
	Source *sources;
	int source_count;
	Relids relids; /* of the tables below, also for an upper relation */

	Relids visible; /* those of them whose columns are there above a join, so not the inner side of a semi join */

	List *conditions;     /* Condition *: of WHERE */
	List *local_clauses;  /* Node *: what this side checks after the remote server has answered */
	bool gated;           /* a condition without columns that only this side can judge stands above the scan */
	List *remote_clauses; /* Node *: what the remote server checks, for rechecks here */

	/* A join. */
	const ForeignRelation *outer, *inner; /* NULL: a table */
	JoinType join_type;
	List *on; /* Condition * */

	/* Above scan and join. */
	bool grouped; /* GROUP BY, aggregates, HAVING */
	bool distinct;
	bool windowed;
	List *target; /* TargetEntry *: the remote columns, ressortgroupref of GROUP BY keys; NIL: those of the path */
	List *visible_exprs; /* Node *: what ORDER BY may mention besides target */
	List *group_keys;    /* int: positions in target */
	List *having;        /* Node * */

	/* Estimates. */
	double rows;      /* that the remote server sends */
	double scanned;   /* that it reads for it */
	Cost remote_cost; /* by its own planner; 0: not asked */
	double rows_here; /* that are left after local_clauses */
};

enum class RowLock : uint8 { none, share, exclusive };

/* The part of a SELECT behind its FROM and WHERE. */
struct Tail {
	List *more_conditions; /* Node *: of a parameterised path */
	List *pathkeys;
	Node *limit_count, *limit_offset;
	RowLock lock;
	LockWaitPolicy wait;
};

inline ForeignRelation *
relation_of(const RelOptInfo *rel)
{
	return static_cast<ForeignRelation *>(rel->fdw_private);
}

/* Is nothing left to check here, so that joins, aggregates and limits above may be pushed? */
inline bool
is_whole(const ForeignRelation *relation)
{
	return relation != nullptr && relation->local_clauses == NIL && !relation->gated;
}

Condition *condition_of(Node *clause);

/* What the dialect of its client database can say. */
const Abilities &abilities_of(const ForeignRelation *relation);
/* A renderer that is ready to print expressions over relation into a new buffer. */
Renderer *renderer_for(PlannerInfo *root, const ForeignRelation *relation);

/* Do exprs want only ordinary columns: no system column, whole row, or value that an outer join may turn to NULL? */
bool has_plain_columns(List *exprs);

/* Does the clause look rows of the relation up by a key or an index, so that the others need not be read? */
bool is_key_lookup(const ForeignRelation *relation, Node *clause);

/* Can the clause be sent? Prints into nowhere. */
Ship shippable(PlannerInfo *root, const ForeignRelation *relation, RestrictInfo *info);
/* The expression of a pathkey in terms of relation, with its order; false when there is none that can be sent. */
bool sort_key_of(PlannerInfo *root, const ForeignRelation *relation, PathKey *pathkey, SortKey *key);
bool can_sort(PlannerInfo *root, const ForeignRelation *relation, List *pathkeys);

/*
 * Print the whole SELECT of target (TargetEntry *) into renderer->out; false when part of it cannot be sent, which
 * for what was checked with shippable() before does not happen.
 */
bool print_select(Renderer &renderer, const ForeignRelation *relation, List *target, const Tail &tail);
/* " FROM … WHERE …" alone. */
bool print_from_where(Renderer &renderer, const ForeignRelation *relation, List *more_conditions);

/* GetForeignRelSize and the paths of each stage. */
void table_size(PlannerInfo *root, RelOptInfo *rel, Oid table);
void table_paths(PlannerInfo *root, RelOptInfo *rel, Oid table);
void join_paths(PlannerInfo *root, RelOptInfo *join, RelOptInfo *outer, RelOptInfo *inner, JoinType type,
                JoinPathExtraData *extra);
void upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output, void *extra);

/* use_remote_estimate: true, with rows and remote_cost of relation set, when the remote planner could be asked. */
bool ask_remote_planner(PlannerInfo *root, ForeignRelation *relation);
/* Cost of sending relation's rows, in the planner's units. */
struct Estimate {
	double rows;
	Cost startup, total;
};
Estimate estimate(PlannerInfo *root, const RelOptInfo *rel, const ForeignRelation *relation, bool sorted);
/* The same when only count rows (0: unknown) are asked for. */
Estimate estimate_limited(PlannerInfo *root, const RelOptInfo *rel, const ForeignRelation *relation, bool sorted,
                          double count);
/* The estimate for one execution with the values of the outer row; rows is how many pass its conditions. */
Estimate estimate_lookup(const ForeignRelation *relation, double rows, bool by_key);

} // namespace tenancy::fdw
