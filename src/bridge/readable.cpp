/*
 * See readable.hpp. PG regime.
 */
#include "bridge/readable.hpp"

#include <algorithm>

#include "core/utf8.hpp"

extern "C" {
#include "catalog/namespace.h"
}

namespace tenancy::bridge {

namespace {

bool
is_plain(char c) noexcept
{
	return c != 0 && (c & 0x80) == 0;
}

/* One question mark for each character that is not ASCII. */
char *
in_ascii(std::string_view utf8)
{
	auto *const out = static_cast<char *>(palloc(utf8.size() + 1)); /* pnstrdup would end at a NUL */
	char *end = out;
	for (char const c : utf8)
		if (core::begins_character(c))
			*end++ = is_plain(c) ? c : '?';
	*end = 0;
	return out;
}

/* Converts piece by piece, as a conversion ends at a character that the encoding lacks. */
char *
converted(std::string_view utf8, Oid conversion, int encoding)
{
	Size const room = utf8.size() * MAX_CONVERSION_GROWTH + 1;
	auto *const out = static_cast<unsigned char *>(palloc(room));
	unsigned char *end = out;
	*end = 0;
	while (!utf8.empty()) {
		auto *const in = reinterpret_cast<unsigned char *>(const_cast<char *>(utf8.data()));
		int const taken =
			pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, in, static_cast<int>(utf8.size()), end,
		                                  static_cast<int>(room - static_cast<Size>(end - out)), true);
		end += strlen(reinterpret_cast<char *>(end));
		utf8.remove_prefix(static_cast<Size>(taken));
		if (utf8.empty())
			break;
		*end++ = '?';
		*end = 0;
		utf8.remove_prefix(std::min<Size>(utf8.size(), static_cast<Size>(pg_encoding_mblen(PG_UTF8, utf8.data()))));
	}
	return reinterpret_cast<char *>(out);
}

} // namespace

bool
has_utf8(std::string_view text)
{
	int const encoding = GetDatabaseEncoding();
	auto const length = static_cast<int>(text.size());
	if (std::all_of(text.begin(), text.end(), is_plain))
		return true;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return pg_verify_mbstr(PG_UTF8, text.data(), length, true);
	Oid const conversion = IsTransactionState() ? FindDefaultConversionProc(encoding, PG_UTF8) : InvalidOid;
	if (!OidIsValid(conversion) || !pg_verify_mbstr(encoding, text.data(), length, true))
		return false;
	Size const room = text.size() * MAX_CONVERSION_GROWTH + 1;
	auto *const in = reinterpret_cast<unsigned char *>(const_cast<char *>(text.data()));
	auto *const out = static_cast<unsigned char *>(palloc(room));
	int const taken =
		pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, in, length, out, static_cast<int>(room), true);
	pfree(out);
	return taken == length;
}

char *
readable(std::string_view utf8)
{
	int const encoding = GetDatabaseEncoding();
	if (std::all_of(utf8.begin(), utf8.end(), is_plain))
		return pnstrdup(utf8.data(), utf8.size());
	if (!pg_verify_mbstr(PG_UTF8, utf8.data(), static_cast<int>(utf8.size()), true))
		return in_ascii(utf8);
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return pnstrdup(utf8.data(), utf8.size());
	/* Conversions are functions, and those are in the catalog. */
	Oid const conversion = IsTransactionState() ? FindDefaultConversionProc(PG_UTF8, encoding) : InvalidOid;
	return OidIsValid(conversion) ? converted(utf8, conversion, encoding) : in_ascii(utf8);
}

} // namespace tenancy::bridge
