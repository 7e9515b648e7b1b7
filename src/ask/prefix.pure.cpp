/*
 * See prefix.pure.hpp. Pure regime.
 */
#include "ask/prefix.pure.hpp"

#include <algorithm>
#include <array>

namespace tenancy::ask {

namespace {

constexpr std::array<std::string_view, 4> denying{"in", "un", "non", "dis"};

bool
is_flag(const Lexicon &lexicon, const std::string &word)
{
	const Refs &columns = lexicon.columns(word);
	return !columns.empty() && std::ranges::all_of(columns, [&lexicon](const Ref &ref) {
		return lexicon.facts(ref).kind == Kind::boolean;
	});
}

/* What is left of the word behind what denies it; empty when it is no such word. */
std::string
denied_by(const Lexicon &lexicon, const Word &word)
{
	if (word.quoted || !lexicon.columns(word.stem).empty() || !lexicon.values(word.stem).empty() ||
	    !lexicon.tables(word.stem).empty())
		return {};
	for (std::string_view const beginning : denying) {
		if (!word.folded.starts_with(beginning))
			continue;
		std::string_view rest = std::string_view(word.folded).substr(beginning.size());
		rest.remove_prefix(rest.starts_with('-') ? 1 : 0);
		if (std::string const stem = singular(rest); is_flag(lexicon, stem))
			return std::string(rest);
	}
	return {};
}

Word
word_of(std::string_view text)
{
	Word word;
	word.text = word.folded = text;
	word.stem = singular(text);
	return word;
}

} // namespace

std::vector<Word>
with_denials_apart(const Lexicon &lexicon, const std::vector<Word> &words)
{
	std::vector<Word> out;
	for (auto const &word : words) {
		std::string const denied = denied_by(lexicon, word);
		if (denied.empty()) {
			out.push_back(word);
			continue;
		}
		Word denial = word_of("not");
		denial.attached = true;
		out.push_back(std::move(denial));
		Word rest = word_of(denied);
		rest.comma = word.comma;
		out.push_back(std::move(rest));
	}
	return out;
}

} // namespace tenancy::ask
