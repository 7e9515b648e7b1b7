/*
 * Exceptions become errors. PG regime, and the one place that looks into an exception of pure code.
 */
#include <cstdint>
#include <new>

#include "bridge/enter.hpp"
#include "bridge/guard.hpp"
#include "bridge/readable.hpp"

namespace tenancy::bridge {

namespace {

template <std::size_t size>
void
copy(char (&to)[size], const char *from) noexcept
{
	/* Cut between characters, not inside one. */
	std::size_t const length = strlen(from);
	std::size_t const kept =
		length < size
			? length
			: static_cast<std::size_t>(pg_encoding_mbcliplen(PG_UTF8, from, static_cast<int>(length), size - 1));
	memcpy(to, from, kept);
	to[kept] = 0;
}

} // namespace

void
capture(Failure &failure) noexcept
{
	try {
		throw;
	} catch (const PgError &error) {
		failure.pg = error.data;
	} catch (const core::Error &error) {
		failure.kind = error.kind;
		memcpy(failure.sqlstate, error.sqlstate, sizeof failure.sqlstate);
		copy(failure.message, error.message.c_str());
		copy(failure.detail, error.detail.c_str());
		copy(failure.hint, error.hint.c_str());
	} catch (const std::bad_alloc &) {
		memcpy(failure.sqlstate, "53200", sizeof failure.sqlstate);
		copy(failure.message, "out of memory");
	} catch (const std::exception &error) {
		copy(failure.message, error.what());
	} catch (...) {
		copy(failure.message, "unexpected failure in pg_tenancy");
	}
}

char *
one_line(const Failure &failure)
{
	char *const message = readable(failure.message);
	return failure.detail[0] == 0 ? message : psprintf("%s (%s)", message, readable(failure.detail));
}

void
raise(const Failure &failure)
{
	if (failure.pg != nullptr)
		ReThrowError(failure.pg);
	CHECK_FOR_INTERRUPTS();
	const char *const s = failure.sqlstate;
	const char *const message = readable(failure.message), *const detail = readable(failure.detail);
	ereport(ERROR, (errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])), errmsg_internal("%s", message),
	                detail[0] != 0 ? errdetail_internal("%s", detail) : 0,
	                failure.hint[0] != 0 ? errhint("%s", readable(failure.hint)) : 0));
}

} // namespace tenancy::bridge
