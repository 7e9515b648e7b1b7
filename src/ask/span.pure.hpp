/*
 * What dates.pure.cpp reads phrases of dates from: words, and spans of days. Pure regime.
 */
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace time = std::chrono;
using Day = time::sys_days;

struct Span {
	Day from, until;
	std::size_t words;
	bool year = false;    /* a bare year */
	bool guessed = false; /* a day, month or quarter whose year was not told */
	bool told = false;    /* one whose year was */
};

inline Day
first_of(time::year_month month)
{
	return month / time::day(1);
}

inline Span
of_months(time::year_month first, int count, std::size_t taken)
{
	return {first_of(first), first_of(first + time::months(count)), taken};
}

/* The words of a question from one of them on; those in quotation marks are none. */
struct DateWords {
	const std::vector<Word> &words;
	std::size_t at;

	std::string_view word(std::size_t offset) const;
	std::optional<int> number(std::size_t offset) const;
	std::optional<int> year(std::size_t offset) const;
};

/* "yesterday", "last month", "the next two weeks", and how many words it is. the: the article stands before it. */
std::optional<Span> relative_span(const DateWords &words, std::size_t offset, Day today, bool with_article);

} // namespace tenancy::ask
