/*
 * Words of a MySQL statement, skipping what is not code. Pure regime; no allocation.
 */
#include <algorithm>
#include <array>
#include <cstring>

#include "remote/mysql/lexer.hpp"

namespace tenancy::remote::mysql {

namespace {

constexpr bool
is_space(char c) noexcept
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Characters of an unquoted identifier or keyword; bytes above ASCII count, as in the server. */
constexpr bool
is_word(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
	       static_cast<unsigned char>(c) >= 0x80;
}

bool
same(std::string_view word, std::string_view upper) noexcept
{
	return word.size() == upper.size() && std::equal(word.begin(), word.end(), upper.begin(), [](char a, char b) {
			   return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
		   });
}

template <std::size_t count>
bool
any_of(std::string_view word, const std::array<std::string_view, count> &list) noexcept
{
	return std::any_of(list.begin(), list.end(), [&](std::string_view item) { return same(word, item); });
}

constexpr std::array<std::string_view, 4> querying = {"SELECT", "WITH", "VALUES", "TABLE"};
constexpr std::array<std::string_view, 4> showing = {"SHOW", "DESCRIBE", "DESC", "EXPLAIN"};
constexpr std::array<std::string_view, 5> writing = {"INSERT", "REPLACE", "UPDATE", "DELETE", "TRUNCATE"};
constexpr std::array<std::string_view, 3> into = {"INTO", "OUTFILE", "DUMPFILE"};
constexpr std::array<std::string_view, 2> into_file = {"OUTFILE", "DUMPFILE"};

/* One token at a time: a word, one character of punctuation, or nothing at the end. */
class Tokens {
public:
	explicit Tokens(std::string_view sql) noexcept : rest_(sql) {}

	std::string_view next() noexcept
	{
		while (!rest_.empty()) {
			char const c = rest_.front();
			if (is_space(c))
				rest_.remove_prefix(1);
			else if (c == '#' || is_dash_comment())
				skip_past("\n");
			else if (rest_.starts_with("/*!") || rest_.starts_with("/*M!") || rest_.starts_with("/*m!"))
				stop_at_executable_comment();
			else if (rest_.starts_with("/*"))
				skip_past("*/", 2);
			else if (c == '\'' || c == '"' || c == '`')
				skip_quoted(c);
			else
				return take();
		}
		return {};
	}
	bool executable_comment() const noexcept { return executable_comment_; }

private:
	/* Two dashes begin a comment only before a blank, a control character or the end. */
	bool is_dash_comment() const noexcept
	{
		return rest_.starts_with("--") &&
		       (rest_.size() == 2 || static_cast<unsigned char>(rest_[2]) <= ' ' || rest_[2] == 0x7f);
	}
	void skip_past(std::string_view mark, std::size_t from = 0) noexcept
	{
		std::size_t const at = rest_.find(mark, from);
		rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + mark.size());
	}
	/* Whether its inside is code depends on the server and its version, so nothing after it can be told. */
	void stop_at_executable_comment() noexcept
	{
		executable_comment_ = true;
		rest_ = {};
	}
	/* A doubled quote is two adjacent strings to this loop, which comes to the same. */
	void skip_quoted(char quote) noexcept
	{
		rest_.remove_prefix(1);
		skip_past({&quote, 1});
	}
	std::string_view take() noexcept
	{
		std::size_t length = 0;
		while (length < rest_.size() && is_word(rest_[length]))
			++length;
		std::string_view const token = rest_.substr(0, length == 0 ? 1 : length);
		rest_.remove_prefix(token.size());
		return token;
	}

	std::string_view rest_;
	bool executable_comment_ = false;
};

/* Is one of list a word of the statement? All of them are reserved, but not as the name of a column after a dot. */
template <std::size_t count>
bool
contains(Tokens &tokens, const std::array<std::string_view, count> &list) noexcept
{
	std::string_view before;
	for (std::string_view word = tokens.next(); !word.empty(); before = word, word = tokens.next())
		if (before != "." && any_of(word, list))
			return true;
	return false;
}

} // namespace

StatementKind
classify(std::string_view sql) noexcept
{
	Tokens tokens(sql);
	std::string_view word = tokens.next();
	while (word == "(")
		word = tokens.next();
	StatementKind kind = StatementKind::other;
	if (any_of(word, writing))
		kind = StatementKind::writes;
	else if (any_of(word, querying))
		kind = contains(tokens, into) ? StatementKind::exports : StatementKind::reads;
	else if (any_of(word, showing))
		kind = contains(tokens, into_file) ? StatementKind::exports : StatementKind::reads;
	while (!tokens.next().empty())
		continue;
	return tokens.executable_comment() ? StatementKind::other : kind;
}

std::string_view
first_word(std::string_view sql) noexcept
{
	Tokens tokens(sql);
	std::string_view word = tokens.next();
	while (word == "(")
		word = tokens.next();
	return word;
}

} // namespace tenancy::remote::mysql
