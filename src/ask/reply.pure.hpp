/*
 * What a language model's answer says: a statement, or words. Pure regime.
 */
#pragma once

#include <string>
#include <string_view>

namespace tenancy::ask {

struct Reply {
	std::string sql;   /* empty: it gives none */
	std::string words; /* the rest, made fit for people: one line, valid UTF-8, of a bounded length */
};

/*
 * The first fenced block is the statement, or the whole answer when it begins with SELECT or WITH. What the model
 * thinks aloud in <think> is no part of it.
 */
Reply read_reply(std::string_view content);

/* Text of a stranger as one line: blanks for control characters, cut to a length. */
std::string one_line(std::string_view text, std::size_t most_bytes);

} // namespace tenancy::ask
