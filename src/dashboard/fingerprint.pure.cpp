/*
 * See fingerprint.pure.hpp. A scanner that makes words, names, literals and operators of a statement, and a printer
 * that joins them. Pure regime.
 */
#include "dashboard/fingerprint.pure.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/digest.hpp"
#include "remote/ascii.hpp"

namespace tenancy::dashboard {

namespace {

using remote::equal_ignoring_case;
using remote::lower_ascii;
using remote::sql::Kind;
using remote::sql::Token;
using remote::sql::Tokens;

constexpr std::string_view literal = "?";

constexpr bool
is_operator(const Token &token) noexcept
{
	return token.kind == Kind::sign && std::string_view("+-*/<>=~!@#%^&|:").find(token.text) != std::string_view::npos;
}

constexpr bool
is_plus_or_minus(const Token &token) noexcept
{
	return token.is('+') || token.is('-');
}

/* Words that a parenthesis after them does not make the name of a function. */
constexpr std::array<std::string_view, 26> keywords = {
	"all",  "and",    "any",    "as",        "between", "by",      "else",   "except", "exists",
	"from", "having", "in",     "intersect", "join",    "lateral", "like",   "not",    "on",
	"or",   "over",   "select", "then",      "union",   "using",   "values", "where"};

/* Words, names and operators, and "?" for each literal and parameter. */
class Scanner {
public:
	Scanner(std::string_view sql, Dialect dialect) noexcept : tokens_(dialect, sql) {}

	/* The next word, name, operator or "?"; nothing at the end of the statement. */
	std::optional<std::string_view> next() noexcept
	{
		Token const token = tokens_.next_code();
		switch (token.kind) {
		case Kind::end: return std::nullopt;
		case Kind::executable:
		case Kind::text:
		case Kind::parameter: return literal;
		case Kind::name: return token.closed ? token.text : literal;
		case Kind::number: return number(token);
		case Kind::word: return word(token);
		case Kind::sign: return is_operator(token) ? operation(token) : token.text;
		default: return token.text;
		}
	}

private:
	/* Takes in what is written right behind the number: one server takes it for a name and another for an error. */
	std::string_view number(Token token) noexcept
	{
		Tokens ahead = tokens_;
		for (Token next = ahead.next(); (next.kind == Kind::word || next.kind == Kind::number) && token.touches(next);
		     next = ahead.next()) {
			tokens_ = ahead;
			token = next;
		}
		return literal;
	}
	/* One that belongs to the string right behind it, as in X'…' and _utf8'…', is part of the literal. */
	std::string_view word(const Token &token) noexcept
	{
		char const first = lower_ascii(token.text.front());
		if (first != '_' && (token.text.size() > 1 || std::string_view("benux").find(first) == std::string_view::npos))
			return token.text;
		Tokens ahead = tokens_;
		Token const next = ahead.next();
		if (next.kind != Kind::text || !token.touches(next))
			return token.text;
		tokens_ = ahead;
		return literal;
	}
	/* Takes the longest operator there is; signs at its end belong to what follows, by PostgreSQL's rule. */
	std::string_view operation(const Token &first) noexcept
	{
		if (signs_ > 0) {
			--signs_;
			return first.text;
		}
		constexpr std::string_view keeping_signs = "~!@#%^&|";
		bool keeps = keeping_signs.find(first.text) != keeping_signs.npos;
		std::size_t size = 1, without_signs = 1;
		Tokens ahead = tokens_;
		Token last = first;
		for (Token next = ahead.next(); is_operator(next) && last.touches(next); next = ahead.next()) {
			++size;
			keeps = keeps || keeping_signs.find(next.text) != keeping_signs.npos;
			if (!is_plus_or_minus(next))
				without_signs = size;
			last = next;
		}
		std::size_t const taken = keeps ? size : without_signs;
		signs_ = size - taken;
		for (std::size_t i = 1; i < taken; ++i)
			(void) tokens_.next();
		return {first.text.data(), taken};
	}

	Tokens tokens_;
	std::size_t signs_ = 0; /* of the last operator's, each a token of its own */
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
			text_ += lower_ascii(c);
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
	/* Would a parenthesis here begin the arguments of a call? After a keyword, or what is no word at all, it groups. */
	bool is_call() const noexcept
	{
		if (last_.empty() || !(remote::sql::is_in_word(last_.front()) || last_.front() == '"' || last_.front() == '`'))
			return false;
		return !std::ranges::any_of(keywords, [&](std::string_view word) { return equal_ignoring_case(word, last_); });
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
	core::Digest const digest = core::sha256(normalized_text);
	std::uint64_t value = 0;
	for (std::size_t i = 0; i < 8; ++i)
		value = value << 8 | digest.bytes[i];
	return value == 0 ? 1 : static_cast<std::int64_t>(value);
}

} // namespace tenancy::dashboard
