/*
 * Routing of rows to partitions, as PostgreSQL 15 and later have it. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
extern "C" {
#include "access/tupconvert.h"
#include "executor/executor.h"
}

namespace tenancy::compat {

/*
 * The map from the columns of the statement's table to those of the partition; NULL: they are the same. Since 16 it is
 * computed on demand.
 */
inline const TupleConversionMap *
root_to_child_map(ResultRelInfo *target, [[maybe_unused]] EState *state)
{
#if PG_VERSION_NUM >= 160000
	return target->ri_RootResultRelInfo != nullptr ? ExecGetRootToChildMap(target, state) : nullptr;
#else
	return target->ri_RootToPartitionMap;
#endif
}

} // namespace tenancy::compat
