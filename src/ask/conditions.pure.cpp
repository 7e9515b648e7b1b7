/*
 * Turning each clause into a filter, with the literals as they may stand in SQL. Pure regime.
 */
#include "ask/conditions.pure.hpp"

#include <algorithm>
#include <cstdio>

#include "ask/dates.pure.hpp"
#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

using What = DraftFilter::What;

std::string
word_of(const DraftFilter &filter)
{
	if (filter.noun.column != nullptr)
		return filter.noun.column->text;
	if (!filter.values.empty())
		return filter.values[0]->text;
	if (filter.verb != nullptr)
		return filter.verb->text;
	return filter.numbers.empty() ? std::string("date") : filter.numbers[0];
}

class Conditions {
public:
	Conditions(const Lexicon &of, Binder &binding, std::chrono::sys_days now)
		: lexicon(of), binder(binding), today(now)
	{}

	void add(const DraftFilter &filter)
	{
		switch (filter.what) {
		case What::value: return value(filter);
		case What::compare: return compare(filter);
		case What::date: return date(filter);
		case What::missing: return presence(filter, Op::missing);
		case What::present: return presence(filter, Op::present);
		case What::flag: return flag(filter);
		case What::like: return like(filter);
		}
	}

private:
	void put(const DraftFilter &draft, Filter filter, const Target &target)
	{
		/* "customers with orders in 2022 and 2023": in each of both years, or in any? */
		if (draft.conjoint && binder.is_about_some(target))
			throw Refusal{"there is no telling whether one of the " + lexicon.table(target.ref.table).name +
			              " is meant, or several"};
		filter.alternative = draft.alternative;
		join_values(draft, filter, target);
		binder.add(std::move(filter), target);
	}

	/* Columns that can hold every one of the values, or that are named and can hold text. */
	void value(const DraftFilter &draft)
	{
		Refs candidates = common_columns(draft.values);
		Refs const named = columns_of(lexicon, draft.noun);
		if (draft.noun.column != nullptr)
			std::erase_if(candidates, [&](const Ref &ref) { return !contains(named, ref); });
		keep_described(draft, candidates);
		if (candidates.empty())
			return typed(draft, named);
		keep_direction(*draft.values[0], candidates);
		if (denies_rows(draft, candidates) && draft.joint == DraftFilter::Joint::any)
			return binder.deny(candidates, word_of(draft), equal_to(draft, candidates[0], false));
		Target const target = bound(draft, candidates);
		put(draft, equal_to(draft, target.ref, draft.negated), target);
	}

	/* Two values that "and" joins are not of one row, where there are many. */
	void join_values(const DraftFilter &draft, Filter &filter, const Target &target) const
	{
		if (draft.joint == DraftFilter::Joint::any || filter.operands.size() < 2 || !binder.is_of_many(target))
			return;
		if (draft.joint == DraftFilter::Joint::unclear || draft.negated || draft.alternative >= 0)
			throw Refusal{"it is not clear whether \"and\" joins what one has or what several have"};
		filter.each = true;
	}

	/* The values of one column. */
	Filter equal_to(const DraftFilter &draft, const Ref &column, bool negated) const
	{
		Filter filter;
		filter.alternative = draft.alternative;
		for (auto const *item : draft.values)
			for (auto const &ref : item->values)
				if (ref.table == column.table && ref.column == column.column) {
					auto const &text = lexicon.column(ref).values[static_cast<std::size_t>(ref.value)];
					if (std::find(filter.operands.begin(), filter.operands.end(), text) == filter.operands.end())
						filter.operands.push_back(text);
				}
		finish_values(filter, negated);
		return filter;
	}

	/* "from Paris" is no destination, and "to Paris" no origin. */
	void keep_direction(const Item &value, Refs &candidates) const
	{
		bool const from = value.before == "from", to = value.before == "to" || value.before == "into";
		std::erase_if(candidates, [&](const Ref &ref) {
			auto const &words = lexicon.facts(ref).words;
			return (from || to) && std::any_of(words.begin(), words.end(), [&](const std::string &word) {
					   return from ? is_goal(word) : is_origin(word);
				   });
		});
		if (candidates.empty())
			throw Refusal{"no column is known where \"" + std::string(value.before) + " " + value.text +
			              "\" may be told"};
	}

	/* "active" in "active orders" is said of orders, and of nothing else. */
	void keep_described(const DraftFilter &draft, Refs &candidates) const
	{
		if (draft.of == nullptr)
			return;
		std::erase_if(candidates, [&](const Ref &ref) {
			lexicon.breathe();
			return std::none_of(draft.of->tables.begin(), draft.of->tables.end(),
			                    [&](const Ref &of) { return of.table == ref.table; });
		});
		if (candidates.empty())
			throw Refusal{"there is no telling which \"" + draft.of->text + "\" are \"" + word_of(draft) + "\""};
	}

