/*
 * See sql_tokens.hpp. Pure regime. The rules are those of scan.l, sql_lex.cc and tokenize.c; where versions of one
 * engine differ, no keyword that one of them sees is hidden in another token.
 */
#include "remote/sql_tokens.hpp"

#include <algorithm>

#include "remote/ascii.hpp"
#include "remote/text.hpp"

namespace tenancy::remote::sql {

namespace {

constexpr bool
is_blank(char c) noexcept
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr bool
is_hex_digit(char c) noexcept
{
	return is_digit(c) || (lower_ascii(c) >= 'a' && lower_ascii(c) <= 'f');
}

constexpr bool
is_octal_digit(char c) noexcept
{
	return c >= '0' && c <= '7';
}

constexpr bool
is_binary_digit(char c) noexcept
{
	return c == '0' || c == '1';
}

constexpr bool
begins_word(char c) noexcept
{
	return is_in_word(c) && !is_digit(c) && c != '$';
}

} // namespace

Token
Tokens::take(Kind kind, std::size_t size, bool closed) noexcept
{
	Token const token{kind, closed, rest_.substr(0, size)};
	rest_.remove_prefix(token.text.size());
	return token;
}

/* The token up to the next mark, which is part of it. */
Token
Tokens::take_until(Kind kind, std::string_view mark, std::size_t from) noexcept
{
	std::size_t const found = rest_.find(mark, from);
	return found == rest_.npos ? take(kind, rest_.size(), false) : take(kind, found + mark.size());
}

Token
Tokens::next() noexcept
{
	Token const token = scan();
	follow(token);
	return token;
}

Token
Tokens::next_code() noexcept
{
	Token token = next();
	while (token.kind == Kind::blank || token.kind == Kind::comment)
		token = next();
	return token;
}

/* PostgreSQL goes on with a text of E'…' in quotes on the next line, and there may be comments of a line between. */
void
Tokens::follow(const Token &token) noexcept
{
	if (token.kind == Kind::text && is_or_unknown(Dialect::postgresql)) {
		bool const escapes = lower_ascii(token.text.front()) == 'e' ||
		                     (token.text.front() == '\'' && continuation_ == Continuation::escapes_on_next_line);
		continuation_ = escapes ? Continuation::escapes : Continuation::none;
	} else if (token.kind == Kind::blank && continuation_ != Continuation::none) {
		if (token.text.find_first_of("\r\n") != token.text.npos)
			continuation_ = Continuation::escapes_on_next_line;
	} else if (token.kind != Kind::comment || token.text.front() != '-') {
		continuation_ = Continuation::none;
	}
}

Token
Tokens::scan() noexcept
{
	if (rest_.empty())
		return {};
	if (std::size_t const size = blank_size(); size > 0)
		return take(Kind::blank, size);
	if (begins_line_comment())
		return line_comment();
	if (rest_.starts_with("/*"))
		return block_comment();
	char const c = rest_.front();
	if (is_digit(c) || (c == '.' && is_digit(at(1))))
		return number();
	if (begins_word(c))
		return word();
	return punctuation();
}

/* SQLite takes a byte order mark for a blank, wherever a token may begin. */
std::size_t
Tokens::blank_size() const noexcept
{
	std::string_view behind = rest_;
	for (;;) {
		auto const end = std::ranges::find_if_not(behind, is_blank);
		behind.remove_prefix(static_cast<std::size_t>(end - behind.begin()));
		if (!is(Dialect::sqlite) || !behind.starts_with("\xef\xbb\xbf"))
			return rest_.size() - behind.size();
		behind.remove_prefix(3);
	}
}

/* Two dashes of MySQL need a blank, a control character or the end behind them. */
bool
Tokens::begins_line_comment() const noexcept
{
	if (is(Dialect::mysql) && at(0) == '#')
		return true;
	return rest_.starts_with("--") && (!is(Dialect::mysql) || at(2) == ' ' || is_control(at(2)));
}

Token
Tokens::line_comment() noexcept
{
	constexpr std::string_view newline_or_return("\n\r"), newline_or_nul("\n\0", 2);
	std::size_t const end = rest_.find_first_of(is(Dialect::postgresql) ? newline_or_return : newline_or_nul);
	return take(Kind::comment, std::min(end, rest_.size()));
}

/* The hints of MySQL 8 have quotes, in which the end of the comment is none. */
bool
Tokens::is_executable() const noexcept
{
	if (!is_or_unknown(Dialect::mysql))
		return false;
	if (rest_.starts_with("/*+"))
		return rest_.substr(0, rest_.find("*/")).find_first_of("'\"`") != rest_.npos;
	return rest_.starts_with("/*!") || rest_.starts_with("/*M!") || rest_.starts_with("/*m!");
}

Token
Tokens::block_comment() noexcept
{
	if (is_executable())
		return take(Kind::executable, rest_.size());
	return is(Dialect::postgresql) ? nested_comment() : take_until(Kind::comment, "*/", 2);
}

Token
Tokens::nested_comment() noexcept
{
	std::size_t depth = 1, size = 2;
	while (depth > 0 && size < rest_.size()) {
		bool const opens = at(size) == '/' && at(size + 1) == '*', closes = at(size) == '*' && at(size + 1) == '/';
		size += opens || closes ? 2 : 1;
		depth = opens ? depth + 1 : closes ? depth - 1 : depth;
	}
	return take(Kind::comment, size, depth == 0);
}

/*
 * The token from the quote behind prefix to the next quote that is neither doubled nor, where there are escapes, behind
 * a backslash.
 */
Token
Tokens::quoted(Kind kind, std::size_t prefix, bool escapes) noexcept
{
	char const quote = at(prefix);
	for (std::size_t i = prefix + 1; i < rest_.size(); ++i) {
		if (escapes && rest_[i] == '\\')
			++i;
		else if (rest_[i] == quote && at(i + 1) == quote)
			++i;
		else if (rest_[i] == quote)
			return take(kind, i + 1);
	}
	return take(kind, rest_.size(), false);
}

/* PostgreSQL's $1 and $tag$…$tag$. */
Token
Tokens::dollar() noexcept
{
	std::size_t end = 1;
	if (is_digit(at(1)))
		return take(Kind::parameter, digits_end(1, is_digit));
	while (is_in_word(at(end)) && at(end) != '$')
		++end;
	return at(end) == '$' ? take_until(Kind::text, rest_.substr(0, end + 1), end + 1) : take(Kind::sign, 1);
}

/* The place behind the digits, where an underscore may stand between two of them. */
std::size_t
Tokens::digits_end(std::size_t from, bool (*is_digit_of_base)(char)) const noexcept
{
	while (is_digit_of_base(at(from)) || (at(from) == '_' && is_digit_of_base(at(from + 1))))
		++from;
	return from;
}

/*
 * The longest that any engine takes for a number. A word right behind it is a token of its own: 1into is one name to
 * MySQL, two words to PostgreSQL 14, and an error elsewhere, but 1.into and 1e5into are two words to MySQL.
 */
Token
Tokens::number() noexcept
{
	char const base = at(0) == '0' ? lower_ascii(at(1)) : '\0';
	if (std::size_t const end = base == 'x'   ? digits_end(2, is_hex_digit)
	                            : base == 'o' ? digits_end(2, is_octal_digit)
	                            : base == 'b' ? digits_end(2, is_binary_digit)
	                                          : 0;
	    end > 2)
		return take(Kind::number, end);
	std::size_t size = digits_end(0, is_digit);
	if (at(size) == '.' && at(size + 1) != '.')
		size = digits_end(size + 1, is_digit);
	if (lower_ascii(at(size)) == 'e') {
		std::size_t const exponent = size + (at(size + 1) == '+' || at(size + 1) == '-' ? 2 : 1);
		if (is_digit(at(exponent)))
			size = digits_end(exponent, is_digit);
	}
	return take(Kind::number, size);
}

Token
Tokens::word() noexcept
{
	std::size_t size = 1;
	while (is_in_word(at(size)))
		++size;
	if (size == 1 && is_or_unknown(Dialect::postgresql)) {
		char const first = lower_ascii(at(0));
		if (first == 'e' && at(1) == '\'')
			return quoted(Kind::text, 1, true);
		if (first == 'u' && at(1) == '&' && at(2) == '\'')
			return quoted(Kind::text, 2, false);
		if (first == 'u' && at(1) == '&' && at(2) == '"')
			return quoted(is(Dialect::postgresql) ? Kind::name : Kind::text, 2, false);
	}
	return take(Kind::word, size);
}

/* ?1, :name, and all of Tcl's variables: $a::b(any text without a blank). */
Token
Tokens::sqlite_parameter() noexcept
{
	if (at(0) == '?')
		return take(Kind::parameter, digits_end(1, is_digit));
	std::size_t size = 1;
	bool named = false;
	for (;; ++size) {
		if (is_in_word(at(size)))
			named = true;
		else if (at(size) == ':' && at(size + 1) == ':')
			++size;
		else
			break;
	}
	if (!named)
		return take(Kind::stray, size);
	if (at(size) != '(')
		return take(Kind::parameter, size);
	while (size < rest_.size() && !is_blank(rest_[size]) && rest_[size] != ')')
		++size;
	return at(size) == ')' ? take(Kind::parameter, size + 1) : take(Kind::parameter, size, false);
}

/* Dots belong to the name of a variable. */
Token
Tokens::mysql_variable() noexcept
{
	std::size_t size = at(1) == '@' ? 2 : 1;
	while (is_in_word(at(size)) || at(size) == '.')
		++size;
	return take(Kind::variable, size);
}

Token
Tokens::punctuation() noexcept
{
	bool const postgresql = is(Dialect::postgresql), mysql = is(Dialect::mysql), sqlite = is(Dialect::sqlite);
	switch (char const c = rest_.front()) {
	case '\'': return quoted(Kind::text, 0, continuation_ == Continuation::escapes_on_next_line);
	case '"': return quoted(postgresql || sqlite ? Kind::name : Kind::text, 0, false);
	case '`': return postgresql ? take(Kind::sign, 1) : quoted(mysql || sqlite ? Kind::name : Kind::text, 0, false);
	case '[': return sqlite ? take_until(Kind::name, "]", 1) : take(Kind::sign, 1);
	case '$': return sqlite ? sqlite_parameter() : mysql ? word() : dollar();
	case '?': return sqlite ? sqlite_parameter() : take(postgresql ? Kind::sign : Kind::parameter, 1);
	case '@': return sqlite ? sqlite_parameter() : mysql ? mysql_variable() : take(Kind::sign, 1);
	case ':':
	case '#': return sqlite ? sqlite_parameter() : take(Kind::sign, 1);
	default: return take(is_control(c) ? Kind::stray : Kind::sign, 1);
	}
}

} // namespace tenancy::remote::sql
