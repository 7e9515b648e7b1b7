/*
 * See step.hpp. PG regime.
 */
#include "history/step.hpp"

#include "bridge/setting.hpp"
#include "bridge/worker.hpp"
#include "history/worker.hpp"

extern "C" {
#include "postmaster/interrupt.h"
}

namespace tenancy::history {

MemoryContext batch_context = nullptr;

namespace {

constexpr const char *own_name = "pg_tenancy history";

struct Step {
	void (*fn)(void *);
	void *arg;
};

/* The server's shutdown waits for this process, and the standby that its commits wait for may be gone. */
void
perform(void *arg)
{
	auto const &step = *static_cast<const Step *>(arg);
	if (ShutdownRequestPending)
		bridge::set_locally("synchronous_commit", "local");
	step.fn(step.arg);
}

} // namespace

bool
transact(void (*step)(void *), void *arg, ErrorData **error)
{
	MemoryContext const context = MemoryContextSwitchTo(batch_context);
	Step whole = {step, arg};
	bool const done = bridge::run_in_transaction(perform, &whole, error);
	MemoryContextSwitchTo(context);
	return done;
}

bool
run_step(void (*step)(void *), void *arg, const char *what)
{
	ErrorData *error = nullptr;
	bool const done = transact(step, arg, &error);
	if (!done)
		complain(error, what);
	MemoryContextReset(batch_context);
	return done;
}

void
complain(const ErrorData *error, const char *what)
{
	bridge::complain(own_name, what, error);
}

bool
extension_exists()
{
	return bridge::extension_exists(own_name);
}

uint64
execute(bridge::spi::Statement &statement, const Datum *values)
{
	pgstat_report_activity(STATE_RUNNING, statement.sql);
	return bridge::spi::run(statement, values);
}

} // namespace tenancy::history
