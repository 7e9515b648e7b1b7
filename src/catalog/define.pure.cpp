/*
 * See define.pure.hpp. Pure regime.
 */
#include "catalog/define.pure.hpp"

#include <algorithm>
#include <iterator>

#include "remote/ascii.hpp"

namespace tenancy::catalog {

namespace {

using remote::lower_ascii;

/*
 * DO, CALL, EXECUTE and MariaDB's BEGIN NOT ATOMIC run what cannot be seen from here. GRANT changes what may be seen.
 */
constexpr std::string_view words[] = {"alter",   "begin", "call",   "comment", "create", "do",      "drop",
                                      "execute", "grant", "import", "rename",  "revoke", "truncate"};
static_assert(std::is_sorted(std::begin(words), std::end(words)));

constexpr bool
is_letter(char c) noexcept
{
	return (lower_ascii(c) >= 'a' && lower_ascii(c) <= 'z') || c == '_';
}

/*
 * The text behind blanks, parentheses, semicolons and comments; the inside of a comment that MySQL runs counts as text.
 * A # opens a comment in MySQL, and no statement elsewhere.
 */
std::string_view
skip_filling(std::string_view text) noexcept
{
	for (;;) {
		text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\f\v(;"), text.size()));
		std::size_t end;
		if (text.starts_with("--") || text.starts_with("#"))
			end = text.find('\n');
		else if (text.starts_with("/*!") || text.starts_with("/*M!"))
			end = text.find_first_not_of("/*M!0123456789");
		else if (text.starts_with("/*"))
			end = (end = text.find("*/", 2)) == std::string_view::npos ? end : end + 2;
		else
			return text;
		text.remove_prefix(std::min(end, text.size()));
	}
}

bool
contains_word(std::string_view text, std::string_view word) noexcept
{
	auto at = text.begin();
	for (;;) {
		at = std::search(at, text.end(), word.begin(), word.end(), [](char a, char b) { return lower_ascii(a) == b; });
		if (at == text.end())
			return false;
		auto const behind = at + static_cast<std::ptrdiff_t>(word.size());
		if ((at == text.begin() || !is_letter(at[-1])) && (behind == text.end() || !is_letter(*behind)))
			return true;
		at = behind;
	}
}

} // namespace

bool
may_define(std::string_view sql) noexcept
{
	std::string_view const text = skip_filling(sql);
	char word[10];
	std::size_t size = 0;
	while (size < text.size() && is_letter(text[size])) {
		if (size == sizeof word)
			return false;
		word[size] = lower_ascii(text[size]);
		++size;
	}
	std::string_view const first(word, size);
	if (first == "select" || first == "with")
		return contains_word(text, "into");
	if (first == "explain") /* ANALYZE runs what it explains */
		return contains_word(text, "create") || contains_word(text, "into");
	return std::binary_search(std::begin(words), std::end(words), first);
}

} // namespace tenancy::catalog
