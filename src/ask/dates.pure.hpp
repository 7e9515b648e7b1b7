/*
 * Phrases of dates: "last month", "since March", "between 1 March and 15 April 2024", "Q1 and Q2 2024". Pure regime.
 */
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "ask/query.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

struct DatePhrase {
	std::vector<DateRange> ranges; /* one, or those of a list, of which any will do */
	std::size_t words;             /* how many it takes */
	bool conjoint;                 /* several, and no "or" among them */
	bool years;                    /* made of bare years: may also be about a column of years */
};

/* The phrase that begins with this word, prepositions included. */
std::optional<DatePhrase> read_date(const std::vector<Word> &words, std::size_t at, std::chrono::sys_days today);

/* As 2024-05-01. */
std::string text_of(std::chrono::sys_days day);

/* Where nobody has told the year: the one in which that time is nearest to today, for what may be still to come. */
void come_near(DateRange &range, std::chrono::sys_days today);

} // namespace tenancy::ask
