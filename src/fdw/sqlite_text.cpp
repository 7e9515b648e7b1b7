/*
 * LIKE for SQLite: as GLOB, which knows upper and lower case and whose prefixes an index serves. PG regime.
 */
#include "fdw/sqlite_renderer.hpp"

extern "C" {
#include "utils/fmgroids.h"
}

namespace tenancy::fdw {

namespace {

constexpr int longest_pattern = 256; /* bytes; the driver's limit */

enum class Matching : uint8 { like, not_like, ilike, not_ilike, prefix, none };

Matching
matching_of(Oid function)
{
	switch (function) {
	case F_TEXTLIKE:
	case F_LIKE_TEXT_TEXT: return Matching::like;
	case F_TEXTNLIKE:
	case F_NOTLIKE_TEXT_TEXT: return Matching::not_like;
	case F_TEXTICLIKE: return Matching::ilike;
	case F_TEXTICNLIKE: return Matching::not_ilike;
	case F_STARTS_WITH: return Matching::prefix;
	default: return Matching::none;
	}
}

/* The text of a constant; NULL for anything else. */
char *
constant_text(Node *node)
{
	auto *const value = reinterpret_cast<Const *>(node);
	return IsA(node, Const) && !value->constisnull && family_of(value->consttype) == Family::text
	           ? TextDatumGetCString(value->constvalue)
	           : nullptr;
}

void
add_plain(StringInfo glob, char c)
{
	if (c == '*' || c == '?' || c == '[')
		appendStringInfo(glob, "[%c]", c);
	else
		appendStringInfoChar(glob, c);
}

/* False for a pattern that is an error when something comes to its end. */
bool
glob_of(const char *pattern, Matching matching, StringInfo glob)
{
	for (const char *at = pattern; *at != 0; ++at) {
		if (matching == Matching::prefix)
			add_plain(glob, *at);
		else if (*at == '%')
			appendStringInfoChar(glob, '*');
		else if (*at == '_')
			appendStringInfoChar(glob, '?');
		else if (*at != '\\')
			add_plain(glob, *at);
		else if (at[1] == 0)
			return false;
		else
			add_plain(glob, *++at);
	}
	if (matching == Matching::prefix)
		appendStringInfoChar(glob, '*');
	return glob->len <= longest_pattern;
}

/* SQLite's patterns take U+FFFE and U+FFFF for U+FFFD. */
bool
has_replaced(const char *text)
{
	return strstr(text, "\xef\xbf\xbd") != nullptr || strstr(text, "\xef\xbf\xbe") != nullptr ||
	       strstr(text, "\xef\xbf\xbf") != nullptr;
}

/*
 * A pattern of LIKE that lets more through than ILIKE: SQLite folds ASCII letters only, while here other characters
 * may become i, j or k (of Turkish, Lithuanian, and the sign of Kelvin), or more than one.
 */
char *
coarse_pattern(const char *pattern)
{
	StringInfoData coarse;
	initStringInfo(&coarse);
	for (const char *at = pattern; *at != 0; ++at) {
		bool const escaped = *at == '\\';
		at += escaped ? 1 : 0;
		bool const open =
			(*at & 0x80) != 0 || strchr("iIjJkK", *at) != nullptr || (!escaped && strchr("%_", *at) != nullptr);
		if (!open) {
			if (escaped)
				appendStringInfoChar(&coarse, '\\');
			appendStringInfoChar(&coarse, *at);
		} else if (coarse.len == 0 || coarse.data[coarse.len - 1] != '%' ||
		           (coarse.len > 1 && coarse.data[coarse.len - 2] == '\\'))
			appendStringInfoChar(&coarse, '%');
	}
	return coarse.data;
}

} // namespace

/* [NOT] LIKE and starts_with(); ILIKE only where, as in SQLite, just ASCII letters have two cases. */
bool
SqliteRenderer::pattern(const Call &call, bool as_is)
{
	Matching const matching = matching_of(call.function);
	if (matching == Matching::none || !is_deterministic(call.collation))
		return false;
	char *const text = constant_text(static_cast<Node *>(lsecond(call.args)));
	bool const folds = matching == Matching::ilike || matching == Matching::not_ilike;
	bool const negated = matching == Matching::not_like || matching == Matching::not_ilike;
	if (text == nullptr || has_replaced(text) || (folds && (!has_ascii_case(call.collation) || ends_in_escape(text))))
		return false;
	StringInfoData glob;
	initStringInfo(&glob);
	if (folds ? strlen(text) > longest_pattern : !glob_of(text, matching, &glob))
		return false;
	print(negated ? "(NOT (" : "(");
	if (!operand(static_cast<Node *>(linitial(call.args)), Family::text, as_is && !folds))
		return false;
	print(folds ? " LIKE " : " GLOB ");
	quoted(folds ? text : glob.data, '\'');
	print(folds ? " ESCAPE '\\'" : "");
	print(negated ? "))" : ")");
	return true;
}

/* ILIKE under any collation, as a superset. */
bool
SqliteRenderer::loose_pattern(const Call &call)
{
	if (matching_of(call.function) != Matching::ilike || !is_deterministic(call.collation))
		return false;
	char *const text = constant_text(static_cast<Node *>(lsecond(call.args)));
	Column const *const found = bare_column(static_cast<Node *>(linitial(call.args)), Family::text);
	if (text == nullptr || found == nullptr || ends_in_escape(text))
		return false;
	char *const coarse = coarse_pattern(text);
	if (strlen(coarse) > longest_pattern || strcmp(coarse, "%") == 0)
		return false;
	print("(");
	if (!expression(static_cast<Node *>(linitial(call.args))))
		return false;
	print(" LIKE ");
	quoted(coarse, '\'');
	print(" ESCAPE '\\')");
	return true;
}

} // namespace tenancy::fdw
