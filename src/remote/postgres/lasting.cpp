/*
 * Which statements leave a mark on the session. Pure regime.
 */
#include "remote/postgres/lasting.hpp"

#include <algorithm>
#include <cstddef>

namespace tenancy::remote::postgres {

namespace {

/* First words of the tags of statements that act on the database, or on the transaction, but not on the session. */
constexpr std::string_view harmless[] = {
	"SELECT",   "INSERT",  "UPDATE",  "DELETE",    "MERGE",    "EXPLAIN", "SHOW",   "CREATE", "ALTER",
	"DROP",     "TRUNCATE", "COMMENT", "GRANT",    "REVOKE",   "ANALYZE", "VACUUM", "REINDEX", "CLUSTER",
	"REFRESH",  "CHECKPOINT", "NOTIFY", "LOCK",    "SECURITY", "IMPORT",  "REASSIGN", "BEGIN", "START",
	"COMMIT",   "ROLLBACK", "SAVEPOINT", "RELEASE",
};

constexpr std::string_view suspects[] = {
	"temp", "temporary", "pg_temp", "set_config", "dblink_connect", "setseed",
	"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared",
};
constexpr std::size_t shortest_suspect = 4;
constexpr std::size_t longest_suspect = 27;

constexpr char
lower(char c) noexcept
{
	return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool
is_word(char c) noexcept
{
	char const l = lower(c);
	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool
is_suspect(std::string_view word) noexcept
{
	if (word.size() < shortest_suspect || word.size() > longest_suspect)
		return false;
	return std::ranges::any_of(suspects, [word](std::string_view suspect) {
		return std::ranges::equal(word, suspect, {}, lower);
	});
}

} // namespace

bool
leaves_a_mark(std::string_view tag) noexcept
{
	return !tag.empty() && std::ranges::find(harmless, tag.substr(0, tag.find(' '))) == std::end(harmless);
}

bool
may_leave_a_mark(std::string_view sql) noexcept
{
	for (std::size_t at = 0; at < sql.size();) {
		std::size_t end = at;
		while (end < sql.size() && is_word(sql[end]))
			++end;
		if (is_suspect(sql.substr(at, end - at)))
			return true;
		at = end + 1;
	}
	return false;
}

} // namespace tenancy::remote::postgres
