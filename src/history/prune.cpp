/*
 * Append-only tables, and the one way around: pruning what is older than its retention. PG regime.
 */
#include "history/history.hpp"

#include "bridge/error.hpp"
#include "bridge/function.hpp"
#include "bridge/spi.hpp"
#include "settings.hpp"

extern "C" {
#include "commands/trigger.h"
#include "utils/rel.h"
}

namespace tenancy::history {

namespace {

namespace spi = bridge::spi;

/* True inside of prune_history() only: no setting, role or SQL can say so. */
bool pruning = false;

/* The moment before which rows go, or NULL to keep them. */
NullableDatum
before(int retention)
{
	NullableDatum datum;
	datum.isnull = retention == 0;
	datum.value = TimestampTzGetDatum(GetCurrentTimestamp() - static_cast<int64>(retention) * USECS_PER_SEC);
	return datum;
}

const char *
name_of_event(TriggerEvent event)
{
	return TRIGGER_FIRED_BY_DELETE(event) ? "delete" : TRIGGER_FIRED_BY_UPDATE(event) ? "update" : "truncate";
}

} // namespace

/* tenancy.refuse_change() → trigger. */
TENANCY_FUNCTION(refuse_change)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
		        (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED), errmsg("function must be called as a trigger")));
	auto const *const trigger = reinterpret_cast<const TriggerData *>(fcinfo->context);
	if (!pruning || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		                errmsg("cannot %s rows of \"tenancy.%s\"", name_of_event(trigger->tg_event),
		                       RelationGetRelationName(trigger->tg_relation)),
		                errdetail("The table is append-only, for everybody.")));
	return PointerGetDatum(nullptr);
}

/* tenancy.prune_history(max_rows) → how many rows went. */
TENANCY_FUNCTION(prune_history)
{
	static spi::Statement prune = {"SELECT tenancy.prune_rows($1, $2, $3)", {INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}};
	int32 const most = PG_GETARG_INT32(0);
	if (most < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_rows must be at least 1")));
	NullableDatum const history = before(settings::history_retention), audit = before(settings::audit_retention);
	Datum const values[] = {Int32GetDatum(most), history.value, audit.value};
	char const nulls[] = {' ', history.isnull ? 'n' : ' ', audit.isnull ? 'n' : ' '};
	spi::Scope const scope = spi::open();
	bridge::on_error(
		[&] {
			pruning = true;
			(void) spi::run(prune, values, nulls);
			pruning = false;
		},
		[](ErrorData *) { pruning = false; });
	bool is_null;
	int64 const gone = DatumGetInt64(spi::value(0, 1, &is_null));
	spi::close(scope);
	PG_RETURN_INT64(gone);
}

} // namespace tenancy::history
