/*
 * See cacheable.pure.hpp. Pure regime. A lexer that refuses what the engines could read differently, and rules over the
 * tokens before and after each name.
 */
#include "query/cacheable.pure.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace tenancy::query {

namespace {

using remote::DatabaseType;

enum class Kind : unsigned char { word, quoted, string, number, symbol, end };

struct Token {
	Kind kind = Kind::end;
	std::string text; /* words and quoted names in lower case; of strings nothing */

	bool is(std::string_view symbol_or_word) const noexcept
	{
		return (kind == Kind::word || kind == Kind::symbol) && text == symbol_or_word;
	}
};

bool
is_blank(char c) noexcept
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool
is_digit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

bool
begins_word(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

char
lower(char c) noexcept
{
	return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string
lower(std::string_view text)
{
	std::string result(text);
	std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
	return result;
}

template <std::size_t Size>
bool
listed(const std::string_view (&list)[Size], std::string_view name) noexcept
{
	return std::ranges::find(list, name) != std::end(list);
}

bool
listed(std::string_view list, const std::string &word)
{
	return list.find(" " + word + " ") != std::string_view::npos;
}

class Lexer {
public:
	Lexer(DatabaseType type, std::string_view sql) : type_(type), sql_(sql) {}

	/* All tokens and the end; false when something is not understood. */
	bool read(std::vector<Token> &tokens)
	{
		while (skip_blanks()) {
			if (at_ == sql_.size()) {
				tokens.emplace_back();
				return true;
			}
			Token token;
			if (!take(token))
				return false;
			tokens.push_back(std::move(token));
		}
		return false;
	}

private:
	bool is_postgresql() const noexcept { return type_ == DatabaseType::postgresql; }
	char look(std::size_t ahead = 0) const noexcept { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

	bool skip_blanks() noexcept
	{
		for (;;) {
			if (at_ < sql_.size() && is_blank(sql_[at_]))
				++at_;
			else if (sql_.substr(at_, 2) == "--") {
				if (type_ == DatabaseType::mysql && at_ + 2 < sql_.size() && !is_blank(look(2)))
					return false; /* two minus signs there */
				at_ = std::min(sql_.find('\n', at_), sql_.size());
			} else if (sql_.substr(at_, 2) == "/*") {
				if (!skip_block_comment())
					return false;
			} else
				return true;
		}
	}
	/* Not what an engine would execute, nor what one nests and another does not. */
	bool skip_block_comment() noexcept
	{
		std::size_t const end = sql_.find("*/", at_ + 2);
		if (end == std::string_view::npos)
			return false;
		std::string_view const body = sql_.substr(at_ + 2, end - at_ - 2);
		if (body.starts_with('!') || body.starts_with("M!") || body.starts_with("m!") ||
		    body.find("/*") != std::string_view::npos)
			return false;
		at_ = end + 2;
		return true;
	}
	bool take(Token &token)
	{
		char const c = look();
		if (c == '\'')
			return take_quoted(token, Kind::string, c);
		if (c == '"' || (c == '`' && !is_postgresql()))
			return take_quoted(token, Kind::quoted, c);
		if (c == '[' && type_ == DatabaseType::sqlite)
			return take_quoted(token, Kind::quoted, ']');
		if (is_digit(c) || (c == '.' && is_digit(look(1))))
			return take_run(token, Kind::number, [](char n) { return begins_word(n) || is_digit(n) || n == '.'; });
		if (begins_word(c))
			return take_run(token, Kind::word, [](char n) { return begins_word(n) || is_digit(n) || n == '$'; });
		return take_symbol(token, c);
	}
	/* A doubled quote stands for itself. What has escapes is left to those who know them. */
	bool take_quoted(Token &token, Kind kind, char quote)
	{
		if (at_ > 0 && sql_[at_ - 1] == '&')
			return false;
		std::size_t end = at_;
		do {
			end = sql_.find(quote, end + 1);
			if (end == std::string_view::npos)
				return false;
			++end;
		} while (end < sql_.size() && sql_[end] == quote && quote != ']');
		std::string_view const body = sql_.substr(at_ + 1, end - at_ - 2);
		if (spells_a_moment(body) || (type_ != DatabaseType::sqlite && body.find('\\') != std::string_view::npos))
			return false;
		token.kind = kind;
		if (kind == Kind::quoted)
			token.text = lower(body);
		at_ = end;
		return true;
	}
	template <typename Belongs> bool take_run(Token &token, Kind kind, Belongs belongs)
	{
		std::size_t end = at_ + 1;
		while (end < sql_.size() && belongs(sql_[end]))
			++end;
		token.kind = kind;
		token.text = lower(sql_.substr(at_, end - at_));
		at_ = end;
		return true;
	}
	bool take_symbol(Token &token, char c)
	{
		constexpr std::string_view common = "().,;+-*/%<>=!|&~?";
		constexpr std::string_view postgresql = "[]:@#^";
		token.kind = Kind::symbol;
		if (c == '$' && is_postgresql() && is_digit(look(1)))
			return take_run(token, Kind::number, is_digit);
		if (common.find(c) == std::string_view::npos &&
		    (!is_postgresql() || postgresql.find(c) == std::string_view::npos))
			return false;
		token.text = c;
		++at_;
		return true;
	}

	DatabaseType type_;
	std::string_view sql_;
	std::size_t at_ = 0;
};

/* Words between blanks, with which a query does more than read, reads what only its session has, or asks for the
 * moment. */
constexpr std::string_view banned_words =
	" call current_catalog current_date current_role current_schema current_time current_timestamp current_user "
	"currval delete for insert into localtime localtimestamp lock merge nextval procedure returning "
	"session_user sysdate system_user tablesample update utc_date utc_time utc_timestamp ";

/* The same of words before a parenthesis that are no function's name. */
constexpr std::string_view grammar_words =
	" all and any array as between case distinct else except exists from having ilike in intersect join lateral "
	"like limit not offset on or row select some then union using values when where ";

bool
is_system_name(DatabaseType type, std::string_view name) noexcept
{
	constexpr std::string_view of_mysql[] = {"mysql", "performance_schema", "sys"};
	if (name == "information_schema")
		return true;
	switch (type) {
	case DatabaseType::postgresql: return name.starts_with("pg_") && name != "pg_catalog";
	case DatabaseType::mysql: return listed(of_mysql, name);
	case DatabaseType::sqlite: break;
	}
	return name.starts_with("sqlite_") || name.starts_with("pragma_") || name == "dbstat";
}

class Judge {
public:
	Judge(DatabaseType type, const std::vector<Token> &tokens) : type_(type), tokens_(tokens) {}

	bool accepts() const
	{
		std::size_t first = 0;
		while (tokens_[first].is("("))
			++first;
		if (!tokens_[first].is("select") && !tokens_[first].is("with") && !tokens_[first].is("values"))
			return false;
		for (std::size_t i = first; tokens_[i].kind != Kind::end; ++i)
			if (!accepts(i))
				return false;
		return true;
	}

private:
	/* Before the first one is what is behind the last. */
	const Token &before(std::size_t i, std::size_t steps = 1) const noexcept
	{
		return i >= steps ? tokens_[i - steps] : tokens_.back();
	}
	bool accepts(std::size_t i) const
	{
		const Token &token = tokens_[i];
		const Token &next = token.kind == Kind::end ? token : tokens_[i + 1];
		switch (token.kind) {
		case Kind::string: return next.kind != Kind::string;
		case Kind::number: return !next.is("(");
		case Kind::symbol: return token.text != ";" || next.kind == Kind::end;
		case Kind::quoted: return !is_system_name(type_, token.text) && (!next.is("(") || names_a_shape(i));
		case Kind::word: return accepts_word(i) && (!next.is("(") || accepts_call(i));
		case Kind::end: break;
		}
		return true;
	}
	bool accepts_word(std::size_t i) const
	{
		const std::string &word = tokens_[i].text;
		if (is_system_name(type_, word))
			return false;
		if (type_ == DatabaseType::postgresql && word == "user")
			return before(i).is(".");
		return !listed(banned_words, word) || (before(i).is(".") && word != "nextval" && word != "currval");
	}
	/* In a place where no function can be called: a type, or an alias with the names of its columns. */
	bool names_a_shape(std::size_t i) const noexcept
	{
		const Token &previous = before(i);
		return previous.is("as") || previous.is("with") || previous.is("recursive") || previous.is(")") ||
		       (previous.is(":") && before(i, 2).is(":"));
	}
	bool accepts_call(std::size_t i) const
	{
		const std::string &word = tokens_[i].text;
		const Token &previous = before(i);
		if (previous.is("."))
			return type_ == DatabaseType::postgresql && before(i, 2).text == "pg_catalog" && !before(i, 3).is(".") &&
			       is_steady_function(type_, word);
		if (listed(grammar_words, word) || names_a_shape(i))
			return true;
		if (word == "by")
			return previous.is("group") || previous.is("order") || previous.is("partition");
		if (word == "group")
			return previous.is("within");
		return is_steady_function(type_, word) && has_its_moment(i);
	}
	/* Functions of time take the current one when they are given none. */
	bool has_its_moment(std::size_t i) const
	{
		constexpr std::string_view defaulted[] = {"date", "datetime", "julianday",      "strftime",
		                                          "time", "timediff", "unix_timestamp", "unixepoch"};
		if (type_ == DatabaseType::postgresql || !listed(defaulted, tokens_[i].text))
			return true;
		if (tokens_[i].text != "strftime")
			return !tokens_[i + 2].is(")");
		int depth = 0;
		for (std::size_t at = i + 1; tokens_[at].kind != Kind::end; ++at) {
			if (tokens_[at].is("("))
				++depth;
			else if (tokens_[at].is(")") && --depth == 0)
				break;
			else if (tokens_[at].is(",") && depth == 1)
				return true;
		}
		return false;
	}

	DatabaseType type_;
	const std::vector<Token> &tokens_;
};

} // namespace

bool
spells_a_moment(std::string_view text) noexcept
{
	constexpr std::string_view moments[] = {"now", "subsec", "subsecond", "today", "tomorrow", "yesterday"};
	constexpr std::size_t longest = 9;
	char word[longest + 1];
	std::size_t size = 0;
	for (std::size_t i = 0; i <= text.size(); ++i) {
		char const c = i < text.size() ? lower(text[i]) : ' ';
		if (c >= 'a' && c <= 'z') {
			if (size <= longest)
				word[size++] = c;
			continue;
		}
		if (listed(moments, std::string_view(word, size)))
			return true;
		size = 0;
	}
	return false;
}

bool
is_cacheable(DatabaseType type, std::string_view sql)
{
	std::vector<Token> tokens;
	return Lexer(type, sql).read(tokens) && Judge(type, tokens).accepts();
}

} // namespace tenancy::query
