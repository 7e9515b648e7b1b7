/*
 * The wall, from the other side: call one backend function out of pure code (used by the waiter only)
 * and carry its error through pure code as an exception, so that destructors run. PG regime.
 */
#pragma once

#include <csetjmp>
#include <new>
#include <type_traits>

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/* A PostgreSQL error on its way through pure code. Only enter() and attempt() consume it. */
struct PgError {
	ErrorData *data;
};

/* Copy the current error and clear the error stack; NULL when there is no memory for it. */
ErrorData *take_error(MemoryContext context);

/* Call fn(args...). A plain function, not a callable: nothing with a destructor may stand between the jump and here. */
template <typename... P, typename R, typename... A>
R
guard(R (*fn)(P...), A... args)
{
	static_assert((std::is_trivially_destructible_v<A> && ...));
	static_assert(std::is_trivially_destructible_v<R>);
	MemoryContext const context = CurrentMemoryContext;
	sigjmp_buf *const stack = PG_exception_stack;
	ErrorContextCallback *const callbacks = error_context_stack;
	sigjmp_buf here;

	if (sigsetjmp(here, 0) == 0) {
		PG_exception_stack = &here;
		R const result = fn(args...);
		PG_exception_stack = stack;
		error_context_stack = callbacks;
		return result;
	}
	PG_exception_stack = stack;
	error_context_stack = callbacks;
	/* A jump from here would pass by the destructors of pure code. */
	if (ErrorData *const error = take_error(context); error != nullptr)
		throw PgError{error};
	throw std::bad_alloc();
}

} // namespace tenancy::bridge
