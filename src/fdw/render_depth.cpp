/*
 * How deep a printed expression is: parsers have a stack. PG regime.
 */
#include <algorithm>

#include "fdw/render.hpp"

namespace tenancy::fdw {

namespace {

/* Levels that must_look may add around a comparison and its columns; an expression is judged without them. */
constexpr int slack = 4;

/* Limits of one expression: dialects print some arguments twice, so nested calls grow like a power of two. */
constexpr int most_nodes = 20'000;
constexpr int most_text = 16 << 20;

bool
is_word(const char *text, const char *at, const char *word)
{
	return strncmp(at, word, strlen(word)) == 0 && (at == text || at[-1] == ' ' || at[-1] == '(');
}

/* How deeply parentheses and CASE … END are nested, except for those in quotes. */
int
nesting_of(const char *const text)
{
	int deepest = 0, depth = 0;
	char quote = 0;
	for (const char *at = text; *at != 0; ++at) {
		char const c = *at;
		if (quote != 0)
			quote = c == quote ? '\0' : quote;
		else if (c == '\'' || c == '"' || c == '`')
			quote = c;
		else if (c == '(' || (c == 'C' && is_word(text, at, "CASE ")))
			deepest = std::max(deepest, ++depth);
		else if (c == ')' || (c == 'E' && is_word(text, at, "END")))
			--depth;
	}
	return deepest;
}

} // namespace

/* must_look prints longer text for the same expression, so that what fitted at planning still fits when it is sent. */
bool
Renderer::is_too_long() const
{
	int const scale = must_look ? 4 : 1;
	return nodes_ > most_nodes * scale || out->len - started_ > most_text * scale;
}

bool
Renderer::fits_parser(const Mark &begin) const
{
	return nesting_of(out->data + begin.length) <= abilities().most_nested + (must_look ? slack : 0);
}

} // namespace tenancy::fdw
