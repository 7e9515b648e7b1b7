/*
 * What a plan of a foreign scan carries from the planner to the executor. PG regime.
 * Nothing of a tenant's is in it but the remote SQL: connection and credential are found when the scan begins.
 */
#pragma once

#include "remote/driver.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/pg_list.h"
}

namespace tenancy::fdw {

struct ScanPlan {
	const char *sql;
	Oid server;
	remote::DatabaseType type; /* whose dialect sql is in; the connection must still be of it */
	List *retrieved;           /* int: attribute number of the scan tuple for each remote column, in order */
	int fetch_rows;
	bool writes;           /* locks rows or, in a direct modification, changes them */
	const char *relations; /* for EXPLAIN, of a join or an upper relation; else NULL */
};

/* The plan as fdw_private, which must be copyable by copyObject. */
List *encode(const ScanPlan &plan);
ScanPlan decode_scan(List *fdw_private);

} // namespace tenancy::fdw
