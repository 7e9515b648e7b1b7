/*
 * See cacheable.pure.hpp. Pure regime. A reader that refuses what the engines could read differently, and rules over
 * the tokens before and after each name.
 */
#include "query/cacheable.pure.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "remote/ascii.hpp"
#include "remote/sql_tokens.hpp"

namespace tenancy::query {

namespace {

using remote::DatabaseType;

namespace sql = remote::sql;

enum class Kind : unsigned char { word, quoted, string, number, symbol, end };

struct Token {
	Kind kind = Kind::end;
	std::string text; /* words and quoted names in lower case; of strings nothing */

	bool is(std::string_view symbol_or_word) const noexcept
	{
		return (kind == Kind::word || kind == Kind::symbol) && text == symbol_or_word;
	}
};

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

/* All tokens of a statement and the end, unless there is one that nobody needs, or that could be read differently. */
class Reader {
public:
	Reader(DatabaseType type, std::string_view text) : type_(type), tokens_(sql::dialect_of(type), text) {}

	/* False when something is not understood. */
	bool read(std::vector<Token> &tokens)
	{
		sql::Token before;
		for (sql::Token token = tokens_.next(); token.kind != sql::Kind::end; token = tokens_.next()) {
			if (!token.closed || tokens.size() == most_tokens)
				return false;
			bool const filling = token.kind == sql::Kind::blank || token.kind == sql::Kind::comment;
			if (filling ? !skips(token) : !takes(token, before, tokens.emplace_back()))
				return false;
			before = token;
		}
		tokens.emplace_back();
		return true;
	}

private:
	static constexpr std::size_t most_tokens = 100'000;

	/* Comments that no other engine nests, ends or knows by another mark. */
	static bool skips(const sql::Token &token) noexcept
	{
		return !token.text.starts_with('#') && token.text.find('\0') == std::string_view::npos &&
		       !(token.text.starts_with("/*") && token.text.find("/*", 2) != std::string_view::npos);
	}
	bool takes(const sql::Token &token, const sql::Token &before, Token &taken) const
	{
		switch (token.kind) {
		case sql::Kind::word:
			taken = {Kind::word, remote::lower_ascii(token.text)};
			return token.text.front() != '$' && !(before.kind == sql::Kind::number && before.touches(token));
		case sql::Kind::name:
		case sql::Kind::text: return takes_quoted(token.text, taken);
		case sql::Kind::number: taken.kind = Kind::number; return true;
		case sql::Kind::parameter:
			taken.kind = Kind::number;
			return token.text.front() == '?' || type_ == DatabaseType::postgresql;
		case sql::Kind::sign: taken = {Kind::symbol, std::string(token.text)}; return is_known(token.text);
		default: return false;
		}
	}
	/* What has escapes is left to those who know them. A double quote is of a name, also where that is a setting. */
	bool takes_quoted(std::string_view text, Token &taken) const
	{
		char const first = text.front();
		if (first == '$' || first == 'u' || first == 'U' || spells_a_moment(text) ||
		    (type_ != DatabaseType::sqlite && text.find('\\') != std::string_view::npos))
			return false;
		bool const is_string = first == '\'' || remote::lower_ascii(first) == 'e';
		taken.kind = is_string ? Kind::string : Kind::quoted;
		if (!is_string)
			taken.text = remote::lower_ascii(text.substr(1, text.size() - 2));
		return true;
	}
	bool is_known(std::string_view sign) const noexcept
	{
		constexpr std::string_view common = "().,;+-*/%<>=!|&~?", postgresql = "[]:@#^";
		return common.find(sign) != common.npos ||
		       (type_ == DatabaseType::postgresql && postgresql.find(sign) != postgresql.npos);
	}

