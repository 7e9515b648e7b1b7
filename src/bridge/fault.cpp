/*
 * Fault injection: throws each kind of error at a chosen crossing of the wall. PG regime. Not part of the extension's
 * SQL: a superuser's test declares tenancy_fault by hand (test/sql/bridge_fault.sql).
 */
#include <new>
#include <stdexcept>

#include "bridge/enter.hpp"
#include "bridge/function.hpp"
#include "bridge/guard.hpp"

namespace tenancy::bridge {

namespace fault {

int armed = 0; /* crossings until the fault, counted down */

namespace {

enum class Kind : int { error, out_of_memory, standard, unknown, postgres };
Kind kind = Kind::error;

int
raise_postgres_error(int)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("injected fault: postgres")));
	return 0;
}

} // namespace

void
strike()
{
	if (--armed != 0)
		return;
	switch (kind) {
	case Kind::error:
		throw core::Error(core::FailureKind::other, "58030", "injected fault: error", "The detail of it.",
		                  "Disarm it.");
	case Kind::out_of_memory: throw std::bad_alloc();
	case Kind::standard: throw std::runtime_error("injected fault: standard");
	case Kind::unknown: throw 42;
	case Kind::postgres: guard(raise_postgres_error, 0);
	}
}

} // namespace fault

/* tenancy_fault(crossings int, kind int) → int: arm, or disarm with 0; answers the crossings that were left. */
TENANCY_FUNCTION(fault)
{
	int const left = fault::armed;
	fault::kind = static_cast<fault::Kind>(PG_GETARG_INT32(1));
	fault::armed = PG_GETARG_INT32(0);
	PG_RETURN_INT32(left);
}

} // namespace tenancy::bridge
