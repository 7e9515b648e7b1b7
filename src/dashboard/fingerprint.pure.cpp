/*
 * See fingerprint.pure.hpp. A scanner that makes words, names, literals and operators of a statement, and a printer
 * that joins them. Pure regime.
 */
#include "dashboard/fingerprint.pure.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <openssl/sha.h>

namespace tenancy::dashboard {

namespace {

constexpr std::string_view literal = "?";

constexpr bool
is_space(char c) noexcept
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr bool
is_digit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

/* Bytes above ASCII belong to words, as on all three servers. */
constexpr bool
is_word(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
	       static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool
is_operator(char c) noexcept
{
	return std::string_view("+-*/<>=~!@#%^&|:").find(c) != std::string_view::npos;
}

constexpr char
lower(char c) noexcept
{
	return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/* Words that a parenthesis after them does not make the name of a function. */
constexpr std::array<std::string_view, 26> keywords = {
	"all",  "and",    "any",    "as",        "between", "by",      "else",   "except", "exists",
	"from", "having", "in",     "intersect", "join",    "lateral", "like",   "not",    "on",
	"or",   "over",   "select", "then",      "union",   "using",   "values", "where"};

/* One token at a time. */
class Scanner {
public:
	Scanner(std::string_view sql, Dialect dialect) noexcept : rest_(sql), dialect_(dialect) {}

	/* The next token, "?" for a literal or parameter; nothing at the end. */
	std::optional<std::string_view> next() noexcept
	{
		while (skip_blank() || skip_comment())
			continue;
		if (rest_.empty())
			return std::nullopt;
		char const c = rest_.front();
		if (is_digit(c) || (c == '.' && rest_.size() > 1 && is_digit(rest_[1])))
			return number();
		if (c == '\'')
			return skip_quoted(c, false), literal;
		if (c == '"')
			return is_name(dialect_ == Dialect::postgresql || dialect_ == Dialect::sqlite, c);
		if (c == '`')
			return is_name(dialect_ == Dialect::mysql || dialect_ == Dialect::sqlite, c);
		if (c == '[' && dialect_ == Dialect::sqlite)
			return bracketed();
		if (c == '$' && skip_dollar())
			return literal;
		if (is_parameter(c))
			return parameter();
		if (is_word(c))
			return word();
		return is_operator(c) ? operation() : take(1);
	}

private:
	bool starts(std::string_view mark) const noexcept { return rest_.starts_with(mark); }
	std::string_view take(std::size_t size) noexcept
	{
		std::string_view const token = rest_.substr(0, size);
		rest_.remove_prefix(token.size());
		return token;
	}
	/* Up to and with mark, or all that is left. */
	void skip_past(std::string_view mark, std::size_t from) noexcept
	{
		std::size_t const at = rest_.find(mark, from);
		rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + mark.size());
	}
	bool skip_blank() noexcept
	{
		std::size_t size = 0;
		while (size < rest_.size() && is_space(rest_[size]))
			++size;
		rest_.remove_prefix(size);
		return size > 0;
	}
	bool skip_comment() noexcept
	{
		/* Two dashes of MySQL need a blank after them. */
		bool const dashes = starts("--") && (dialect_ != Dialect::mysql || rest_.size() == 2 ||
		                                     static_cast<unsigned char>(rest_[2]) <= ' ');
		if (dashes || (dialect_ == Dialect::mysql && starts("#")))
			return skip_past("\n", 0), true;
		if (!starts("/*"))
			return false;
		if (dialect_ == Dialect::postgresql)
			skip_nested_comment();
		else
			skip_past("*/", 2);
		return true;
	}
	void skip_nested_comment() noexcept
	{
		int depth = 0;
		do {
			bool const opens = starts("/*"), closes = starts("*/");
			depth += opens ? 1 : closes ? -1 : 0;
			rest_.remove_prefix(opens || closes ? 2 : 1);
		} while (depth > 0 && !rest_.empty());
	}
	/* A doubled quote goes on; so does what follows a backslash, where backslashes escape. */
	void skip_quoted(char quote, bool escapes) noexcept
	{
		std::size_t at = 1;
		for (; at < rest_.size(); ++at) {
			if (escapes && rest_[at] == '\\')
				++at;
			else if (rest_[at] == quote && at + 1 < rest_.size() && rest_[at + 1] == quote)
				++at;
			else if (rest_[at] == quote)
				break;
		}
		rest_.remove_prefix(std::min(at + 1, rest_.size()));
	}
	/* A name keeps its quotes; one without its end is hidden like a literal. */
	std::string_view is_name(bool name, char quote) noexcept
	{
		std::string_view const before = rest_;
		skip_quoted(quote, false);
		std::string_view const token = before.substr(0, before.size() - rest_.size());
		return name && token.size() > 1 && token.back() == quote ? token : literal;
	}
	std::string_view bracketed() noexcept
	{
		std::size_t const at = rest_.find(']');
		return at == std::string_view::npos ? (rest_ = {}, literal) : take(at + 1);
	}
	/* PostgreSQL's $tag$text$tag$; false when it is none. */
	bool skip_dollar() noexcept
	{
		std::size_t end = 1;
		while (end < rest_.size() && is_word(rest_[end]) && rest_[end] != '$')
			++end;
		bool const tag = dialect_ == Dialect::postgresql || dialect_ == Dialect::unknown;
		if (!tag || end >= rest_.size() || rest_[end] != '$' || is_digit(rest_[1]))
			return false;
		std::string_view const mark = rest_.substr(0, end + 1);
		skip_past(mark, mark.size());
		return true;
	}
	bool is_parameter(char c) const noexcept
	{
		bool const named = rest_.size() > 1 && is_word(rest_[1]);
		switch (c) {
		case '?': return true;
		case '$': return named && (is_digit(rest_[1]) || dialect_ == Dialect::sqlite);
		case ':':
		case '@': return named && dialect_ == Dialect::sqlite;
		default: return false;
		}
	}
	std::string_view parameter() noexcept
	{
		(void) take(1);
		while (!rest_.empty() && is_word(rest_.front()))
			rest_.remove_prefix(1);
		return literal;
	}
	/* What begins with a digit, its letters and its exponent too. */
	std::string_view number() noexcept
	{
		std::size_t at = 0;
		for (; at < rest_.size(); ++at) {
			bool const sign = (rest_[at] == '+' || rest_[at] == '-') && at > 0 && lower(rest_[at - 1]) == 'e' &&
			                  lower(rest_[std::min<std::size_t>(1, at)]) != 'x' && at + 1 < rest_.size() &&
			                  is_digit(rest_[at + 1]);
			if (!is_word(rest_[at]) && rest_[at] != '.' && !sign)
				break;
		}
		rest_.remove_prefix(at);
		return literal;
	}
	/* A word; one that belongs to the string behind it, as in E'…' and _utf8'…', is part of the literal. */
	std::string_view word() noexcept
	{
		std::size_t size = 0;
		while (size < rest_.size() && is_word(rest_[size]))
			++size;
		std::string_view const found = rest_.substr(0, size);
		char const first = lower(found.front());
		bool const amp = first == 'u' && size == 1 && rest_.substr(1).starts_with("&");
		std::size_t const quote = size + (amp ? 1 : 0);
		if (quote < rest_.size() &&
		    (rest_[quote] == '\'' || (rest_[quote] == '"' && dialect_ != Dialect::postgresql)) &&
		    (first == '_' || (size == 1 && std::string_view("ebxnu").find(first) != std::string_view::npos))) {
			rest_.remove_prefix(quote);
			skip_quoted(rest_.front(), first == 'e' && dialect_ != Dialect::mysql && dialect_ != Dialect::sqlite);
			return literal;
		}
		return take(size);
	}
	/* As long as can be; a sign at its end belongs to what follows, by PostgreSQL's rule. */
	std::string_view operation() noexcept
	{
		std::size_t size = 1;
		while (size < rest_.size() && is_operator(rest_[size]) && !rest_.substr(size).starts_with("--") &&
		       !rest_.substr(size).starts_with("/*"))
			++size;
		std::string_view const all = rest_.substr(0, size);
		if (all.find_first_of("~!@#%^&|") == std::string_view::npos)
			while (size > 1 && (rest_[size - 1] == '-' || rest_[size - 1] == '+'))
				--size;
		return take(size);
	}

	std::string_view rest_;
	Dialect dialect_;
};

/* Joins tokens; a list of literals, or of lists of literals in parentheses, becomes its first element. */
class Printer {
public:
	void add(std::string_view token)
	{
		if (token == literal)
			drop_sign();
		if (token == literal && (last_ == literal || (last_ == "," && ends_with("?,")))) {
			drop_comma();
			last_ = literal;
			return;
		}
		if (needs_blank(token))
			text_ += ' ';
		for (char const c : token)
			text_ += lower(c);
		last_ = token;
		if (token == ")" && ends_with("(?), (?)"))
			text_.resize(text_.size() - std::string_view(", (?)").size());
	}
	std::string take()
	{
		while (ends_with(";"))
			text_.pop_back();
		return std::move(text_);
	}

private:
	bool ends_with(std::string_view end) const noexcept { return std::string_view(text_).ends_with(end); }
	void drop_comma()
	{
		if (ends_with(","))
			text_.pop_back();
	}
	/* The sign of a number, which is none between two operands, belongs to the literal. */
	void drop_sign()
	{
		if (last_ != "-" && last_ != "+")
			return;
		std::string_view before = std::string_view(text_).substr(0, text_.size() - 1);
		if (before.ends_with(' '))
			before.remove_suffix(1);
		for (std::string_view const mark : {"(", ",", "=", "<", ">"})
			if (before.ends_with(mark)) {
				text_.resize(before.size());
				last_ = mark;
				return;
			}
	}
	/* After a keyword, or what is no word at all, a parenthesis groups. */
	bool is_call() const noexcept
	{
		if (last_.empty() || !(is_word(last_.front()) || last_.front() == '"' || last_.front() == '`'))
			return false;
		return !std::ranges::any_of(
			keywords, [&](std::string_view word) { return std::ranges::equal(word, last_, {}, {}, lower); });
	}
	bool needs_blank(std::string_view token) const noexcept
	{
		if (text_.empty() || last_ == "(" || last_ == "." || last_ == "::" || last_ == "[")
			return false;
		if (token == "," || token == ")" || token == "." || token == ";" || token == "::" || token == "[" ||
		    token == "]")
			return false;
		return token != "(" || !is_call();
	}

	std::string text_;
	std::string_view last_;
};

} // namespace

std::string
normalized(std::string_view sql, Dialect dialect)
{
	Scanner scanner(sql, dialect);
	Printer printer;
	while (auto const token = scanner.next())
		printer.add(*token);
	return printer.take();
}

std::int64_t
fingerprint_of(std::string_view normalized_text)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256(reinterpret_cast<const unsigned char *>(normalized_text.data()), normalized_text.size(), digest);
	std::uint64_t value = 0;
	for (int i = 0; i < 8; ++i)
		value = value << 8 | digest[i];
	return value == 0 ? 1 : static_cast<std::int64_t>(value);
}

} // namespace tenancy::dashboard
