/*
 * C++ objects that live as long as a memory context. PG regime.
 */
#pragma once

#include <type_traits>
#include <utility>

#include "bridge/enter.hpp"

namespace tenancy::bridge {

/* A T in context; its destructor runs when the context is reset or deleted, also after an error. */
template <typename T, typename... A>
T *
owned(MemoryContext context, A &&...args)
{
	static_assert(std::is_nothrow_destructible_v<T>);
	auto *const callback =
		static_cast<MemoryContextCallback *>(MemoryContextAllocZero(context, sizeof(MemoryContextCallback)));
	T *const object = enter([&] { return new T(std::forward<A>(args)...); }); /* may raise: nothing is owned yet */
	callback->func = [](void *p) { delete static_cast<T *>(p); };
	callback->arg = object;
	MemoryContextRegisterResetCallback(context, callback); /* cannot fail */
	return object;
}

} // namespace tenancy::bridge