	/* Is "not" said of the rows that the words before it are about: "orders not paid"? */
	bool is_beside_rows(const DraftFilter &draft) const
	{
		auto const &scope = binder.all().back();
		return draft.beside != nullptr && scope.related >= 0 &&
		       std::any_of(draft.beside->tables.begin(), draft.beside->tables.end(),
		                   [&](const Ref &ref) { return ref.table == scope.table; });
	}

	/* "students not in Drama" have no row with it; a row with another course would say nothing of Drama. */
	bool denies_rows(const DraftFilter &draft, const Refs &candidates) const
	{
		if (!draft.negated || draft.noun.column != nullptr || draft.of != nullptr || is_beside_rows(draft))
			return false;
		auto const near = binder.near(candidates, word_of(draft));
		if (near && !binder.is_of_many(*near))
			return false;
		auto const &names = lexicon.facts(candidates[0].table).names;
		return !draft.values[0]->before.empty() ||
		       std::find(names.begin(), names.end(), candidates[0].column) != names.end();
	}

	/* The column; a negation is of the rows that the question is about, or of those that it stands behind. */
	Target bound(const DraftFilter &draft, const Refs &candidates)
	{
		if (!draft.negated && draft.what != What::missing)
			return binder.column(candidates, word_of(draft));
		auto const near = binder.near(candidates, word_of(draft));
		if (!near || (binder.is_of_many(*near) && !is_beside_rows(draft)))
			throw Refusal{"it is not clear what is denied by \"not\" or \"no\" of \"" + word_of(draft) + "\""};
		return *near;
	}

	static bool contains(const Refs &columns, const Ref &value)
	{
		return std::any_of(columns.begin(), columns.end(),
		                   [&](const Ref &ref) { return ref.table == value.table && ref.column == value.column; });
	}

	Refs common_columns(const std::vector<const Item *> &values) const
	{
		Refs common = values[0]->values;
		for (auto const *item : values)
			std::erase_if(common, [&](const Ref &ref) {
				lexicon.breathe();
				return !contains(item->values, ref);
			});
		return common;
	}

	static void finish_values(Filter &filter, bool negated)
	{
		bool const several = filter.operands.size() > 1;
		filter.op = several ? (negated ? Op::none_of : Op::one_of) : (negated ? Op::differs : Op::equal);
	}

