/*
 * See token.pure.hpp. Pure regime. What the tokens of each dialect are is decided in remote/sql_tokens.cpp; here is
 * what no statement needs, and what a server of another version or with other settings would read differently.
 */
#include "ask/token.pure.hpp"

#include "remote/text.hpp"

namespace tenancy::ask {

namespace {

using remote::DatabaseType;
using remote::sql::Kind;
using LexicalToken = remote::sql::Token;

const char *
about_blank(const LexicalToken &blank, const LexicalToken &before) noexcept
{
	/* PostgreSQL ends the comment of a line at a carriage return, the others do not. */
	if (before.kind == Kind::comment && blank.text.front() == '\r' && !blank.text.starts_with("\r\n"))
		return "a carriage return within a comment";
	return blank.text.find_first_not_of(" \t\n\r\f") == blank.text.npos ? nullptr : "a control character";
}

const char *
about_comment(std::string_view comment, bool closed) noexcept
{
	if (comment.find('\0') != comment.npos) /* SQLite ends a text there */
		return "a control character";
	if (comment.starts_with("/*")) {
		if (comment.starts_with("/*!") || comment.starts_with("/*M!") || comment.starts_with("/*m!") ||
		    comment.starts_with("/*+"))
			return "a comment that the server may execute";
		if (!closed)
			return "an unterminated comment";
		return comment.find("/*", 2) == comment.npos ? nullptr : "a comment within a comment";
	}
	/* MySQL takes two dashes for two minus signs unless a blank follows. */
	if (comment.starts_with("--") && comment.size() > 2 &&
	    std::string_view(" \t\r\f").find(comment[2]) == std::string_view::npos)
		return "two dashes without a blank after them";
	if (comment.ends_with('\r'))
		comment.remove_suffix(1);
	return comment.find('\r') == comment.npos ? nullptr : "a carriage return within a comment";
}

/* Of texts and names. A backslash before a quote is bad where it does not escape, because elsewhere it would. */
const char *
about_quoted(const LexicalToken &token) noexcept
{
	std::string_view const text = token.text;
	switch (text.front()) {
	case 'U':
	case 'u': return "a text with Unicode escapes";
	case '[': return token.closed ? nullptr : "an unterminated bracket";
	case '\'':
	case '"':
	case '`': {
		char const escaped[] = {'\\', text.front()};
		if (text.find({escaped, 2}) != text.npos)
			return "a backslash before a quote";
		break;
	}
	default: break;
	}
	return token.closed ? nullptr : "an unterminated quote";
}

const char *
about_sign(char sign, DatabaseType engine) noexcept
{
	switch (sign) {
	case '?':
	case '$': return "a parameter";
	case ':': return engine == DatabaseType::postgresql ? nullptr : "a parameter or an assignment";
	case '@': return engine == DatabaseType::postgresql ? nullptr : "a variable";
	case '\\':
	case '{':
	case '}': return "a character that is not SQL";
	default: return nullptr;
	}
}

TokenKind
kind_of(const LexicalToken &token) noexcept
{
	switch (token.kind) {
	case Kind::word: return TokenKind::word;
	case Kind::name: return TokenKind::name;
	case Kind::text: return TokenKind::text;
	case Kind::number: return TokenKind::number;
	case Kind::sign: return TokenKind::symbol;
	case Kind::end: return TokenKind::end;
	default: return TokenKind::bad; /* has a complaint */
	}
}

} // namespace

const char *
Tokens::complaint_about(const LexicalToken &token) const noexcept
{
	bool const behind_number = before_.kind == Kind::number && before_.touches(token);
	switch (token.kind) {
	case Kind::blank: return about_blank(token, before_);
	case Kind::comment: return about_comment(token.text, token.closed);
	case Kind::executable: return "a comment that the server may execute";
	case Kind::word:
		if (behind_number)
			return "a number followed by a letter";
		return token.text.front() == '$' ? "a parameter" : nullptr;
	case Kind::name:
	case Kind::text: return about_quoted(token);
	case Kind::number:
		return token.text.find_first_not_of("0123456789.eE+-") == token.text.npos ? nullptr
		                                                                          : "a number followed by a letter";
	case Kind::parameter:
	case Kind::variable: {
		const char *const complaint = about_sign(token.text.front(), engine_);
		return complaint == nullptr ? "a parameter" : complaint;
	}
	case Kind::sign:
		if (token.is('-') && before_.is('-') && before_.touches(token))
			return "two dashes without a blank after them";
		return token.is('?') && engine_ == DatabaseType::postgresql ? nullptr : about_sign(token.text.front(), engine_);
	case Kind::stray: return remote::is_control(token.text.front()) ? "a control character" : "a parameter";
	case Kind::end: break;
	}
	return nullptr;
}

Token
Tokens::next() noexcept
{
	while (complaint_ == nullptr) {
		LexicalToken const token = tokens_.next();
		complaint_ = complaint_about(token);
		before_ = token;
		if (complaint_ == nullptr && token.kind != Kind::blank && token.kind != Kind::comment)
			return {kind_of(token), token.text};
	}
	return {TokenKind::bad, {}};
}

} // namespace tenancy::ask
