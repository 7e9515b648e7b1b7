/*
 * The wall, from the PG side: run pure code, turn its exceptions into PostgreSQL errors after the catch block
 * is left, so that no C++ object is alive when the error jumps. PG regime.
 */
#pragma once

#include <type_traits>

#include "bridge/pg.hpp"
#include "core/error.hpp"

namespace tenancy::bridge {

/* What was caught, as plain data that survives a longjmp. */
struct Failure {
	ErrorData *pg = nullptr; /* a PostgreSQL error that passed through pure code */
	core::FailureKind kind = core::FailureKind::other;
	char sqlstate[6] = "XX000";
	char message[2048] = "";
	char detail[2048] = "";
	char hint[512] = "";
};

/* Copy the exception in flight, within a catch (...) as those below. */
void capture(Failure &failure) noexcept;

/* Message and detail, as one line in the encoding of the database; palloc'd. */
char *one_line(const Failure &failure);

/* Serve interrupts (a cancel is reported as a cancel), then raise. */
[[noreturn]] void raise(const Failure &failure);

/*
 * Fault injection for test/sql/bridge_fault.sql: counts crossings of the wall and throws at the chosen one.
 * armed is 0 in production, so a crossing costs one comparison.
 */
namespace fault {
extern int armed;
void strike();
} // namespace fault

/* Run body; true when it returned, false with failure filled when it threw. A failure with pg set must be raised. */
template <typename Body>
bool
attempt(Failure &failure, Body &&body)
{
	static_assert(std::is_trivially_destructible_v<std::remove_reference_t<Body>>);
	try {
		if (fault::armed != 0)
			fault::strike();
		body();
		return true;
	} catch (...) {
		capture(failure);
	}
	return false;
}

/* Run body and return its plain result; what it throws is raised as an error. */
template <typename Body>
auto
enter(Body &&body) -> decltype(body())
{
	using Result = decltype(body());
	static_assert(std::is_void_v<Result> || std::is_trivially_destructible_v<Result>);
	static_assert(std::is_trivially_destructible_v<std::remove_reference_t<Body>>);
	Failure failure;
	try {
		if (fault::armed != 0)
			fault::strike();
		return body();
	} catch (...) {
		capture(failure);
	}
	raise(failure);
}

} // namespace tenancy::bridge
