/*
 * See trigger.hpp. PG regime.
 */
#include "bridge/trigger.hpp"

extern "C" {
#include "executor/spi.h"
}

namespace tenancy::bridge {

const TriggerData &
new_rows_of(FunctionCallInfo fcinfo)
{
	auto const *const trigger = reinterpret_cast<const TriggerData *>(fcinfo->context);
	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_newtable == nullptr)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		                errmsg("function must be called as a trigger with a table of new rows")));
	return *trigger;
}

int
column_of(TupleDesc description, const char *table, const char *name)
{
	int const number = SPI_fnumber(description, name);
	if (number <= 0)
		elog(ERROR, "%s has no column \"%s\"", table, name);
	return number;
}

} // namespace tenancy::bridge
