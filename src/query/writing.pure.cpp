/*
 * See writing.pure.hpp. Pure regime.
 */
#include "query/writing.pure.hpp"

#include "remote/ascii.hpp"
#include "remote/sql_tokens.hpp"

namespace tenancy::query {

namespace {

namespace sql = remote::sql;

constexpr std::string_view querying[] = {"select", "with", "values",   "table",  "show",
                                         "desc",   "explain", "describe", "pragma", "fetch"};
constexpr std::string_view explaining[] = {"explain", "desc", "describe"}, naming[] = {"with"};
constexpr std::string_view column_follows[] = {"set", "using"};
constexpr std::string_view writing[] = {"insert", "update", "delete", "merge"};

/* REPLACE as a statement, not as a function; rest is what is behind it. */
bool
replaces(const sql::Token &token, sql::Tokens rest) noexcept
{
	return remote::equal_ignoring_case(token.text, "replace") && !rest.next_code().is('(');
}

} // namespace

bool
tells_to_write(remote::DatabaseType type, std::string_view text) noexcept
{
	sql::Tokens tokens(sql::dialect_of(type), text);
	sql::Token token = tokens.next_code();
	while (token.is('('))
		token = tokens.next_code();
	if (token.kind != sql::Kind::word || !remote::is_one_of(token.text, querying))
		return token.kind != sql::Kind::end;
	bool const explains = remote::is_one_of(token.text, explaining),
			   has_parts = explains || remote::is_one_of(token.text, naming);
	/*
	 * A statement within begins behind a parenthesis, or behind the column of SEARCH … SET and CYCLE … USING; elsewhere
	 * these words are names, functions and FOR UPDATE.
	 */
	for (bool begins = false, names = false; token.kind != sql::Kind::end; token = tokens.next_code()) {
		if (token.kind == sql::Kind::executable)
			return true;
		if (has_parts && (begins || explains) && token.kind == sql::Kind::word &&
		    (remote::is_one_of(token.text, writing) || replaces(token, tokens)))
			return true;
		begins = names || token.is('(') || token.is(')');
		names = token.kind == sql::Kind::word && remote::is_one_of(token.text, column_follows);
	}
	return false;
}

} // namespace tenancy::query
