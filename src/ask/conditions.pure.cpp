/*
 * Turning each clause into a filter, with the literals as they may stand in SQL: values, flags, what is there and what
 * is not. Pure regime.
 */
#include "ask/conditions.pure.hpp"

#include <algorithm>

#include "ask/thesaurus.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

using What = DraftFilter::What;

/* Two values that "and" joins are not of one row, where there are many. */
void
join_values(const Binder &binder, const DraftFilter &draft, Filter &filter, const Target &target)
{
	if (draft.joint == DraftFilter::Joint::any || filter.operands.size() < 2 || !binder.is_of_many(target))
		return;
	if (draft.joint == DraftFilter::Joint::unclear || draft.negated || draft.alternative >= 0)
		throw Refusal{"it is not clear whether \"and\" joins what one has or what several have"};
	filter.each = true;
}

class Conditions {
public:
	Conditions(const Lexicon &of, Binder &binding, std::chrono::sys_days now) : lexicon(of), binder(binding), today(now)
	{}

	void add(const DraftFilter &filter)
	{
		switch (filter.what) {
		case What::value: return value(filter);
		case What::compare:
		case What::date: return add_comparison(lexicon, binder, filter, today);
		case What::missing: return presence(filter, Op::missing);
		case What::present: return presence(filter, Op::present);
		case What::flag: return flag(filter);
		case What::like: return like(filter);
		}
	}

private:
	/* Columns that can hold every one of the values, or that are named and can hold text. */
	void value(const DraftFilter &draft)
	{
		Refs candidates = common_columns(draft.values);
		Refs const named = columns_of(lexicon, draft.noun);
		if (draft.noun.column != nullptr)
			std::erase_if(candidates, [&](const Ref &ref) { return !holds_column_of(named, ref); });
		keep_described(draft, candidates);
		if (candidates.empty())
			return typed(draft, named);
		keep_direction(*draft.values[0], candidates);
		if (denies_rows(draft, candidates) && draft.joint == DraftFilter::Joint::any)
			return binder.deny(candidates, word_of(draft), equal_to(draft, candidates[0], false));
		Target const target = bound(draft, candidates);
		put(lexicon, binder, draft, equal_to(draft, target.ref, draft.negated), target);
	}

	/* The values of one column. */
	Filter equal_to(const DraftFilter &draft, const Ref &column, bool negated) const
	{
		Filter filter;
		filter.alternative = draft.alternative;
		for (auto const *item : draft.values)
			for (auto const &ref : item->values)
				if (ref.same_column(column)) {
					auto const &text = lexicon.column(ref).values[static_cast<std::size_t>(ref.value)];
					if (std::find(filter.operands.begin(), filter.operands.end(), text) == filter.operands.end())
						filter.operands.push_back(text);
				}
		finish_values(filter, negated);
		return filter;
	}

	/* "from Paris" is no destination, and "to Paris" no origin. */
	bool is_directed(const Item &value, const Ref &column) const
	{
		bool const from = value.before == "from", to = value.before == "to" || value.before == "into";
		auto const &words = lexicon.facts(column).words;
		return std::none_of(words.begin(), words.end(), [&](const std::string &word) {
			return (from && is_goal(word)) || (to && is_origin(word));
		});
	}

	void keep_direction(const Item &value, Refs &candidates) const
	{
		std::erase_if(candidates, [&](const Ref &ref) { return !is_directed(value, ref); });
		if (candidates.empty())
			throw Refusal{"no column is known where \"" + std::string(value.before) + " " + value.text +
			              "\" may be told"};
	}

	/* A name, as in "Keyboard orders", is no state of other rows, as the subject of a ticket may be. */
	bool is_name(const Ref &ref) const
	{
		auto const &names = lexicon.facts(ref.table).names;
		return std::find(names.begin(), names.end(), ref.column) != names.end() &&
		       (lexicon.column(ref).name.ends_with("name") || lexicon.column(ref).name == "title");
	}

	/* "active" in "active orders" is said of orders, and of nothing else. */
	void keep_described(const DraftFilter &draft, Refs &candidates) const
	{
		const Item *const described = draft.of != nullptr ? draft.of : draft.owned;
		if (described == nullptr)
			return;
		bool const may_rise = draft.of == nullptr;
		/* But what is called "sales" would be what was sold. */
		bool const may_name = may_rise && measure_of(singular(fold(word_of(draft)))).empty();
		std::erase_if(candidates, [&](const Ref &ref) {
			lexicon.breathe();
			return !(may_name && is_name(ref)) &&
			       std::none_of(described->tables.begin(), described->tables.end(), [&](const Ref &of) {
					   return of.table == ref.table || (may_rise && lexicon.rises(of.table, ref.table));
				   });
		});
		if (candidates.empty())
			throw Refusal{"there is no telling which \"" + described->text + "\" are \"" + word_of(draft) + "\""};
	}