	/* Text that no list of values knows: for the column before it, or the name of the table before it. */
	void typed(const DraftFilter &draft, Refs named)
	{
		/* "by Bob" names no row that the question is about, but maybe the one that it was supplied by. */
		bool const behind_role = binder.all().size() > 1 && binder.all().back().related < 0;
		for (auto const *item : draft.values)
			if (item->key != Key::literal ||
			    (named.empty() && !item->before.empty() && !(behind_role && item->before == "by")))
				throw Refusal{"\"" + item->text + "\" is not a value of " +
				              (named.empty() ? "any column that could be meant" : draft.noun.column->text)};
		if (named.empty())
			for (auto const &scope : binder.all())
				if (&scope == &binder.all().back() && lexicon.facts(scope.table).names.size() == 1)
					named.push_back({scope.table, lexicon.facts(scope.table).names[0], -1, Tier::exact});
		std::erase_if(named, [this](const Ref &ref) {
			return lexicon.facts(ref).kind != Kind::text || !lexicon.column(ref).values.empty();
		});
		if (named.empty())
			throw Refusal{"no column is known to have the value \"" + draft.values[0]->text + "\""};
		Filter filter;
		filter.folded = true;
		for (auto const *item : draft.values)
			filter.operands.push_back(item->text);
		finish_values(filter, draft.negated);
		put(draft, filter, bound(draft, named));
	}

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
		put(draft, filter, target);
		if (draft.numbers.size() > 1 && draft.op != Op::one_of) {
			filter.op = Op::at_most;
			filter.operands = {draft.numbers[1]};
			put(draft, filter, target);
		}
	}

	Refs numbers(const DraftFilter &draft) const
	{
		int const table = binder.all().back().table, base = binder.all().front().table;
		if (draft.noun.column != nullptr) {
			Refs columns = columns_of(lexicon, draft.noun);
			std::erase_if(columns, [this](const Ref &ref) { return lexicon.facts(ref).kind != Kind::number; });
			if (columns.empty())
				throw Refusal{"\"" + draft.noun.column->text + "\" is not a number"};
			return columns;
		}
		bool const many = binder.all().back().related >= 0;
		for (int const of : {table, many ? table : base}) {
			if (!draft.measure.empty() && draft.measure != "any") {
				if (auto found = measured_columns(lexicon, draft.measure, of); !found.empty())
					return found;
				continue;
			}
			Refs found = lexicon.columns_of(of, Kind::number);
			if (draft.unit != nullptr && !draft.unit->measure.empty() && draft.unit->measure != "money")
				std::erase_if(found, [&](const Ref &ref) { return lexicon.facts(ref).unit != draft.unit->measure; });
			if (found.size() == 1)
				return found;
			if (auto amounts = measured_columns(lexicon, "amount", of); amounts.size() == 1 && draft.unit == nullptr)
				return amounts;
		}
		throw Refusal{"there is no telling what is compared with " + draft.numbers[0]};
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
		date = day + std::chrono::days(days_later);
		char text[32];
		std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
		              static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
		return text;
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

	void aged(const DraftFilter &draft)
	{
		Refs births;
		for (auto const &scope : binder.all())
			for (auto const &ref : lexicon.columns_of(scope.table, Kind::date))
				for (auto const &word : lexicon.facts(ref).words)
					if (word == "birth" || word == "dob" || word == "birthday" || word == "born")
						births.push_back(ref);
		std::string const &years = draft.numbers[0];
		if (births.empty() || draft.numbers.size() != 1 || years.size() > 3 ||
		    years.find_first_not_of("0123456789") != std::string::npos ||
		    (draft.unit != nullptr && draft.unit->measure != "year"))
			throw Refusal{"there is no telling how old anything is"};
		Filter filter;
		filter.range = births_of(draft.op, std::stoi(years));
		put(draft, filter, binder.column(births, "old"));
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
		Filter filter;
		filter.range = draft.range;
		if (lexicon.facts(target.ref).kind == Kind::number)
			return years(draft, target);
		if (std::ranges::any_of(lexicon.facts(target.ref).words, looks_ahead))
			come_near(*filter.range, today);
		put(draft, filter, target);
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
			return put(draft, filter, target);
		}
		if (!first.empty()) {
			filter.op = Op::at_least;
			filter.operands = {first};
			put(draft, filter, target);
		}
		if (!end.empty()) {
			filter.op = Op::less;
			filter.operands = {end};
			put(draft, filter, target);
		}
	}

	void presence(const DraftFilter &draft, Op op)
	{
		const Item &item = *draft.noun.column;
		Refs candidates = columns_of(lexicon, draft.noun);
		candidates.insert(candidates.end(), item.verbs.begin(), item.verbs.end());
		candidates.insert(candidates.end(), item.roles.begin(), item.roles.end());
		Target const target = bound(draft, candidates);
		if (!lexicon.column(target.ref).nullable) {
			if (op == Op::present && item.columns.empty())
				return; /* "prescribed drugs": all are */
			throw Refusal{"every row has its " + lexicon.column(target.ref).name};
		}
		Filter filter;
		filter.op = op;
		put(draft, filter, target);
	}

	void flag(const DraftFilter &draft)
	{
		Refs columns = draft.noun.column->columns;
		std::erase_if(columns, [this](const Ref &ref) { return lexicon.facts(ref).kind != Kind::boolean; });
		keep_described(draft, columns);
		Filter filter;
		filter.op = Op::equal;
		filter.numeric = true;
		filter.operands = {draft.negated ? "FALSE" : "TRUE"};
		put(draft, filter, bound(draft, columns));
	}

	void like(const DraftFilter &draft)
	{
		Refs columns = columns_of(lexicon, draft.noun);
		auto const &scope = binder.all().back();
		if (columns.empty())
			for (int const name : lexicon.facts(scope.table).names)
				columns.push_back({scope.table, name, -1, Tier::exact});
		std::erase_if(columns, [this](const Ref &ref) { return lexicon.facts(ref).kind != Kind::text; });
		if (columns.empty())
			throw Refusal{"there is no telling which column has the text \"" + draft.values[0]->text + "\""};
		std::string pattern;
		for (char const c : draft.values[0]->text)
			pattern += (c == '%' || c == '_' || c == '!' ? std::string("!") : std::string()) + c;
		if (draft.pattern != 's')
			pattern = "%" + pattern;
		if (draft.pattern != 'e')
			pattern += "%";
		Filter filter;
		filter.op = Op::like;
		filter.operands = {pattern};
		put(draft, filter, binder.column(columns, word_of(draft)));
	}

	const Lexicon &lexicon;
	Binder &binder;
	std::chrono::sys_days today;
};

} // namespace

void
add_clause(const Lexicon &lexicon, Binder &binder, Query &query, const Clause &clause, const Hints &hints,
           std::chrono::sys_days today)
{
	Conditions conditions(lexicon, binder, today);
	if (clause.what == Clause::What::filter)
		return conditions.add(clause.filter);
	if (clause.what == Clause::What::role)
		return;
	if (clause.op == Op::missing && !clause.limits.empty()) {
		int const table = table_of(lexicon, *clause.table, false);
		/* "except the furniture category", of rows that have one category each */
		if (table >= 0 && climb(lexicon, query.base, table, hints)) {
			if (clause.limits.size() > 1)
				throw Refusal{"it is not clear what is denied of \"" + clause.table->text + "\""};
			DraftFilter denied = clause.limits[0];
			denied.negated = true;
			return conditions.add(denied);
		}
	}
	add_table(lexicon, binder, query, clause, hints);
	for (auto const &limit : clause.limits)
		conditions.add(limit);
}

} // namespace tenancy::ask
