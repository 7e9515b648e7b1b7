/*
 * Words of a question and of names in a schema, and when two of them are the same. Pure regime.
 */
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenancy::ask {

/* Longer questions are refused: everything after this has a bounded amount of work. */
constexpr std::size_t max_question_bytes = 1000;
constexpr std::size_t max_question_words = 80;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words);

struct Word {
	std::string text;   /* as typed, without quotes and possessive ending */
	std::string folded; /* lower case, without accents and apostrophes */
	std::string stem;   /* folded, in the singular */
	std::optional<double> number;
	std::string digits; /* the number as it may stand in SQL */
	bool ordinal = false; /* 2nd */
	bool metric = false;  /* 100m, which is a million or metres */
	bool capital = false;
	bool quoted = false;
	bool possessive = false;
	bool comma = false;    /* follows it */
	bool attached = false; /* a "not" that was typed as the beginning of a word: unpaid */
	std::string signs;     /* what a name may end with: B+, C# */
};

/* Splits a question into words; empty when it is too long or not UTF-8. */
std::vector<Word> split_question(std::string_view text);

/* Words of an identifier: split at everything but letters and digits, and where the case changes. In the singular. */
std::vector<std::string> split_name(std::string_view name);

std::string fold(std::string_view text);       /* lower case without accents; other bytes stay */
std::string singular(std::string_view folded); /* of one folded word */
std::string root(std::string_view folded);     /* what ship, shipped, shipment, shipping have in common */
bool share_root(std::string_view left, std::string_view right); /* of two roots, the same, or one a longer form */
bool related(std::string_view a, std::string_view b);           /* the same root, or one a longer form of the other's */

/* Is typed a misspelling of known? Both folded; short words never are. */
bool resembles(std::string_view typed, std::string_view known);

/* "three", "ten", "dozen" */
std::optional<int> number_word(std::string_view folded);

/* Joined by one space. */
std::string join(const std::vector<std::string> &words, std::string_view between = " ");

} // namespace tenancy::ask