	DatabaseType type_;
	sql::Tokens tokens_;
};

/*
 * Words between blanks, with which a query does more than read, reads what only its session has, or asks for the
 * moment.
 */
constexpr std::string_view banned_words =
	" call current_catalog current_date current_role current_schema current_time current_timestamp current_user "
	"currval delete for insert into localtime localtimestamp lock merge nextval operator procedure returning "
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

/* For each parenthesis its partner; where it has none, the end of the statement. */
std::vector<std::size_t>
pair_up(const std::vector<Token> &tokens)
{
	std::vector<std::size_t> partners(tokens.size(), tokens.size() - 1), open;
	for (std::size_t i = 0; i < tokens.size(); ++i)
		if (tokens[i].is("("))
			open.push_back(i);
		else if (tokens[i].is(")") && !open.empty()) {
			partners[i] = open.back();
			partners[open.back()] = i;
			open.pop_back();
		}
	return partners;
}

class Judge {
public:
	Judge(DatabaseType type, const std::vector<Token> &tokens)
		: type_(type), tokens_(tokens), partners_(pair_up(tokens))
	{
		for (std::size_t i = 0; i < tokens_.size(); ++i)
			if (names_a_result(i))
				results_.push_back(tokens_[i].text);
		std::ranges::sort(results_);
	}

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
		case Kind::quoted:
			return !is_attribute(i) && !is_system_name(type_, token.text) && (!next.is("(") || names_a_shape(i));
		case Kind::word: return !is_attribute(i) && accepts_word(i) && (!next.is("(") || accepts_call(i));
		case Kind::end: break;
		}
		return true;
	}
	/*
	 * Of a value: (x).f is f(x) to PostgreSQL, unless x has a field of that name. So is x.f of a function x in FROM,
	 * where the row of x is no more than the value.
	 */
	bool is_attribute(std::size_t i) const
	{
		const Token &value = before(i, 2);
		return type_ == DatabaseType::postgresql && before(i).is(".") &&
		       (value.is(")") || value.is("]") || value.kind == Kind::number ||
		        std::ranges::binary_search(results_, value.text));
	}
	/* A function's name, or the alias behind its call: not behind a query, whose row has columns only. */
	bool names_a_result(std::size_t i) const
	{
		if (!is_name(i))
			return false;
		if (tokens_[i + 1].is("(") && !names_a_shape(i))
			return true;
		std::size_t const end = before(i).is("as") ? 2 : 1;
		if (!before(i, end).is(")"))
			return false;
		std::size_t const open = partners_[i - end];
		const Token &first = tokens_[std::min(open + 1, tokens_.size() - 1)];
		bool const query = first.is("(") || first.is("select") || first.is("with") || first.is("values");
		return !query || (open > 0 && is_name(open - 1));
	}
	bool is_name(std::size_t i) const
	{
		const Token &token = tokens_[i];
		return token.kind == Kind::quoted || (token.kind == Kind::word && !listed(grammar_words, token.text));
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
	/*
	 * In a place where no function can be called: a type, or an alias with the names of its columns. Behind DISTINCT ON
	 * (…) the list of what is selected begins.
	 */
	bool names_a_shape(std::size_t i) const noexcept
	{
		const Token &previous = before(i);
		if (previous.is(")"))
			return !before(partners_[i - 1]).is("on");
		return previous.is("as") || previous.is("with") || previous.is("recursive") ||
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
		std::size_t const last = partners_[i + 1];
		for (std::size_t at = i + 2; at < last; ++at) {
			if (tokens_[at].is(","))
				return true;
			if (tokens_[at].is("("))
				at = partners_[at];
		}
		return false;
	}

	DatabaseType type_;
	const std::vector<Token> &tokens_;
	std::vector<std::size_t> partners_;
	std::vector<std::string> results_; /* what functions in FROM may be called, sorted */
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
		char const c = i < text.size() ? remote::lower_ascii(text[i]) : ' ';
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
	return Reader(type, sql).read(tokens) && Judge(type, tokens).accepts();
}

} // namespace tenancy::query
