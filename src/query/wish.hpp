/*
 * May a request be answered from the cache, and what would the answer be known by? PG regime, private to query.
 */
#pragma once

#include "query/answer.pure.hpp"
#include "query/cache.hpp"
#include "query/query.hpp"

#include "query/execution.hpp"

namespace tenancy::query {

/* False when the statement has to run, and its answer is not to be kept. */
bool make_wish(cache::Wish *wish, const Execution &execution, const Request &request, const AnswerLimits &limits);

} // namespace tenancy::query
