/*
 * Which statements leave a mark on the session. Pure regime.
 */
#include "remote/postgres/lasting.hpp"

#include <algorithm>
#include <iterator>

#include "remote/ascii.hpp"
#include "remote/sql_tokens.hpp"

namespace tenancy::remote::postgres {

namespace {

/* First words of the tags of statements that act on the database, or on the transaction, but not on the session. */
constexpr std::string_view harmless[] = {
	"SELECT",  "INSERT",  "UPDATE",     "DELETE",   "MERGE",     "EXPLAIN",  "SHOW",     "CREATE",
	"ALTER",   "DROP",    "COMMENT",    "TRUNCATE", "GRANT",     "REVOKE",   "ANALYZE",  "VACUUM",
	"REINDEX", "CLUSTER", "CHECKPOINT", "REFRESH",  "NOTIFY",    "LOCK",     "IMPORT",   "BEGIN",
	"START",   "COMMIT",  "ROLLBACK",   "RELEASE",  "SAVEPOINT", "REASSIGN", "SECURITY",
};

/* Functions, and the schema of temporary objects. */
constexpr std::string_view suspects[] = {
	"pg_temp",
	"set_config",
	"setseed",
	"dblink_connect",
	"pg_advisory_lock",
	"pg_advisory_lock_shared",
	"pg_try_advisory_lock",
	"pg_try_advisory_lock_shared",
};

/* Columns are called temp too, but not after these: CREATE OR REPLACE TEMP VIEW, SELECT INTO TEMP, and so on. */
constexpr std::string_view temporary[] = {"temp", "temporary"};
constexpr std::string_view before_temporary[] = {"create", "global", "local", "replace", "into"};

/* Statements that may commit what they have SET and fail after that; what fails has no tag. */
constexpr std::string_view committing[] = {"do", "call"};

/* The server reads over semicolons before a statement. */
bool
may_commit(std::string_view sql) noexcept
{
	sql::Tokens tokens(sql::Dialect::postgresql, sql);
	sql::Token token = tokens.next_code();
	while (token.is(';'))
		token = tokens.next_code();
	return token.kind == sql::Kind::word && is_one_of(token.text, committing);
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
	if (may_commit(sql))
		return true;
	sql::Tokens tokens(sql::Dialect::postgresql, sql);
	std::string_view previous;
	for (sql::Token token = tokens.next_code(); token.kind != sql::Kind::end; token = tokens.next_code()) {
		/* Texts too, which a function may run. */
		for (std::string_view rest = token.text; !rest.empty();) {
			auto const end = std::ranges::find_if_not(rest, sql::is_in_word);
			std::string_view const word(rest.begin(), end);
			rest.remove_prefix(std::min(word.size() + 1, rest.size()));
			if (word.empty())
				continue;
			if (is_one_of(word, suspects) || (is_one_of(word, temporary) && is_one_of(previous, before_temporary)))
				return true;
			previous = word;
		}
	}
	return false;
}

} // namespace tenancy::remote::postgres
