/*
 * See quota.hpp. PG regime.
 */
#include "ask/quota.hpp"

#include "bridge/datum.hpp"
#include "bridge/spi.hpp"
#include "settings.hpp"

extern "C" {
#include "utils/snapmgr.h"
}

namespace tenancy::ask {

namespace {

namespace spi = bridge::spi;

/* Ids are in the order of time, so this reads the end of an index, and not more than the limit. */
spi::Statement recent = {
	"SELECT 1 FROM tenancy.query_history AS q WHERE q.user_id OPERATOR(pg_catalog.=) $1 AND q.id "
	"OPERATOR(pg_catalog.>) $2"
	" AND q.source OPERATOR(pg_catalog.=) 'ask' AND q.status OPERATOR(pg_catalog.<>) 'denied' LIMIT $3",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	nullptr};

/* The least id of version 7 that a run of that time can have. */
core::Uuid
first_id_of(TimestampTz time)
{
	core::Uuid id;
	int64 const unix_ms = (time + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY) / 1000;
	for (int i = 0; i < 6; ++i)
		id.bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(unix_ms >> (8 * (5 - i)));
	return id;
}

/* With a snapshot of this moment: that of a long transaction, or of a statement that asks often, knows too little. */
bool
has_asked(const core::Uuid &user, int64 times)
{
	Datum const values[] = {bridge::uuid_datum(user),
	                        bridge::uuid_datum(first_id_of(GetCurrentTimestamp() - USECS_PER_MINUTE)),
	                        Int64GetDatum(times)};
	spi::Scope const scope = spi::open();
	PushActiveSnapshot(GetLatestSnapshot());
	bool const many = static_cast<int64>(spi::run(recent, values, nullptr, true)) >= times;
	PopActiveSnapshot();
	spi::close(scope);
	return many;
}

} // namespace

bool
is_over_quota(const core::Uuid &user, bridge::Failure *failure)
{
	if (settings::llm_max_questions == 0 || !has_asked(user, settings::llm_max_questions))
		return false;
	failure->kind = core::FailureKind::denied;
	strlcpy(failure->sqlstate, "53400", sizeof failure->sqlstate);
	strlcpy(failure->message, "too many questions", sizeof failure->message);
	snprintf(failure->detail, sizeof failure->detail, "A user may ask the language model %d times in a minute.",
	         settings::llm_max_questions);
	return true;
}

} // namespace tenancy::ask
