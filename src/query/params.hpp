/*
 * Parameters of a query from SQL arguments and from jsonb. PG regime, private to query.
 */
#pragma once

#include "query/stream.pure.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "utils/jsonb.h"
}

namespace tenancy::query {

/* The arguments from first on, each by its own type; a VARIADIC array is spread. */
remote::ParamList variadic_params(FunctionCallInfo fcinfo, int first);

/* The elements of a jsonb array; NULL has none. 22023 for anything that is not an array. */
remote::ParamList jsonb_params(Jsonb *array);

} // namespace tenancy::query
