/*
 * How many questions a user may put to the endpoint: counts in shared memory, which no ROLLBACK, failure or full queue
 * takes back. PG regime.
 */
#pragma once

#include "bridge/enter.hpp"
#include "core/uuid.hpp"

namespace tenancy::ask {

/*
 * Count a question before the endpoint hears of it. False when the user has put as many in the last minute as
 * tenancy.llm_max_questions allows; then failure says so.
 */
bool count_question(const core::Uuid &user, bridge::Failure *failure);

} // namespace tenancy::ask
