/*
 * How many questions a user may put to the endpoint. PG regime.
 */
#pragma once

#include "bridge/enter.hpp"
#include "core/uuid.hpp"

namespace tenancy::ask {

/*
 * Has the user asked as often in the last minute as tenancy.llm_max_questions allows? Then failure says so. Counts what
 * history has, so sessions that ask at the very same moment may each have one more.
 */
bool is_over_quota(const core::Uuid &user, bridge::Failure *failure);

} // namespace tenancy::ask
