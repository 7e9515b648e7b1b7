/*
 * Comparisons as filters: numbers with their units, ages, dates and years. Pure regime.
 */
#include "ask/conditions.pure.hpp"

#include <algorithm>

#include "ask/dates.pure.hpp"
#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

class Comparisons {
public:
	Comparisons(const Lexicon &of, Binder &binding, std::chrono::sys_days now)
		: lexicon(of), binder(binding), today(now)
	{}

	void add(const DraftFilter &filter)
	{
		return filter.what == DraftFilter::What::date ? date(filter) : compare(filter);
	}

private:
	void compare(const DraftFilter &draft)
	{
		if (draft.measure == "age")
			return aged(draft);
		Refs const candidates = numbers(draft);
		Target const target = binder.column(candidates, word_of(draft));
		check_unit(draft, target.ref);
		Filter filter;
		filter.numeric = true;
		filter.op = draft.op;
		filter.operands = {draft.numbers[0]};
		if (draft.op == Op::one_of)
			filter.operands = draft.numbers;
		put(lexicon, binder, draft, filter, target);
		if (draft.numbers.size() > 1 && draft.op != Op::one_of) {
			filter.op = Op::at_most;
			filter.operands = {draft.numbers[1]};
			put(lexicon, binder, draft, filter, target);
		}
	}

	Refs numbers(const DraftFilter &draft) const
	{
		if (draft.noun.column != nullptr) {
			Refs columns = columns_of(lexicon, draft.noun);
			std::erase_if(columns, [this](const Ref &ref) { return lexicon.facts(ref).kind != Kind::number; });
			if (columns.empty())
				throw Refusal{"\"" + draft.noun.column->text + "\" is not a number"};
			return columns;
		}
		Scope const &last = binder.all().back();
		Refs found = numbers_of(draft, last.table);
		if (last.related >= 0)
			found = of_named(draft, last, std::move(found));
		else if (found.empty() && (draft.beside == nullptr || draft.beside->names(binder.all().front().table)))
			found = numbers_of(draft, binder.all().front().table);
		if (found.empty())
			throw Refusal{"there is no telling what is compared with " + draft.numbers[0]};
		return found;
	}

	Refs numbers_of(const DraftFilter &draft, int table) const
	{
		if (!draft.measure.empty() && draft.measure != "any")
			return measured_columns(lexicon, draft.measure, table);
		Refs found = lexicon.columns_of(table, Kind::number);
		if (draft.unit != nullptr && !draft.unit->measure.empty() && draft.unit->measure != "money")
			std::erase_if(found, [&](const Ref &ref) { return lexicon.facts(ref).unit != draft.unit->measure; });
		if (found.size() == 1)
			return found;
		found = measured_columns(lexicon, "amount", table);
		return found.size() == 1 && draft.unit == nullptr ? found : Refs{};
	}

	/* "Keyboard orders over 100" are orders of so much, though it is their items that Keyboard led on to. */
	Refs of_named(const DraftFilter &draft, const Scope &last, Refs found) const
	{
		int const named = last.named >= 0 ? last.named : binder.all().front().table;
		auto const stands_behind = [&draft](int table) {
			return draft.beside != nullptr && draft.beside->names(table);
		};
		if (named == last.table || stands_behind(last.table))
			return found;
		Refs of_them = numbers_of(draft, named);
		if (of_them.empty() || stands_behind(named))
			return of_them.empty() ? found : of_them;
		if (!found.empty())
			refuse_ambiguous(lexicon, {of_them[0], found[0]}, draft.numbers[0]);
		return found;
	}

	/* "30 minutes" of a column that counts hours would be wrong by a factor. */
	void check_unit(const DraftFilter &draft, const Ref &ref) const
	{
		if (draft.unit == nullptr)
			return;
		std::string_view const meant = draft.unit->measure.empty() || draft.unit->key == Key::thing
		                                   ? unit_of(singular(fold(draft.unit->text)))
		                                   : draft.unit->measure;
		std::string_view const known = lexicon.facts(ref).unit;
		bool const same = meant == known || (known.empty() && !meant.empty() && meant != "percent") ||
		                  (meant == "money" && known.empty());
		if (!same)
			throw Refusal{"\"" + draft.unit->text + "\" is not the unit of " + lexicon.column(ref).name};
	}

	/* The day so many years ago; the last of February where that year has no 29th. */
	std::string years_ago(int years, int days_later = 0) const
	{
		std::chrono::year_month_day date(today);
		date -= std::chrono::years(years);
		std::chrono::sys_days day = date.ok() ? std::chrono::sys_days(date)
		                                      : std::chrono::sys_days(date.year() / date.month() / std::chrono::last);
		return text_of(day + std::chrono::days(days_later));
	}

