/*
 * The tokens of a statement as its own server reads them, for the check that it only reads. Pure regime; no allocation.
 */
#pragma once

#include <cstdint>
#include <string_view>

#include "remote/sql_tokens.hpp"

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
	Tokens(remote::DatabaseType engine, std::string_view sql) noexcept
		: engine_(engine), tokens_(remote::sql::dialect_of(engine), sql)
	{}
	Token next() noexcept;
	/* Why the last token is bad, as the end of a sentence. */
	const char *complaint() const noexcept { return complaint_; }

private:
	const char *complaint_about(const remote::sql::Token &token) const noexcept;

	remote::DatabaseType engine_;
	remote::sql::Tokens tokens_;
	remote::sql::Token before_; /* blanks and comments too */
	const char *complaint_ = nullptr;
};

} // namespace tenancy::ask
