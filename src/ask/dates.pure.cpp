/*
 * Reading dates; everything becomes a half-open range of days. Pure regime.
 */
#include "ask/dates.pure.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "ask/span.pure.hpp"

namespace tenancy::ask {

std::string
text_of(Day day)
{
	time::year_month_day const date(day);
	char text[32];
	std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
	              static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
	return text;
}

namespace {

int
month_number(std::string_view folded)
{
	constexpr std::array<std::string_view, 12> names{"january",   "february", "march",    "april",
	                                                 "may",       "june",     "july",     "august",
	                                                 "september", "october",  "november", "december"};
	for (std::size_t i = 0; i < names.size(); ++i)
		if (folded == names[i] || (folded.size() >= 3 && folded.size() <= 4 && names[i].starts_with(folded)))
			return static_cast<int>(i) + 1;
	return 0;
}

class Reader : DateWords {
public:
	Reader(const std::vector<Word> &all, std::size_t first, Day now) : DateWords{all, first}, today(now), date(now) {}

	std::optional<DatePhrase> phrase()
	{
		if (auto found = between()) {
			if (joins_date(found->words))
				refuse_range();
			return found;
		}
		std::string_view const lead = word(0);
		bool const starts = lead == "since" || lead == "starting" || lead == "from";
		bool const after = lead == "after";
		bool const before = lead == "before";
		bool const until = lead == "until" || lead == "till" || lead == "through";
		std::size_t const skipped = starts || after || before || until || is_within(lead) ? 1 : 0;
		bool const loose = skipped > 0 && lead != "of" && lead != "over";
		/* "this month and the last month", "after the last month": months of the calendar */
		may_roll = !after && !before && !until && (!starts || lead == "from");
		auto found = span(skipped, loose);
		may_roll = false;
		if (found && has_other(skipped + found->words))
			found = span(skipped, loose);
		if (!found)
			return std::nullopt;
		if (is_until(word(skipped + found->words)) && (starts || span(skipped + found->words + 1, true)))
			refuse_range();
		DatePhrase out{{DateRange{}}, skipped + found->words, false, found->year};
		DateRange &range = out.ranges[0];
		if (!before && !until)
			range.from = text_of(after ? found->until : found->from);
		if (!starts && !after)
			range.until = text_of(before ? found->from : found->until);
		range.guessed = found->guessed;
		/* "from customers of March" is no start: only "from March on", or to something. */
		if (lead == "from") {
			std::string_view const next = word(out.words);
			if (next == "on" || next == "onwards" || next == "onward")
				++out.words;
			else
				range.until = text_of(found->until);
		}
		if (!range.from.empty() && !range.until.empty())
			add_others(out, {skipped, *found}, loose);
		else if (joins_date(out.words))
			refuse_range();
		return out;
	}

private:
	static bool is_until(std::string_view joint)
	{
		return joint == "to" || joint == "until" || joint == "through" || joint == "till";
	}

	static bool is_within(std::string_view lead)
	{
		return lead == "in" || lead == "during" || lead == "of" || lead == "for" || lead == "on" || lead == "over" ||
		       lead == "within" || lead == "throughout";
	}

	[[noreturn]] static void refuse_range() { throw Refusal{"there is no telling when that time begins and ends"}; }

	/*
	 * A year that stands at one end only is that of the other end, too, or the one beside it: "from November to May
	 * 2024"
	 */
	std::optional<DatePhrase> between()
	{
		bool const both = word(0) == "between";
		if (!both && word(0) != "from" && word(0) != "since" && word(0) != "starting")
			return std::nullopt;
		auto first = span(1, true);
		if (!first)
			return days_of_a_month(both);
		std::string_view const joint = word(1 + first->words);
		if (!(both ? joint == "and" : is_until(joint)))
			return std::nullopt;
		auto second = span(2 + first->words, true);
		if (!second)
			return std::nullopt;
		if ((first->guessed && second->year) || (first->year && second->guessed))
			refuse_range();
		if (first->guessed && second->told)
			first = in_year_of(
				1, *second, [&](const Span &tried) { return tried.from <= second->from; }, -1);
		else if (second->guessed && first->told)
			second = in_year_of(
				2 + first->words, *first, [&](const Span &tried) { return tried.from >= first->from; }, 1);
		if (!first || !second || second->from < first->from)
			refuse_range();
		return DatePhrase{{{text_of(first->from), text_of(second->until), first->guessed && second->guessed}},
		                  2 + first->words + second->words,
		                  false,
		                  first->year && second->year};
	}

