/*
 * SQL text as the tokens that its server reads. Pure regime; linear time, no allocation, no exceptions on any text.
 * What a caller may not take (a text without its end, a comment that is run) is told here, and refused there.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "remote/driver.hpp"

namespace tenancy::remote::sql {

/*
 * The dialects as our sessions speak them: PostgreSQL with standard_conforming_strings, MySQL with NO_BACKSLASH_ESCAPES
 * and without ANSI_QUOTES. To unknown, what any of them quotes is a text.
 */
enum class Dialect : std::uint8_t { postgresql, mysql, sqlite, unknown };

constexpr Dialect
dialect_of(DatabaseType type) noexcept
{
	switch (type) {
	case DatabaseType::postgresql: return Dialect::postgresql;
	case DatabaseType::mysql: return Dialect::mysql;
	case DatabaseType::sqlite: return Dialect::sqlite;
	}
	return Dialect::unknown;
}

enum class Kind : std::uint8_t {
	blank,
	comment,
	executable, /* a comment that MySQL may run, and all behind it: what that is depends on the server's version */
	word,       /* an unquoted name or keyword */
	name,       /* a quoted name, with its quotes */
	text,       /* a string, with its quotes and the E or U& before them; N, B, X and _utf8 are words before one */
	number,
	parameter,
	variable, /* MySQL's @name and @@name; of a quoted name, only the @ */
	sign,     /* one character of punctuation */
	stray,    /* in no statement: one control character, or the marks of a parameter without a name */
	end
};

struct Token {
	Kind kind = Kind::end;
	bool closed = true; /* false when the whole text ends before it does */
	std::string_view text;

	constexpr bool is(char sign) const noexcept { return kind == Kind::sign && text.front() == sign; }
	/* Is there nothing between this token and the next? */
	constexpr bool touches(const Token &next) const noexcept { return text.data() + text.size() == next.text.data(); }
};

constexpr bool
is_digit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

/* Bytes above ASCII are letters to all three engines. */
constexpr bool
is_in_word(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
	       static_cast<unsigned char>(c) >= 0x80;
}

/* The tokens of a text, in order and without gaps. A copy reads ahead. */
class Tokens {
public:
	Tokens(Dialect dialect, std::string_view sql_text) noexcept : dialect_(dialect), rest_(sql_text) {}
	Token next() noexcept;
	/* Skips blanks and comments, but not comments that may be run. */
	Token next_code() noexcept;

private:
	enum class Continuation : std::uint8_t { none, escapes, escapes_on_next_line };

	bool is(Dialect dialect) const noexcept { return dialect_ == dialect; }
	bool is_or_unknown(Dialect dialect) const noexcept { return is(dialect) || is(Dialect::unknown); }
	char at(std::size_t index) const noexcept { return index < rest_.size() ? rest_[index] : '\0'; }
	Token take(Kind kind, std::size_t size, bool closed = true) noexcept;
	Token take_until(Kind kind, std::string_view mark, std::size_t from) noexcept;
	Token scan() noexcept;
	void follow(const Token &token) noexcept;
	std::size_t blank_size() const noexcept;
	bool begins_line_comment() const noexcept;
	Token line_comment() noexcept;
	Token block_comment() noexcept;
	Token nested_comment() noexcept;
	bool is_executable() const noexcept;
	Token quoted(Kind kind, std::size_t prefix, bool escapes) noexcept;
	Token dollar() noexcept;
	Token number() noexcept;
	std::size_t digits_end(std::size_t from, bool (*is_digit)(char)) const noexcept;
	Token word() noexcept;
	Token sqlite_parameter() noexcept;
	Token mysql_variable() noexcept;
	Token punctuation() noexcept;

	Dialect dialect_;
	Continuation continuation_ = Continuation::none;
	std::string_view rest_;
};

} // namespace tenancy::remote::sql
