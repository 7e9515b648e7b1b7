/*
 * What English knows without a schema: words of one meaning, adjectives that measure, words of no weight. Pure regime.
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenancy::ask {

/* The word that stands for all words of its meaning; the word itself when it is alone. Takes a singular. */
std::string_view concept_of(std::string_view stem);

/* What an adjective compares, and in which direction its superlative looks. */
struct Adjective {
	std::string_view measure; /* price, duration, weight, age, time, size, salary; any for high and low */
	bool descending;
	bool superlative; /* cheapest, rather than cheap or cheaper */
};

std::optional<Adjective> adjective(std::string_view folded);

/* Words of column names that such a measure may mean, the likeliest first. */
std::vector<std::string_view> words_of_measure(std::string_view measure);

/* What revenue, sales or payroll measure, whatever a schema calls it; empty when the word measures nothing. */
std::string_view measure_of(std::string_view stem);

/* Words of names that only tell the unit: kg, minute; and the unit of a word in a question. Empty when it is none. */
std::string_view unit_of(std::string_view stem);

/* Country of "German" or "Swiss"; empty when it is no such word. */
std::string_view country_of(std::string_view folded);

/* Says nothing about which rows: articles, courtesy, auxiliary verbs. */
bool is_filler(std::string_view folded);

/* A verb that any fact may happen by: placed, made, recorded. */
bool is_light_verb(std::string_view folded);
/* Words of names for where something comes from, and where it goes. */
bool is_origin(std::string_view word);
bool is_goal(std::string_view word);

/* Words of names for when something is to happen: due, expiry. */
bool looks_ahead(std::string_view word);

/* Light verbs that tell of something done to a row: sold, paid. */
bool is_deed(std::string_view folded);
/* Light verbs of how a row came to be, so that a date behind them is its own: placed, recorded. */
bool is_making(std::string_view folded);

/* Known English words that no misspelling may be read into. */
bool is_common_word(std::string_view folded);

} // namespace tenancy::ask
