/*
 * See token.pure.hpp. Pure regime.
 * Supposes the settings of our sessions: standard_conforming_strings on PostgreSQL; NO_BACKSLASH_ESCAPES without
 * ANSI_QUOTES on MySQL. Where a backslash would matter if they were otherwise, it is bad.
 */
#include "ask/token.pure.hpp"

#include <algorithm>

namespace tenancy::ask {

namespace {

using remote::DatabaseType;

constexpr bool
is_space(char c) noexcept
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

constexpr bool
is_digit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

/* Bytes above ASCII are letters to all three engines. */
constexpr bool
is_letter(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool
is_in_word(char c) noexcept
{
	return is_letter(c) || is_digit(c) || c == '$';
}

} // namespace

Token
Tokens::bad(const char *complaint) noexcept
{
	complaint_ = complaint;
	rest_ = {};
	return {TokenKind::bad, {}};
}

Token
Tokens::take(TokenKind kind, std::size_t length) noexcept
{
	Token const token{kind, rest_.substr(0, length)};
	rest_.remove_prefix(token.text.size());
	return token;
}

/* A comment in slashes and stars; PostgreSQL nests them. False, with a complaint, when it is none that all agree on. */
bool
Tokens::skip_block() noexcept
{
	if (rest_.starts_with("/*!") || rest_.starts_with("/*M!") || rest_.starts_with("/*m!") ||
	    rest_.starts_with("/*+")) {
		complaint_ = "a comment that the server may execute";
		return false;
	}
	std::size_t const end = rest_.find("*/", 2);
	if (end == rest_.npos || rest_.substr(2, end - 2).find("/*") != rest_.npos) {
		complaint_ = end == rest_.npos ? "an unterminated comment" : "a comment within a comment";
		return false;
	}
	rest_.remove_prefix(end + 2);
	return true;
}

/* True when it has skipped one; false without a complaint when there is none. */
bool
Tokens::skip_comment() noexcept
{
	if (rest_.starts_with("/*"))
		return skip_block();
	bool const hash = rest_.starts_with('#') && is(DatabaseType::mysql);
	if (!hash && !rest_.starts_with("--"))
		return false;
	/* MySQL takes two dashes for two minus signs unless a blank follows. */
	if (!hash && rest_.size() > 2 && !is_space(rest_[2])) {
		complaint_ = "two dashes without a blank after them";
		return false;
	}
	/* PostgreSQL ends such a comment at a carriage return, the others do not. */
	std::size_t const end = std::min(rest_.find('\n'), rest_.size());
	std::string_view line = rest_.substr(0, end);
	if (line.ends_with('\r'))
		line.remove_suffix(1);
	if (line.find('\r') != line.npos) {
		complaint_ = "a carriage return within a comment";
		return false;
	}
	rest_.remove_prefix(end);
	return true;
}

/* From one quote to the next that is not doubled. */
Token
Tokens::quoted(char quote, TokenKind kind) noexcept
{
	for (std::size_t i = 1; i < rest_.size(); ++i) {
		if (rest_[i] != quote)
			continue;
		if (rest_[i - 1] == '\\')
			return bad("a backslash before a quote");
		if (i + 1 == rest_.size() || rest_[i + 1] != quote)
			return take(kind, i + 1);
		++i;
	}
	return bad("an unterminated quote");
}

/* SQLite's names in brackets. */
Token
Tokens::bracketed() noexcept
{
	std::size_t const end = rest_.find(']');
	return end == rest_.npos ? bad("an unterminated bracket") : take(TokenKind::name, end + 1);
}

/* PostgreSQL's E'…', whose first two characters these are. */
Token
Tokens::escaped_text() noexcept
{
	for (std::size_t i = 2; i < rest_.size(); ++i) {
		if (rest_[i] == '\\') {
			++i;
			continue;
		}
		if (rest_[i] != '\'')
			continue;
		if (i + 1 == rest_.size() || rest_[i + 1] != '\'')
			return take(TokenKind::text, i + 1);
		++i;
	}
	return bad("an unterminated quote");
}

/* PostgreSQL's $tag$…$tag$. */
Token
Tokens::dollar_text() noexcept
{
	std::size_t tag = 1;
	while (tag < rest_.size() && is_in_word(rest_[tag]) && rest_[tag] != '$')
		++tag;
	if (tag == rest_.size() || rest_[tag] != '$' || is_digit(rest_[1]))
		return bad("a parameter");
	std::string_view const mark = rest_.substr(0, tag + 1);
	std::size_t const end = rest_.find(mark, mark.size());
	return end == rest_.npos ? bad("an unterminated quote") : take(TokenKind::text, end + mark.size());
}

Token
Tokens::word() noexcept
{
	std::size_t length = 1;
	while (length < rest_.size() && is_in_word(rest_[length]))
		++length;
	char const after = length < rest_.size() ? rest_[length] : ' ';
	char const first = rest_.front();
	if (is(DatabaseType::postgresql)) {
		if (length == 1 && (first == 'E' || first == 'e') && after == '\'')
			return escaped_text();
		if (length == 1 && (first == 'U' || first == 'u') && after == '&')
			return bad("a text with Unicode escapes");
	}
	return take(TokenKind::word, length);
}

/* Digits, letters and dots, and a sign after an exponent: as generous as any engine, so that none sees more tokens. */
Token
Tokens::number() noexcept
{
	std::size_t length = 1;
	auto const is_exponent = [&](std::size_t at) {
		return (rest_[at] == '+' || rest_[at] == '-') && (rest_[at - 1] == 'e' || rest_[at - 1] == 'E') &&
		       at + 1 < rest_.size() && is_digit(rest_[at + 1]);
	};
	while (length < rest_.size() && (is_digit(rest_[length]) || rest_[length] == '.' || is_exponent(length) ||
	                                 rest_[length] == 'e' || rest_[length] == 'E'))
		++length;
	if (length < rest_.size() && is_in_word(rest_[length]))
		return bad("a number followed by a letter");
	return take(TokenKind::number, length);
}

Token
Tokens::symbol() noexcept
{
	char const c = rest_.front();
	switch (c) {
	case '?': return is(DatabaseType::postgresql) ? take(TokenKind::symbol, 1) : bad("a parameter");
	case '$': return is(DatabaseType::postgresql) ? dollar_text() : bad("a parameter");
	case ':': return is(DatabaseType::postgresql) ? take(TokenKind::symbol, 1) : bad("a parameter or an assignment");
	case '@': return is(DatabaseType::postgresql) ? take(TokenKind::symbol, 1) : bad("a variable");
	case '[': return is(DatabaseType::sqlite) ? bracketed() : take(TokenKind::symbol, 1);
	case '\\':
	case '{':
	case '}': return bad("a character that is not SQL");
	default: break;
	}
	return c > ' ' && c <= '~' ? take(TokenKind::symbol, 1) : bad("a control character");
}

Token
Tokens::next() noexcept
{
	if (complaint_ != nullptr)
		return bad(complaint_);
	for (;;) {
		while (!rest_.empty() && is_space(rest_.front()))
			rest_.remove_prefix(1);
		if (!skip_comment())
			break;
	}
	if (complaint_ != nullptr)
		return bad(complaint_);
	if (rest_.empty())
		return {};
	char const c = rest_.front();
	if (c == '\'')
		return quoted(c, TokenKind::text);
	if (c == '"')
		return quoted(c, is(DatabaseType::mysql) ? TokenKind::text : TokenKind::name);
	if (c == '`' && !is(DatabaseType::postgresql))
		return quoted(c, TokenKind::name);
	if (is_letter(c))
		return word();
	if (is_digit(c))
		return number();
	return symbol();
}

} // namespace tenancy::ask
