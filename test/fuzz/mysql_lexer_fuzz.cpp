/*
 * libFuzzer target: the kind of a statement does not depend on blanks before it, and its first word is part of it. Pure
 * regime.
 */
#include "fuzz.hpp"
#include "remote/mysql/lexer.hpp"

using namespace tenancy;
namespace mysql = remote::mysql;

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	std::string const text(reinterpret_cast<const char *>(data), size);
	mysql::StatementKind const kind = mysql::classify(text);
	std::string_view const word = mysql::first_word(text);
	fuzz::require(word.empty() ||
	              (word.data() >= text.data() && word.data() + word.size() <= text.data() + text.size()));
	fuzz::require(mysql::classify(" \n/* c */ " + text) == kind);
	return 0;
}
