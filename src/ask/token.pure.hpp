/*
 * The tokens of a statement as its own server reads them, for the check that it only reads. Pure regime; no allocation.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "remote/driver.hpp"

namespace tenancy::ask {

enum class TokenKind : std::uint8_t {
	word, /* an unquoted name or keyword */
	name, /* a quoted name, with its quotes */
	text, /* a string, with its quotes */
	number,
	symbol, /* one character of punctuation */
	end,
	bad /* what two servers, or two settings of one, could read differently: Tokens::complaint() says what */
};

struct Token {
	TokenKind kind = TokenKind::end;
	std::string_view text;
};

/* Fails closed: what is unusual is bad, though the server might take it. After bad, everything is bad. */
class Tokens {
public:
	Tokens(remote::DatabaseType engine, std::string_view sql) noexcept : engine_(engine), rest_(sql) {}
	Token next() noexcept;
	/* Why the last token is bad, as the end of a sentence. */
	const char *complaint() const noexcept { return complaint_; }

private:
	Token bad(const char *complaint) noexcept;
	Token take(TokenKind kind, std::size_t length) noexcept;
	bool skip_comment() noexcept;
	bool skip_block() noexcept;
	Token quoted(char quote, TokenKind kind) noexcept;
	Token bracketed() noexcept;
	Token escaped_text() noexcept;
	Token dollar_text() noexcept;
	Token word() noexcept;
	Token number() noexcept;
	Token symbol() noexcept;
	bool is(remote::DatabaseType engine) const noexcept { return engine_ == engine; }

	remote::DatabaseType engine_;
	std::string_view rest_;
	const char *complaint_ = nullptr;
};

} // namespace tenancy::ask