	/*
	 * Whoever has a birthday today has reached the age. "older than 30" begins on the day after the 30th birthday, "30
	 * years old" lasts a year; "at most 30" may or may not include that year.
	 */
	DateRange births_of(Op op, int years) const
	{
		switch (op) {
		case Op::greater: return {{}, years_ago(years)};
		case Op::at_least: return {{}, years_ago(years, 1)};
		case Op::less: return {years_ago(years, 1), {}};
		case Op::equal: return {years_ago(years + 1, 1), years_ago(years, 1)};
		default: throw Refusal{"there is no telling whether that age is included"};
		}
	}

	bool is_birth(const Ref &ref) const
	{
		auto const &words = lexicon.facts(ref).words;
		return std::any_of(words.begin(), words.end(), [](const std::string &word) {
			return word == "birth" || word == "dob" || word == "birthday" || word == "born";
		});
	}

	void aged(const DraftFilter &draft)
	{
		Refs births;
		for (auto const &scope : binder.all())
			for (auto const &ref : lexicon.columns_of(scope.table, Kind::date))
				if (is_birth(ref))
					births.push_back(ref);
		std::string const &years = draft.numbers[0];
		if (births.empty() || draft.numbers.size() != 1 || years.size() > 3 ||
		    years.find_first_not_of("0123456789") != std::string::npos ||
		    (draft.unit != nullptr && draft.unit->measure != "year"))
			throw Refusal{"there is no telling how old anything is"};
		Filter filter;
		filter.range = births_of(draft.op, std::stoi(years));
		put(lexicon, binder, draft, filter, binder.column(births, "old"));
	}

	void date(const DraftFilter &draft)
	{
		Refs candidates;
		std::string const word = draft.verb != nullptr ? draft.verb->text : std::string("the date");
		if (draft.verb != nullptr) {
			candidates = draft.verb->verbs;
			for (auto const &ref : draft.verb->columns) {
				Kind const kind = lexicon.facts(ref).kind;
				if (kind == Kind::date || kind == Kind::moment || (kind == Kind::number && draft.years))
					candidates.push_back(ref);
			}
			if (candidates.empty())
				throw Refusal{"\"" + word + "\" is not a date"};
		} else if (draft.years)
			candidates = year_columns();
		Target const target = binder.date(candidates, word);
		/* "born in May" is said of any year. */
		if (draft.range.guessed && is_birth(target.ref))
			throw Refusal{"it is not told of which year the date of \"" + word + "\" is"};
		Filter filter;
		filter.range = draft.range;
		if (lexicon.facts(target.ref).kind == Kind::number)
			return years(draft, target);
		if (std::ranges::any_of(lexicon.facts(target.ref).words, looks_ahead))
			come_near(*filter.range, today);
		put(lexicon, binder, draft, filter, target);
	}

	bool counts_years(const Ref &ref) const
	{
		auto const &words = lexicon.facts(ref).words;
		return !words.empty() && words.back() == "year";
	}

	/* A column of years, where the table has no dates. */
	Refs year_columns() const
	{
		int const table = binder.all().back().table;
		Refs found;
		if (lexicon.columns_of(table, Kind::date).empty())
			for (auto const &ref : lexicon.columns_of(table, Kind::number))
				if (counts_years(ref))
					found.push_back(ref);
		return found.size() == 1 ? found : Refs{};
	}

	void years(const DraftFilter &draft, const Target &target)
	{
		if (!counts_years(target.ref))
			throw Refusal{"\"" + lexicon.column(target.ref).name + "\" is not a date"};
		Filter filter;
		filter.numeric = true;
		std::string const first = draft.range.from.substr(0, 4), end = draft.range.until.substr(0, 4);
		/* Of alternatives, each has to be one filter. */
		if (draft.alternative >= 0 && !first.empty() && !end.empty() && std::stoi(first) + 1 == std::stoi(end)) {
			filter.operands = {first};
			return put(lexicon, binder, draft, filter, target);
		}
		if (!first.empty()) {
			filter.op = Op::at_least;
			filter.operands = {first};
			put(lexicon, binder, draft, filter, target);
		}
		if (!end.empty()) {
			filter.op = Op::less;
			filter.operands = {end};
			put(lexicon, binder, draft, filter, target);
		}
	}

	const Lexicon &lexicon;
	Binder &binder;
	std::chrono::sys_days today;
};

} // namespace

void
add_comparison(const Lexicon &lexicon, Binder &binder, const DraftFilter &draft, std::chrono::sys_days today)
{
	Comparisons(lexicon, binder, today).add(draft);
}

} // namespace tenancy::ask
