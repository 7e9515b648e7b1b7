/*
 * See define.pure.hpp. Pure regime.
 */
#include "catalog/define.pure.hpp"

#include <algorithm>

#include "remote/ascii.hpp"
#include "remote/sql_tokens.hpp"

namespace tenancy::catalog {

namespace {

namespace sql = remote::sql;

/*
 * DO, CALL, EXECUTE and MariaDB's BEGIN NOT ATOMIC run what cannot be seen from here. GRANT changes what may be seen.
 */
constexpr std::string_view defining[] = {"alter",   "begin", "call",   "comment", "create", "do",      "drop",
                                         "execute", "grant", "import", "rename",  "revoke", "truncate"};
constexpr std::string_view querying[] = {"select", "with"};

/* In code, or in what a comment or a string has. */
bool
contains_word(std::string_view text, std::string_view word) noexcept
{
	auto at = text.begin();
	for (;;) {
		at = std::search(at, text.end(), word.begin(), word.end(),
		                 [](char a, char b) { return remote::lower_ascii(a) == b; });
		if (at == text.end())
			return false;
		auto const behind = at + static_cast<std::ptrdiff_t>(word.size());
		if ((at == text.begin() || !sql::is_in_word(at[-1])) && (behind == text.end() || !sql::is_in_word(*behind)))
			return true;
		at = behind;
	}
}

bool
defines(sql::Dialect dialect, std::string_view text) noexcept
{
	sql::Tokens tokens(dialect, text);
	sql::Token first = tokens.next_code();
	while (first.is('(') || first.is(';'))
		first = tokens.next_code();
	if (first.kind != sql::Kind::word)
		return first.kind == sql::Kind::executable;
	if (remote::is_one_of(first.text, querying))
		return contains_word(text, "into");
	if (remote::equal_ignoring_case(first.text, "explain")) /* ANALYZE runs what it explains */
		return contains_word(text, "create") || contains_word(text, "into");
	return remote::is_one_of(first.text, defining);
}

} // namespace

bool
may_define(std::string_view text) noexcept
{
	return defines(sql::Dialect::postgresql, text) || defines(sql::Dialect::mysql, text) ||
	       defines(sql::Dialect::sqlite, text);
}

} // namespace tenancy::catalog