	/* Is "not" said of the rows that the words before it are about: "orders not paid"? */
	bool is_beside_rows(const DraftFilter &draft) const
	{
		auto const &scope = binder.all().back();
		return draft.beside != nullptr && scope.related >= 0 && draft.beside->names(scope.table);
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

	/*
	 * "shipped to customers in Germany" tells where the customers are, and not where the supplier is. But "shipments
	 * from Berlin" is not where they go to.
	 */
	void check_beside(const DraftFilter &draft, const Target &found) const
	{
		const Item &value = *draft.values[0];
		if (!draft.beside->names(found.ref.table) &&
		    std::any_of(value.values.begin(), value.values.end(),
		                [&](const Ref &ref) { return draft.beside->names(ref.table) && is_directed(value, ref); }))
			throw Refusal{"there is no telling which \"" + draft.beside->text + "\" are meant by \"" + word_of(draft) +
			              "\""};
	}

	/* The column; a negation is of the rows that the question is about, or of those that it stands behind. */
	Target bound(const DraftFilter &draft, const Refs &candidates)
	{
		if (!draft.negated && draft.what != What::missing) {
			Target const found = binder.column(candidates, word_of(draft), draft.tie);
			if (draft.what == What::value && draft.beside != nullptr)
				check_beside(draft, found);
			return found;
		}
		auto const near = binder.near(candidates, word_of(draft));
		if (!near || (binder.is_of_many(*near) && !is_beside_rows(draft)))
			throw Refusal{"it is not clear what is denied by \"not\" or \"no\" of \"" + word_of(draft) + "\""};
		return *near;
	}

	Refs common_columns(const std::vector<const Item *> &values) const
	{
		Refs common = values[0]->values;
		for (auto const *item : values)
			std::erase_if(common, [&](const Ref &ref) {
				lexicon.breathe();
				return !holds_column_of(item->values, ref);
			});
		return common;
	}

	static void finish_values(Filter &filter, bool negated)
	{
		bool const several = filter.operands.size() > 1;
		filter.op = several ? (negated ? Op::none_of : Op::one_of) : (negated ? Op::differs : Op::equal);
	}

	static std::string hint(const Item &literal)
	{
		return literal.likely.empty() ? std::string() : " (did you mean \"" + literal.likely + "\"?)";
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
				              (named.empty() ? "any column that could be meant" : draft.noun.column->text) +
				              hint(*item)};
		if (named.empty())
			for (auto const &scope : binder.all())
				if (&scope == &binder.all().back() && lexicon.facts(scope.table).names.size() == 1)
					named.push_back({scope.table, lexicon.facts(scope.table).names[0], -1, Tier::exact});
		std::erase_if(named, [this](const Ref &ref) {
			return lexicon.facts(ref).kind != Kind::text || !lexicon.column(ref).values.empty();
		});
		if (named.empty())
			throw Refusal{"no column is known to have the value \"" + draft.values[0]->text + "\"" +
			              hint(*draft.values[0])};
		Filter filter;
		filter.folded = true;
		for (auto const *item : draft.values)
			filter.operands.push_back(item->text);
		finish_values(filter, draft.negated);
		put(lexicon, binder, draft, filter, bound(draft, named));
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
		put(lexicon, binder, draft, filter, target);
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
		put(lexicon, binder, draft, filter, bound(draft, columns));
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
		put(lexicon, binder, draft, filter, binder.column(columns, word_of(draft)));
	}

	const Lexicon &lexicon;
	Binder &binder;
	std::chrono::sys_days today;
};

} // namespace

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

void
put(const Lexicon &lexicon, Binder &binder, const DraftFilter &draft, Filter filter, const Target &target)
{
	/* "customers with orders in 2022 and 2023": in each of both years, or in any? */
	if (draft.conjoint && binder.is_about_some(target))
		throw Refusal{"there is no telling whether one of the " + lexicon.table(target.ref.table).name +
		              " is meant, or several"};
	filter.alternative = draft.alternative;
	join_values(binder, draft, filter, target);
	binder.add(std::move(filter), target);
}

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
