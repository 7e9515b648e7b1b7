/*
 * Splitting text into words, their plain forms and misspellings. Pure regime.
 */
#include "ask/words.pure.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "remote/text.hpp"

namespace tenancy::ask {

namespace {

bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes above ASCII belong to words: names of people and places have them. */
bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* The plain letter of the second byte of a Latin-1 letter in UTF-8 (U+00C0 and on). */
char
plain_letter(unsigned char second)
{
	constexpr std::string_view letters = "aaaaaaaceeeeiiiidnooooo/ouuuuyts";
	unsigned const at = (second - 0x80u) & 0x1fu;
	return letters[at] == '/' ? '\0' : letters[at];
}

bool
ends_with(std::string_view text, std::string_view tail)
{
	return text.size() > tail.size() && text.substr(text.size() - tail.size()) == tail;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 18> irregular{{{"people", "person"},
                                                                                   {"persons", "person"},
                                                                                   {"children", "child"},
                                                                                   {"men", "man"},
                                                                                   {"women", "woman"},
                                                                                   {"data", "data"},
                                                                                   {"series", "series"},
                                                                                   {"species", "species"},
                                                                                   {"news", "news"},
                                                                                   {"movies", "movie"},
                                                                                   {"cookies", "cookie"},
                                                                                   {"leaves", "leave"},
                                                                                   {"indices", "index"},
                                                                                   {"diagnoses", "diagnosis"},
                                                                                   {"analyses", "analysis"},
                                                                                   {"criteria", "criterion"},
                                                                                   {"lives", "life"},
                                                                                   {"shelves", "shelf"}}};

/* Reads the words one after the other; see split_question. */
class Splitter {
public:
	explicit Splitter(std::string_view question) : text(question) {}

	std::vector<Word> run()
	{
		while (at < text.size() && words.size() <= max_question_words) {
			char const c = text[at];
			if (is_digit(c) || (c == '-' && at + 1 < text.size() && is_digit(text[at + 1]) && starts_word()))
				number();
			else if (is_letter(c))
				word();
			else if (c == '"' || ((c == '\'' || c == '`') && starts_word()))
				quoted(c);
			else
				mark(c);
		}
		if (words.size() > max_question_words)
			words.clear();
		return std::move(words);
	}

private:
	bool starts_word() const { return at == 0 || (!is_letter(text[at - 1]) && !is_digit(text[at - 1])); }

	void add(std::string_view as_typed)
	{
		Word &word = words.emplace_back();
		word.text = as_typed;
		word.folded = fold(as_typed);
		word.stem = singular(word.folded);
		word.capital = !as_typed.empty() && (is_upper(as_typed[0]) || static_cast<unsigned char>(as_typed[0]) == 0xc3);
	}

	/*
	 * Digits with separators of thousands, a fraction, k or m after them; 2024-03-01 stays one word without a number.
	 */
	void number()
	{
		std::size_t end = at + 1;
		while (end < text.size() && (is_digit(text[end]) ||
		                             ((text[end] == ',' || text[end] == '.' || text[end] == '-' || text[end] == '/') &&
		                              end + 1 < text.size() && is_digit(text[end + 1]))))
			++end;
		std::size_t const digits_end = end;
		while (end < text.size() && is_letter(text[end]))
			++end;
		add(text.substr(at, end - at));
		std::string plain(text.substr(at, digits_end - at));
		std::string const suffix = fold(text.substr(digits_end, end - digits_end));
		at = end;
		bool const grouped = plain.find(',') != std::string::npos;
		std::erase(plain, ',');
		if (plain.find_first_of("-/", 1) != std::string::npos || std::count(plain.begin(), plain.end(), '.') > 1 ||
		    plain.size() > 15 || (grouped && !thousands(words.back().text)))
			return;
		double const scale = is_one_of(suffix, {"k"}) ? 1e3 : is_one_of(suffix, {"m", "mio"}) ? 1e6 : 1;
		if (!suffix.empty() && scale == 1 && !is_one_of(suffix, {"st", "nd", "rd", "th"}))
			return unit(plain, suffix);
		words.back().ordinal = is_one_of(suffix, {"st", "nd", "rd", "th"});
		words.back().metric = text.substr(0, at).ends_with('m');
		take_number(words.back(), plain, scale);
	}

	/* "30min", "50kg": a number and a word. */
	void unit(const std::string &plain, const std::string &suffix)
	{
		words.pop_back();
		add(plain);
		take_number(words.back(), plain, 1);
		add(suffix);
	}

	static bool thousands(std::string_view typed)
	{
		std::size_t const comma = typed.find(',');
		return typed.size() > comma + 3 && is_digit(typed[comma + 3]) &&
		       (typed.size() == comma + 4 || !is_digit(typed[comma + 4]));
	}

	static void take_number(Word &word, const std::string &plain, double scale)
	{
		constexpr double most = 1e18; /* beyond it, digits are lost */
		double const value = std::strtod(plain.c_str(), nullptr) * scale;
		if (value > most)
			return;
		word.number = value;
		word.digits = scale == 1 ? plain : std::to_string(static_cast<long long>(value));
	}

	void word()
	{
		std::size_t end = at;
		while (
			end < text.size() && !(end > at && apostrophe(end) > 0) &&
			(is_letter(text[end]) || is_digit(text[end]) || text[end] == '_' ||
		     ((text[end] == '-' || text[end] == '&') && end + 1 < text.size() && is_letter(text[end + 1]) && end > at)))
			++end;
		add(text.substr(at, end - at));
		at = end;
		if (at < text.size() && apostrophe(at) > 0)
			possessive();
	}

	/* The length of an apostrophe there, also the typographic one; 0: none. */
	std::size_t apostrophe(std::size_t place) const
	{
		if (text[place] == '\'')
			return 1;
		return text.substr(place, 3) == "\xe2\x80\x99" ? 3 : 0;
	}

	void possessive()
	{
		std::size_t const past = at + apostrophe(at);
		auto const letter = [&](std::size_t i) { return i < text.size() && is_letter(text[i]) && apostrophe(i) == 0; };
		if (past < text.size() && (text[past] == 's' || text[past] == 'S') && !letter(past + 1)) {
			words.back().possessive = true;
			at = past + 1;
		} else if (!letter(past) && ends_with(words.back().folded, "s")) {
			words.back().possessive = true;
			at = past;
		} else if (letter(past)) {
			std::size_t end = past;
			while (letter(end))
				++end;
			std::size_t const begin = at - words.back().text.size(), before = words.back().folded.size();
			words.pop_back();
			add(text.substr(begin, end - begin)); /* don't: dont */
			Word &whole = words.back();
			whole.folded.erase(before, past - at);
			whole.stem = singular(whole.folded);
			at = end;
		}
	}

	void quoted(char quote)
	{
		std::size_t const end = text.find(quote, at + 1);
		if (end == std::string_view::npos || end == at + 1) {
			++at;
			return;
		}
		add(text.substr(at + 1, end - at - 1));
		words.back().quoted = true;
		at = end + 1;
	}

	void mark(char c)
	{
		if (c == ',' && !words.empty())
			words.back().comma = true;
		else if (ends_name(c))
			words.back().signs += c;
		else if (c == '%' || c == '=' || c == '<' || c == '>' || (c == '!' && !ends_sentence())) {
			std::string_view const two = text.substr(at, 2);
			std::size_t const length = is_one_of(two, {"<=", ">=", "==", "!=", "<>"}) ? 2 : 1;
			add(text.substr(at, length));
			at += length - 1;
		}
		++at;
	}

	/* "B+", "C#", "B-", not "twenty-5" */
	bool ends_name(char c) const
	{
		constexpr std::string_view signs = "+#-";
		if (words.empty() || signs.find(c) == signs.npos || at == 0)
			return false;
		bool const behind =
			!starts_word() || (!words.back().signs.empty() && text[at - 1] == words.back().signs.back());
		bool const within = at + 1 < text.size() && (is_letter(text[at + 1]) || is_digit(text[at + 1]));
		return behind && !within;
	}

	/* "Show all orders!", not "total !100" */
	bool ends_sentence() const
	{
		std::size_t const next = text.find_first_not_of('!', at);
		return next == std::string_view::npos || (!starts_word() && text[next] == ' ') ||
		       text.find_first_not_of(" \t\r\n.!?", next) == std::string_view::npos;
	}

	std::string_view text;
	std::size_t at = 0;
	std::vector<Word> words;
};

} // namespace

bool
is_one_of(std::string_view word, std::initializer_list<std::string_view> words)
{
	return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<Word>
split_question(std::string_view text)
{
	if (text.size() > max_question_bytes || !remote::is_utf8(text))
		return {};
	return Splitter(text).run();
}

std::vector<std::string>
split_name(std::string_view name)
{
	std::vector<std::string> words;
	std::string word;
	auto const finish = [&] {
		if (!word.empty())
			words.push_back(singular(fold(word)));
		word.clear();
	};
	for (std::size_t i = 0; i < name.size(); ++i) {
		char const c = name[i];
		if (!is_letter(c) && !is_digit(c)) {
			finish();
			continue;
		}
		bool const after_lower = i > 0 && !is_upper(name[i - 1]);
		bool const before_lower = i + 1 < name.size() && is_letter(name[i + 1]) && !is_upper(name[i + 1]);
		if (is_upper(c) && !word.empty() && (after_lower || before_lower))
			finish();
		word += c;
	}
	finish();
	return words;
}

std::string
fold(std::string_view text)
{
	std::string out;
	out.reserve(text.size());
	for (std::size_t i = 0; i < text.size(); ++i) {
		char const c = text[i];
		if (static_cast<unsigned char>(c) == 0xc3 && i + 1 < text.size()) {
			char const plain = plain_letter(static_cast<unsigned char>(text[i + 1]));
			if (plain != '\0') {
				out += plain;
				++i;
				continue;
			}
		}
		out += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
	}
	return out;
}

std::string
singular(std::string_view folded)
{
	for (auto const &[plural, single] : irregular)
		if (folded == plural)
			return std::string(single);
	std::string word(folded);
	if (word.size() < 4 || !ends_with(word, "s") || ends_with(word, "ss") || ends_with(word, "us") ||
	    ends_with(word, "is"))
		return word;
	if (ends_with(word, "ies") && word.size() > 4)
		return word.substr(0, word.size() - 3) + "y";
	if (ends_with(word, "sses") || ends_with(word, "xes") || ends_with(word, "ches") || ends_with(word, "shes") ||
	    ends_with(word, "uses"))
		return word.substr(0, word.size() - 2);
	return word.substr(0, word.size() - 1);
}

std::string
root(std::string_view folded)
{
	constexpr std::array<std::pair<std::string_view, std::string_view>, 12> verbs{{{"taught", "teach"},
	                                                                               {"written", "write"},
	                                                                               {"wrote", "write"},
	                                                                               {"paid", "pay"},
	                                                                               {"sold", "sell"},
	                                                                               {"bought", "buy"},
	                                                                               {"held", "hold"},
	                                                                               {"sent", "send"},
	                                                                               {"lent", "lend"},
	                                                                               {"built", "build"},
	                                                                               {"driven", "drive"},
	                                                                               {"left", "leave"}}};
	std::string word = singular(folded);
	for (auto const &[past, present] : verbs)
		if (word == past)
			word = present;
	/* orderings, ordered, orders and order: each ending goes, one after the other */
	constexpr std::array<std::string_view, 15> endings{"ation", "ment", "ance", "ence", "ing", "ion", "ery", "ant",
	                                                   "ent",   "ed",   "er",   "or",   "ee",  "y",   "e"};
	for (auto ending = endings.begin(); ending != endings.end();) {
		bool const ends = ends_with(word, *ending) && word.size() >= ending->size() + 3;
		if (ends)
			word.resize(word.size() - ending->size());
		ending = ends ? endings.begin() : ending + 1;
	}
	std::size_t const n = word.size();
	if (n > 3 && word[n - 1] == word[n - 2] && !is_one_of(word.substr(n - 1), {"s", "e", "o"}))
		word.pop_back();
	if (ends_with(word, "v") || ends_with(word, "i"))
		word.pop_back();
	return word;
}

bool
share_root(std::string_view left, std::string_view right)
{
	if (left.size() < 3 || right.size() < 3)
		return false;
	if (left == right)
		return true;
	/* prescribe, prescription */
	return left.size() >= 6 && right.size() >= 6 && left.substr(0, 6) == right.substr(0, 6) &&
	       std::max(left.size(), right.size()) <= 9;
}

bool
related(std::string_view a, std::string_view b)
{
	return a == b || share_root(root(a), root(b));
}

bool
resembles(std::string_view typed, std::string_view known)
{
	std::size_t const n = typed.size(), m = known.size();
	if (n < 4 || m < 4 || typed[0] != known[0] || n > 24 || m > 24)
		return false;
	int const most = n >= 8 && m >= 8 ? 2 : 1;
	if (std::abs(static_cast<int>(n) - static_cast<int>(m)) > most)
		return false;
	int cost[26][26] = {};
	for (std::size_t i = 0; i <= n; ++i)
		for (std::size_t j = 0; j <= m; ++j) {
			if (i == 0 || j == 0) {
				cost[i][j] = static_cast<int>(i + j);
				continue;
			}
			int const swap = typed[i - 1] == known[j - 1] ? 0 : 1;
			cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + swap});
			if (i > 1 && j > 1 && typed[i - 1] == known[j - 2] && typed[i - 2] == known[j - 1])
				cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	return cost[n][m] <= (n == 4 ? 0 : most) || (n == 4 && cost[n][m] == 1 && m == 5);
}

std::optional<int>
number_word(std::string_view folded)
{
	constexpr std::array<std::string_view, 13> names{"zero",  "one",   "two",  "three", "four",   "five",  "six",
	                                                 "seven", "eight", "nine", "ten",   "eleven", "twelve"};
	for (std::size_t i = 0; i < names.size(); ++i)
		if (folded == names[i])
			return static_cast<int>(i);
	if (folded == "twenty")
		return 20;
	if (folded == "fifty")
		return 50;
	if (folded == "hundred")
		return 100;
	return folded == "dozen" ? std::optional(12) : std::nullopt;
}

std::string
join(const std::vector<std::string> &words, std::string_view between)
{
	std::string out;
	for (auto const &word : words) {
		if (!out.empty())
			out += between;
		out += word;
	}
	return out;
}

} // namespace tenancy::ask
