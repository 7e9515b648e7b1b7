/*
 * How deep a printed expression is: parsers have a stack. PG regime.
 */
#include <algorithm>

#include "fdw/render.hpp"

namespace tenancy::fdw {

namespace {

/* Parentheses within each other, those in quotes left out. */
int
nesting_of(const char *text)
{
	int deepest = 0, depth = 0;
	char quote = 0;
	for (; *text != 0; ++text) {
		char const c = *text;
		if (quote != 0)
			quote = c == quote ? '\0' : quote;
		else if (c == '\'' || c == '"' || c == '`')
			quote = c;
		else if (c == '(')
			deepest = std::max(deepest, ++depth);
		else if (c == ')')
			--depth;
	}
	return deepest;
}

} // namespace

bool
Renderer::fits_parser(const Mark &begin) const
{
	return nesting_of(out->data + begin.length) <= abilities().most_nested;
}

} // namespace tenancy::fdw
