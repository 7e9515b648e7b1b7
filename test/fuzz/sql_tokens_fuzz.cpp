/*
 * libFuzzer target: tokens cover a text in order and without gaps; each, read alone, is one token of its kind; and what
 * hides from next_code is a blank or a comment. Pure regime.
 */
#include "fuzz.hpp"
#include "remote/sql_tokens.hpp"

using namespace tenancy;
namespace sql = remote::sql;

namespace {

/* All but a text that goes on with one that has escapes. */
bool
stands_alone(sql::Dialect dialect, const sql::Token &token)
{
	sql::Tokens tokens(dialect, token.text);
	sql::Token const again = tokens.next();
	return token.text.front() == '\'' || (again.kind == token.kind && again.text == token.text &&
	                                      again.closed == token.closed && tokens.next().kind == sql::Kind::end);
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	auto const dialect =
		static_cast<sql::Dialect>(input.ConsumeIntegralInRange(0, static_cast<int>(sql::Dialect::unknown)));
	std::string const text = input.ConsumeRemainingBytesAsString();
	sql::Tokens tokens(dialect, text), code(dialect, text);
	const char *at = text.data();
	for (sql::Token token = tokens.next(); token.kind != sql::Kind::end; token = tokens.next()) {
		fuzz::require(!token.text.empty() && token.text.data() == at);
		at += token.text.size();
		fuzz::require(token.closed || at == text.data() + text.size() || token.kind == sql::Kind::parameter);
		fuzz::require(stands_alone(dialect, token));
		if (token.kind != sql::Kind::blank && token.kind != sql::Kind::comment)
			fuzz::require(code.next_code().text.data() == token.text.data());
	}
	fuzz::require(at == text.data() + text.size());
	fuzz::require(code.next_code().kind == sql::Kind::end);
	return 0;
}
