/*
 * See reply.pure.hpp. Pure regime.
 */
#include "ask/reply.pure.hpp"

#include <algorithm>
#include <utility>

#include "core/utf8.hpp"
#include "remote/text.hpp"

namespace tenancy::ask {

namespace {

constexpr std::size_t most_words = 500;
constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view fence = "```";

std::string_view
trim(std::string_view text, std::string_view what = blanks) noexcept
{
	std::size_t const first = text.find_first_not_of(what);
	if (first == text.npos)
		return {};
	return text.substr(first, text.find_last_not_of(what) - first + 1);
}

/* Does text begin with word (in capitals) as a word of its own? */
bool
begins_with(std::string_view text, std::string_view word) noexcept
{
	if (text.size() <= word.size() || !std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
			return a == (b >= 'a' && b <= 'z' ? static_cast<char>(b - 'a' + 'A') : b);
		}))
		return false;
	return blanks.find(text[word.size()]) != blanks.npos || text[word.size()] == '(' || text[word.size()] == ':';
}

std::string_view
without_thoughts(std::string_view content) noexcept
{
	content = trim(content);
	std::size_t const end = content.rfind("</think>");
	return content.starts_with("<think>") && end != content.npos ? trim(content.substr(end + 8)) : content;
}

/* A statement as it is sent: without blanks around it and the semicolon that may end it. */
std::string
statement_of(std::string_view text)
{
	text = trim(text);
	if (text.ends_with(';'))
		text.remove_suffix(1);
	return std::string(trim(text));
}

/* A fence stands at the start of a line, as no part of a literal does by chance. */
std::size_t
find_fence(std::string_view content, std::size_t from) noexcept
{
	for (std::size_t at = content.find(fence, from); at != content.npos; at = content.find(fence, at + 1)) {
		std::size_t const before = at == 0 ? content.npos : content.find_last_not_of(" \t", at - 1);
		if (before == content.npos || content[before] == '\n')
			return at;
	}
	return content.npos;
}

} // namespace

std::string
one_line(std::string_view text, std::size_t most_bytes)
{
	if (!remote::is_utf8(text))
		return "?";
	std::string line;
	for (char const c : trim(text)) {
		bool const blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
		if (!blank)
			line += c;
		else if (!line.empty() && line.back() != ' ')
			line += ' ';
	}
	if (line.ends_with(' '))
		line.pop_back();
	if (line.size() > most_bytes) {
		std::size_t end = most_bytes;
		while (end > 0 && !core::begins_character(line[end]))
			--end;
		line.resize(end);
		line += "…";
	}
	return line;
}

Reply
read_reply(std::string_view content)
{
	content = without_thoughts(content);
	/* A block first: the sentence before it may begin with "Select" or "With", too. */
	std::size_t const open = find_fence(content, 0);
	std::size_t const start = open == content.npos ? content.npos : content.find('\n', open);
	std::size_t const close = start == content.npos ? content.npos : find_fence(content, start);
	if (close != content.npos)
		return {statement_of(content.substr(start, close - start)), one_line(content.substr(0, open), most_words)};

	if (begins_with(content, "SELECT") || begins_with(content, "WITH"))
		return {statement_of(content), {}};
	if (begins_with(content, "REFUSED"))
		content = trim(content.substr(7), ": \t\r\n");
	std::string words = one_line(content, most_words);
	return {{}, words.empty() ? "the language model gave no answer" : std::move(words)};
}

} // namespace tenancy::ask