	/* "from 1 to 15 March" */
	std::optional<DatePhrase> days_of_a_month(bool both) const
	{
		auto const first = number(1);
		auto const last = first && (both ? word(2) == "and" : is_until(word(2))) ? day(3) : std::nullopt;
		if (!last)
			return std::nullopt;
		time::year_month_day const end(last->from);
		auto const begin = end.year() / end.month() / *first;
		if (*first > 31 || !begin.ok() || begin > end)
			refuse_range();
		return DatePhrase{{{text_of(begin), text_of(last->until), last->guessed}}, 3 + last->words, false, false};
	}

	/* How many words stand between a date that ends there and another one of the same list, at least. */
	std::optional<std::size_t> joint(std::size_t offset) const
	{
		if (word(offset) == "and" || word(offset) == "or")
			return 1;
		return at + offset <= words.size() && words[at + offset - 1].comma ? std::optional<std::size_t>(0)
		                                                                   : std::nullopt;
	}

	/* "since March or April": which of them is it since? */
	bool joins_date(std::size_t offset)
	{
		auto const between_them = joint(offset);
		return between_them && span(offset + *between_them, true);
	}

	/* Is it one of several dates, be each of them led by a word or not: "in the last month and in January"? */
	bool has_other(std::size_t offset)
	{
		auto const between_them = joint(offset);
		return joins_date(offset) ||
		       (between_them && is_within(word(offset + *between_them)) && span(offset + *between_them + 1, true));
	}

	struct Listed {
		std::size_t offset;
		Span span;
	};

	/* "March and April 2024", "in 2022, 2023 or in 2024" */
	void add_others(DatePhrase &out, Listed first, bool loose)
	{
		std::vector<Listed> all{first};
		out.conjoint = true;
		for (;;) {
			auto between_them = joint(out.words);
			if (!between_them)
				break;
			std::string_view const repeated = word(out.words + *between_them);
			*between_them += repeated == "in" || repeated == "on" || repeated == "during" ? 1 : 0;
			auto const next = span(out.words + *between_them, loose);
			if (!next)
				break;
			out.conjoint = out.conjoint && word(out.words) != "or";
			all.push_back({out.words + *between_them, *next});
			out.words += *between_them + next->words;
		}
		if (all.size() == 1) {
			out.conjoint = false;
			return;
		}
		share_year(all);
		out.ranges.clear();
		for (auto const &each : all)
			out.ranges.push_back(
				{text_of(each.span.from), text_of(each.span.until), each.span.guessed && !each.span.told});
		unite(out.ranges);
	}

	/* A year behind the last of a list is that of all; where else one stands, there is no telling whose it is. */
	void share_year(std::vector<Listed> &all)
	{
		for (std::size_t i = all.size() - 1; i-- > 0;) {
			Span &each = all[i].span;
			const Span &next = all[i + 1].span;
			bool const shared = each.guessed && next.told;
			if (each.year != next.year || (each.told && next.guessed))
				refuse_range();
			if (!shared && !each.guessed)
				continue;
			if (shared)
				each = in_year_of(
						   all[i].offset, next, [](const Span &) { return true; }, 0)
				           .value_or(next);
			each.told = shared;
			if (each.from >= next.from && (shared || year_in(each) != year_in(next)))
				refuse_range();
		}
	}

	static int year_in(const Span &of) { return static_cast<int>(time::year_month_day(of.from).year()); }

	/* Those that touch each other become one. */
	static void unite(std::vector<DateRange> &ranges)
	{
		std::sort(ranges.begin(), ranges.end(), [](const DateRange &a, const DateRange &b) { return a.from < b.from; });
		std::vector<DateRange> out;
		for (auto const &range : ranges)
			if (!out.empty() && range.from <= out.back().until)
				out.back().until = std::max(out.back().until, range.until);
			else
				out.push_back(range);
		ranges = out;
	}

	/* The span there once more, in the year of another one, or so many years later when it does not fit. */
	template <typename Fits>
	std::optional<Span> in_year_of(std::size_t offset, const Span &other, Fits fits, int otherwise)
	{
		assumed_year = year_in(other);
		auto found = span(offset, true);
		if (found && !fits(*found)) {
			*assumed_year += otherwise;
			found = span(offset, true);
		}
		assumed_year.reset();
		return found;
	}

	/* A day, month, quarter, year or relative period; loose: a bare year or month may stand for one. */
	std::optional<Span> span(std::size_t offset, bool loose)
	{
		std::size_t const article = word(offset) == "the" ? 1 : 0;
		if (auto found = relative_span(*this, offset + article, today, may_roll && article == 1)) {
			found->words += article;
			return found;
		}
		if (auto const found = day(offset))
			return found;
		if (auto found = quarter(offset + article)) {
			found->words += article;
			return found;
		}
		if (auto const found = month(offset, loose))
			return found;
		std::size_t const named = article == 1 && word(offset + 1) == "year" ? 2 : word(offset) == "year" ? 1 : 0;
		if (auto const value = year(offset + named); value && (loose || named > 0 || word(0) == "of"))
			return Span{first_of(time::year(*value) / 1), first_of(time::year(*value + 1) / 1), named + 1, true};
		return std::nullopt;
	}

