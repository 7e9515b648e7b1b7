/*
 * Spans of days that are told from today. Pure regime.
 */
#include "ask/span.pure.hpp"

#include <string>

namespace tenancy::ask {

namespace {

/* The last day that is no later than this one, so many months on: 29 February for 31. */
Day
months_later(time::year_month_day date, int months)
{
	date += time::months(months);
	return date.ok() ? Day(date) : Day(date.year() / date.month() / time::last);
}

/* "last 30 days" ends today, "next two weeks" starts today: today is one of the days that are counted. */
std::optional<Span>
rolling(std::string_view unit, int count, bool last, Day today)
{
	Day const tomorrow = today + time::days(1);
	if (count < 1 || count > 1000)
		return std::nullopt;
	if (unit == "day" || unit == "week") {
		time::days const days(count * (unit == "week" ? 7 : 1));
		return last ? Span{tomorrow - days, tomorrow, 3} : Span{today, today + days, 3};
	}
	int const months = unit == "month" ? count : unit == "quarter" ? 3 * count : unit == "year" ? 12 * count : 0;
	if (months == 0)
		return std::nullopt;
	if (last)
		return Span{months_later(today, -months) + time::days(1), tomorrow, 3};
	Day const edge = months_later(today, months);
	bool const whole = time::year_month_day(edge).day() == time::year_month_day(today).day();
	return Span{today, whole ? edge : edge + time::days(1), 3};
}

std::optional<Span>
period(std::string_view unit, int shift, Day today)
{
	if (unit == "week") {
		Day const monday = today - (time::weekday(today) - time::Monday) + time::days(7 * shift);
		return Span{monday, monday + time::days(7), 2};
	}
	time::year_month_day const date(today);
	time::year_month const now = date.year() / date.month();
	if (unit == "month")
		return of_months(now + time::months(shift), 1, 2);
	if (unit == "quarter") {
		auto const within = static_cast<int>((static_cast<unsigned>(date.month()) - 1) % 3);
		return of_months(now + time::months(3 * shift - within), 3, 2);
	}
	if (unit == "year")
		return of_months((date.year() + time::years(shift)) / 1, 12, 2);
	return std::nullopt;
}

} // namespace

std::string_view
DateWords::word(std::size_t offset) const
{
	return at + offset < words.size() && !words[at + offset].quoted ? std::string_view(words[at + offset].folded)
	                                                                : std::string_view();
}

std::optional<int>
DateWords::number(std::size_t offset) const
{
	if (at + offset >= words.size())
		return std::nullopt;
	auto const &value = words[at + offset].number;
	if (value && *value >= 0 && *value < 10000 && *value == static_cast<int>(*value))
		return static_cast<int>(*value);
	return value ? std::nullopt : number_word(words[at + offset].folded);
}

std::optional<int>
DateWords::year(std::size_t offset) const
{
	auto const value = number(offset);
	return value && *value >= 1900 && *value <= 2100 && words[at + offset].text.size() == 4 ? value : std::nullopt;
}

std::optional<Span>
relative_span(const DateWords &words, std::size_t offset, Day today, bool with_article)
{
	std::string_view const lead = words.word(offset);
	if (lead == "today")
		return Span{today, today + time::days(1), 1};
	if (lead == "yesterday")
		return Span{today - time::days(1), today, 1};
	if (lead == "tomorrow")
		return Span{today + time::days(1), today + time::days(2), 1};
	bool const past = lead == "past", last = past || lead == "last" || lead == "previous";
	bool const next = lead == "next" || lead == "coming" || lead == "upcoming";
	if (!last && !next && lead != "this" && lead != "current")
		return std::nullopt;
	if (auto const count = words.number(offset + 1))
		return last || next ? rolling(singular(words.word(offset + 2)), *count, last, today) : std::nullopt;
	std::string_view const unit = words.word(offset + 1);
	/* "the past month" and "the last month" end today; "last month", and any last quarter, is one of the calendar. */
	bool const ends_today = unit != "day" && (past || (with_article && lead == "last" && unit != "quarter"));
	int const shift = last ? -1 : next ? 1 : 0;
	auto found = ends_today ? rolling(unit, 1, true, today) : period(unit, shift, today);
	if (found)
		found->words = 2;
	return found;
}

} // namespace tenancy::ask
