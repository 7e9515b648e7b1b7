/*
 * What a direct modification carries from the planner to the executor. PG regime.
 */
#pragma once

#include "remote/driver.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
}

namespace tenancy::fdw {

struct DirectPlan {
	const char *sql;
	remote::DatabaseType type;
	bool counts;    /* the rows in the command's tag */
	List *columns;  /* int: the column whose new value each parameter is, or 0 */
	List *returned; /* int */
};

/* The plan as fdw_private: a list that begins with the remote SQL. */
List *encode_direct(const DirectPlan &plan);
DirectPlan decode_direct(List *fdw_private);

/* Make the scan below plan a direct modification, if it can be one. */
bool plan_direct(PlannerInfo *root, ModifyTable *plan, Index varno, int subplan);

} // namespace tenancy::fdw
