/*
 * See lexer.hpp. Pure regime; no allocation.
 */
#include "remote/mysql/lexer.hpp"

#include <array>

#include "remote/ascii.hpp"
#include "remote/sql_tokens.hpp"

namespace tenancy::remote::mysql {

namespace {

using sql::Kind;
using sql::Token;
using sql::Tokens;

constexpr std::array<std::string_view, 4> querying = {"select", "with", "values", "table"};
constexpr std::array<std::string_view, 4> showing = {"show", "describe", "desc", "explain"};
constexpr std::array<std::string_view, 5> writing = {"insert", "replace", "update", "delete", "truncate"};
constexpr std::array<std::string_view, 3> into = {"into", "outfile", "dumpfile"};
constexpr std::array<std::string_view, 2> into_file = {"outfile", "dumpfile"};

bool
any_of(const Token &token, std::span<const std::string_view> list) noexcept
{
	return token.kind == Kind::word && is_one_of(token.text, list);
}

/* The first token behind blanks, comments and opening parentheses. */
Token
first_of(Tokens &tokens) noexcept
{
	Token token = tokens.next_code();
	while (token.is('('))
		token = tokens.next_code();
	return token;
}

/*
 * Reads on to the end. All words of the lists are reserved, but right behind a dot they are names of columns. EXPLAIN
 * may explain INSERT INTO, and since MySQL 8.1 write into a variable.
 */
template <std::size_t count>
StatementKind
kind_of_query(Tokens &tokens, const std::array<std::string_view, count> &exporting) noexcept
{
	StatementKind kind = StatementKind::reads;
	Token before;
	bool is_into = false;
	for (Token token = tokens.next(); token.kind != Kind::end; before = token, token = tokens.next()) {
		if (token.kind == Kind::executable)
			return StatementKind::other;
		if ((any_of(token, exporting) && !before.is('.')) || (is_into && token.kind == Kind::variable))
			kind = StatementKind::exports;
		if (token.kind != Kind::blank && token.kind != Kind::comment)
			is_into = token.kind == Kind::word && equal_ignoring_case(token.text, "into");
	}
	return kind;
}

StatementKind
kind_of_change(Tokens &tokens) noexcept
{
	for (Token token = tokens.next(); token.kind != Kind::end; token = tokens.next())
		if (token.kind == Kind::executable)
			return StatementKind::other;
	return StatementKind::writes;
}

/* Foreign tables give these a value before each use. */
constexpr std::string_view own_variables = "@tenancy_";

} // namespace

StatementKind
classify(std::string_view sql) noexcept
{
	Tokens tokens(sql::Dialect::mysql, sql);
	Token const first = first_of(tokens);
	if (any_of(first, querying))
		return kind_of_query(tokens, into);
	if (any_of(first, showing))
		return kind_of_query(tokens, into_file);
	return any_of(first, writing) ? kind_of_change(tokens) : StatementKind::other;
}

bool
leaves_a_mark(std::string_view sql) noexcept
{
	Tokens tokens(sql::Dialect::mysql, sql);
	Token before;
	bool is_ours = false;
	for (Token token = tokens.next(); token.kind != Kind::end; before = token, token = tokens.next()) {
		if (token.kind == Kind::variable)
			is_ours = token.text.starts_with(own_variables);
		bool const locks = equal_ignoring_case(token.text, "get_lock") || equal_ignoring_case(token.text, "`get_lock`");
		if (locks || (before.is(':') && token.is('=') && !is_ours))
			return true;
	}
	return false;
}

std::string_view
first_word(std::string_view sql) noexcept
{
	Tokens tokens(sql::Dialect::mysql, sql);
	Token const first = first_of(tokens);
	return first.kind == Kind::word ? first.text : std::string_view();
}

} // namespace tenancy::remote::mysql