	/* Months of the year that is told, or of the latest in which they have begun. */
	Span of_year(std::optional<int> told, int month, int count, std::size_t taken) const
	{
		Span found = of_months(time::year(told ? *told : year_of(month)) / month, count, taken);
		found.told = told.has_value();
		found.guessed = !found.told;
		return found;
	}

	/* 2024-03-01, 1 March 2024, March 1st 2024; a month without a year is the latest that has begun. */
	std::optional<Span> day(std::size_t offset) const
	{
		int y = 0, m = 0, d = 0;
		char rest = 0;
		std::string const typed(word(offset));
		std::size_t taken = 1;
		bool guessed = false;
		if (std::sscanf(typed.c_str(), "%4d-%2d-%2d%c", &y, &m, &d, &rest) != 3) {
			bool const day_first = number(offset) && month_number(word(offset + 1)) > 0;
			std::size_t const of = number(offset) && word(offset + 1) == "of" ? 1 : 0;
			if (day_first || of > 0) {
				d = *number(offset);
				m = month_number(word(offset + 1 + of));
				taken = 2 + of;
			} else if (month_number(word(offset)) > 0 && number(offset + 1) && *number(offset + 1) <= 31) {
				m = month_number(word(offset));
				d = *number(offset + 1);
				taken = 2;
			} else
				return std::nullopt;
			if (m == 0)
				return std::nullopt;
			if (auto const given = year(offset + taken)) {
				y = *given;
				++taken;
			} else {
				y = year_of(m);
				guessed = true;
			}
		}
		time::year_month_day const found{time::year(y), time::month(static_cast<unsigned>(m)),
		                                 time::day(static_cast<unsigned>(d))};
		if (y < 1 || m < 1 || d < 1 || d > 31 || !found.ok()) /* a day is kept in few bits */
			return std::nullopt;
		return Span{Day(found), Day(found) + time::days(1), taken, false, guessed, !guessed};
	}

	std::optional<Span> quarter(std::size_t offset) const
	{
		constexpr std::array<std::string_view, 4> short_names{"q1", "q2", "q3", "q4"};
		constexpr std::array<std::string_view, 4> long_names{"first", "second", "third", "fourth"};
		for (std::size_t i = 0; i < 4; ++i) {
			bool const is_long = word(offset) == long_names[i] && word(offset + 1) == "quarter";
			if (!is_long && word(offset) != short_names[i])
				continue;
			std::size_t taken = is_long ? 2 : 1;
			if (word(offset + taken) == "of")
				++taken;
			auto const given = year(offset + taken);
			if (!given && word(offset + taken - 1) == "of")
				return std::nullopt;
			return of_year(given, static_cast<int>(3 * i + 1), 3, taken + (given ? 1 : 0));
		}
		return std::nullopt;
	}

	std::optional<Span> month(std::size_t offset, bool loose) const
	{
		int const m = month_number(word(offset));
		if (m == 0)
			return std::nullopt;
		std::size_t const of = word(offset + 1) == "of" ? 1 : 0;
		if (auto const given = year(offset + 1 + of))
			return of_year(given, m, 1, 2 + of);
		if (!loose)
			return std::nullopt;
		return of_year(std::nullopt, m, 1, 1);
	}

	int year_of(int month) const
	{
		if (assumed_year)
			return *assumed_year;
		int const now = static_cast<int>(date.year());
		return month <= static_cast<int>(static_cast<unsigned>(date.month())) ? now : now - 1;
	}

	Day today;
	time::year_month_day date;
	std::optional<int> assumed_year;
	bool may_roll = false; /* "the last month", up to today */
};

std::string
a_year_later(const std::string &text)
{
	return text.empty() ? text : std::to_string(std::stoi(text) + 1) + text.substr(4);
}

} // namespace

void
come_near(DateRange &range, Day today)
{
	constexpr time::months half_a_year{6};
	std::string const &told = range.from.empty() ? range.until : range.from;
	bool const leap_day = told.ends_with("-02-29"); /* which the next year has not */
	if (!range.guessed || leap_day || told >= text_of(Day(time::floor<time::days>(today - half_a_year))))
		return;
	range.from = a_year_later(range.from);
	range.until = a_year_later(range.until);
}

std::optional<DatePhrase>
read_date(const std::vector<Word> &words, std::size_t at, std::chrono::sys_days today)
{
	return Reader(words, at, today).phrase();
}

} // namespace tenancy::ask
