/*
 * From a draft to a query: its base table, what is measured and shown, groups and order. Pure regime.
 */
#include "ask/draft.pure.hpp"

#include <algorithm>

#include "ask/bind.pure.hpp"
#include "ask/conditions.pure.hpp"
#include "ask/words.pure.hpp"

namespace tenancy::ask {

namespace {

class Builder {
public:
	Builder(const Lexicon &of, const Draft &from, std::chrono::sys_days now)
		: lexicon(of), draft(from), today(now), binder(of, query, hints)
	{}

	Query run()
	{
		collect_hints();
		if (!draft.measures.empty())
			measured();
		else if (draft.having || (draft.ranking && draft.ranking->by))
			ranked_groups();
		else
			listed();
		order();
		return std::move(query);
	}

private:
	void collect_hints()
	{
		for (auto const &clause : draft.clauses) {
			if (clause.table == nullptr)
				continue;
			for (auto const &ref : clause.act ? clause.table->acts : clause.table->tables)
				hints.tables.push_back(ref.table);
			if (!clause.table->roles.empty())
				hints.roles.push_back(fold(clause.table->text));
		}
	}

	int table_named(const Item &item) const
	{
		int const table = table_of(lexicon, item, item.tables.empty());
		if (table < 0)
			throw Refusal{"\"" + item.text + "\" may mean more than one table"};
		return table;
	}

	/* Tables that the question names anywhere. */
	bool is_named(int table) const
	{
		auto const names = [table](const Item *item) {
			return item != nullptr && std::any_of(item->tables.begin(), item->tables.end(),
			                                      [table](const Ref &ref) { return ref.table == table; });
		};
		return names(draft.subject.table) ||
		       std::find(hints.tables.begin(), hints.tables.end(), table) != hints.tables.end() ||
		       std::any_of(draft.groups.begin(), draft.groups.end(),
		                   [&](const DraftGroup &group) { return names(group.noun.table); }) ||
		       std::any_of(draft.measures.begin(), draft.measures.end(),
		                   [&](const DraftMeasure &m) { return names(m.noun.table); });
	}

	/* The one column that a measure is of, wherever it is. */
	Ref measured_column(const DraftMeasure &measure) const
	{
		Refs columns = columns_of(lexicon, measure.noun);
		const std::string &word = measure.noun.column->text;
		if (measure.function == Function::sum || measure.function == Function::average)
			std::erase_if(columns, [this](const Ref &ref) {
				return lexicon.facts(ref).kind != Kind::number || lexicon.facts(ref).key;
			});
		if (std::any_of(columns.begin(), columns.end(), [this](const Ref &ref) { return is_named(ref.table); }))
			std::erase_if(columns, [this](const Ref &ref) { return !is_named(ref.table); });
		Tier best = Tier::synonym;
		for (auto const &ref : columns)
			best = std::min(best, ref.tier);
		std::erase_if(columns, [best](const Ref &ref) { return ref.tier > best; });
		if (columns.empty())
			throw Refusal{"there is no column of numbers for \"" + word + "\""};
		if (columns.size() > 1) {
			std::vector<std::string> names;
			for (auto const &ref : columns)
				names.push_back(lexicon.table(ref.table).name + "." + lexicon.column(ref).name);
			throw Refusal{"\"" + word + "\" may mean " + join(names, " or ")};
		}
		return columns[0];
	}

	/* ---- aggregates ---- */

	void measured()
	{
		const DraftMeasure &first = draft.measures[0];
		if (first.noun.column != nullptr) {
			Ref const column = measured_column(first);
			binder.begin(column.table);
		} else if (first.noun.table != nullptr)
			binder.begin(table_named(*first.noun.table));
		else
			binder.begin(table_of_values());
		std::vector<DraftGroup> groups = draft.groups;
		if (draft.subject)
			throw Refusal{"it is not clear what is asked of the groups"};
		group(groups);
		for (auto const &measure : draft.measures)
			query.measures.push_back(bound(measure));
		clauses();
		rank_groups();
	}

	Measure bound(const DraftMeasure &draft_measure)
	{
		Measure measure;
		measure.function = draft_measure.function;
		measure.distinct = draft_measure.distinct;
		if (draft_measure.noun.column == nullptr) {
			measure.distinct = false;
			if (counted_table >= 0)
				count_rows_of(measure, counted_table);
			return measure;
		}
		Ref const ref = measured_column(draft_measure);
		if (ref.table != query.base)
			throw Refusal{"the measures are of different tables"};
		measure.column = Place{{}, ref};
		if (measure.function == Function::count && lexicon.facts(ref).kind == Kind::number && !lexicon.facts(ref).key) {
			measure.function = Function::sum; /* "how many hours" */
			measure.distinct = false;
		}
		return measure;
	}

	/* After the base moved to a table between: each row of the counted one once. */
	void count_rows_of(Measure &measure, int table)
	{
		auto const &keys = lexicon.table(table).primary_key;
		if (keys.size() != 1)
			throw Refusal{"rows of " + lexicon.table(table).name + " have no single key to count them by"};
		measure.column = Place{*climb(lexicon, query.base, table, hints), key_of(table)};
		measure.distinct = true;
	}

	Ref key_of(int table) const
	{
		auto const &columns = lexicon.table(table).columns;
		for (int i = 0; i < static_cast<int>(columns.size()); ++i)
			if (columns[static_cast<std::size_t>(i)].name == lexicon.table(table).primary_key[0])
				return {table, i, -1, Tier::exact};
		throw Refusal{"the key of " + lexicon.table(table).name + " is not known"};
	}

	int table_of_values() const
	{
		std::vector<int> tables;
		bool first = true;
		for (auto const &clause : draft.clauses) {
			if (clause.what != Clause::What::filter || clause.filter.what != DraftFilter::What::value)
				continue;
			std::vector<int> here;
			for (auto const &ref : clause.filter.values[0]->values)
				if (first || std::find(tables.begin(), tables.end(), ref.table) != tables.end())
					here.push_back(ref.table);
			std::sort(here.begin(), here.end());
			here.erase(std::unique(here.begin(), here.end()), here.end());
			tables = here;
			first = false;
		}
		if (tables.size() != 1)
			throw Refusal{"it is not told what to count or list"};
		return tables[0];
	}

	/* Groups by each noun; the base moves between two tables of which each has many of the other. */
	void group(const std::vector<DraftGroup> &groups)
	{
		for (auto const &each : groups)
			if (each.noun && !reaches(each.noun))
				move_base(each.noun);
		for (auto const &each : groups) {
			if (each.bucket != Bucket::none) {
				Refs const verbs = draft.date_verb == nullptr ? Refs{} : draft.date_verb->verbs;
				Place const place =
					binder.date_place(verbs, draft.date_verb == nullptr ? "the date" : draft.date_verb->text);
				query.shown.push_back({place, each.bucket});
				continue;
			}
			group_by(each.noun);
		}
	}

	bool reaches(const Noun &noun) const
	{
		if (noun.column == nullptr) {
			int const table = table_named(*noun.table);
			return climb(lexicon, query.base, table, hints).has_value();
		}
		Refs const columns = columns_of(lexicon, noun);
		return std::any_of(columns.begin(), columns.end(),
		                   [&](const Ref &ref) { return climb(lexicon, query.base, ref.table, hints).has_value(); });
	}

	void move_base(const Noun &noun)
	{
		if (draft.measures.size() != 1 && !(draft.ranking && draft.ranking->by))
			throw Refusal{"the groups would count rows more than once"};
		const DraftMeasure &measure = draft.measures.empty() ? *draft.ranking->by : draft.measures[0];
		if (measure.function != Function::count || measure.noun.column != nullptr || counted_table >= 0)
			throw Refusal{"the groups would count rows more than once"};
		int target = -1;
		if (noun.column == nullptr)
			target = table_named(*noun.table);
		else {
			Refs const columns = columns_of(lexicon, noun);
			if (columns.size() != 1)
				throw Refusal{"there is no telling which \"" + noun.column->text + "\" is meant"};
			target = columns[0].table;
		}
		Path path = find_path(lexicon, query.base, target, hints);
		while (!path.empty() && path.back().up)
			path.pop_back();
		if (path.empty() || !climbs(reversed(path)))
			throw Refusal{"the groups would count rows more than once"};
		counted_table = query.base;
		binder.begin(path.back().to);
		binder.enter(counted_table, reversed(path));
	}

	void group_by(const Noun &noun)
	{
		if (noun.column != nullptr) {
			query.shown.push_back({binder.place(columns_of(lexicon, noun), noun.column->text), Bucket::none});
			return;
		}
		int const table = table_named(*noun.table);
		auto const path = climb(lexicon, query.base, table, hints);
		if (!path)
			throw Refusal{"the groups would count rows more than once"};
		show_row(table, *path, true);
	}

	/* A row by its name and key. */
	void show_row(int table, const Path &path, bool grouped)
	{
		auto const &columns = lexicon.facts(table).columns;
		bool const named = !lexicon.facts(table).names.empty();
		for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
			auto const &keys = lexicon.table(table).primary_key;
			bool const key = std::find(keys.begin(), keys.end(),
			                           lexicon.table(table).columns[static_cast<std::size_t>(i)].name) != keys.end();
			if (key && grouped && named)
				query.keys.push_back({path, {table, i, -1, Tier::exact}});
			else if (key)
				show({path, {table, i, -1, Tier::exact}});
		}
		for (int const name : lexicon.facts(table).names)
			show({path, {table, name, -1, Tier::exact}});
		if (!named && !grouped)
			show_some(table, path);
		if (query.shown.empty() && query.keys.empty())
			throw Refusal{"rows of " + lexicon.table(table).name + " have neither key nor name"};
	}

	void show_some(int table, const Path &path)
	{
		constexpr int most = 10;
		for (int i = 0; i < std::min(most, static_cast<int>(lexicon.facts(table).columns.size())); ++i)
			show({path, {table, i, -1, Tier::exact}});
	}

	void show(const Place &place)
	{
		for (auto const &shown : query.shown)
			if (shown.place.ref.table == place.ref.table && shown.place.ref.column == place.ref.column &&
			    shown.place.path.size() == place.path.size())
				return;
		query.shown.push_back({place, Bucket::none});
	}

	void clauses()
	{
		for (auto const &clause : draft.clauses)
			add_clause(lexicon, binder, query, clause, hints, today);
	}

	/* ---- groups by a subject, ranked or chosen by what is measured of them ---- */

	void ranked_groups()
	{
		const DraftMeasure &measure = draft.having ? *draft.having : *draft.ranking->by;
		if (measure.noun.column == nullptr)
			binder.begin(table_named(*measure.noun.table));
		else
			binder.begin(measured_column(measure).table);
		Noun const subject = group_subject();
		if (subject.table != nullptr && table_named(*subject.table) == query.base)
			return ranked_rows(measure);
		if (draft.ranking && draft.ranking->by && !draft.ranking->descending && measure.function == Function::count)
			throw Refusal{"groups without any row would be missing"};
		if (!reaches(subject))
			move_base(subject);
		group_by(subject);
		query.measures.push_back(bound(measure));
		clauses();
		if (draft.having) {
			query.having = draft.having_op;
			query.having_number = draft.having_number;
		}
		rank_groups();
	}

	Noun group_subject() const
	{
		if (draft.subject)
			return draft.subject;
		if (draft.shown.size() == 1 && draft.groups.empty())
			return draft.shown[0];
		throw Refusal{"it is not told of what"};
	}

	void ranked_rows(const DraftMeasure &measure)
	{
		if (measure.noun.column == nullptr || draft.having)
			throw Refusal{"it is not clear what is measured"};
		Ref const column = measured_column(measure);
		show_row(query.base, {}, false);
		show({{}, column});
		clauses();
		rank_by_column({{}, column});
	}

	void rank_groups()
	{
		if (!draft.ranking)
			return;
		if (draft.ranking->by == std::nullopt)
			throw Refusal{"it is not clear what the ranking is by"};
		for (auto const &measure : query.measures)
			if (measure.column && measure.function != Function::count)
				require(*measure.column);
		query.order.push_back({0, -1, std::nullopt, draft.ranking->descending});
		query.limit = draft.ranking->rows;
	}

	/* Rows without the value have no place in a ranking by it. */
	void require(const Place &place)
	{
		if (!lexicon.column(place.ref).nullable)
			return;
		Filter filter;
		filter.op = Op::present;
		filter.place = place;
		query.filters.push_back(filter);
	}

	/* ---- rows ---- */

	void listed()
	{
		if (draft.subject.column != nullptr)
			return listed_column();
		if (draft.subject.table != nullptr)
			binder.begin(table_named(*draft.subject.table));
		else if (!draft.shown.empty())
			binder.begin(table_of_shown());
		else
			binder.begin(table_of_values());
		if (!draft.groups.empty() && draft.shown.size() == 1 && !draft.ranking && !draft.subject)
			return summed();
		/* "shipments by status" counts them. */
		if (!draft.groups.empty()) {
			if (!draft.shown.empty() || draft.ranking)
				throw Refusal{"it is not clear what is asked of the groups"};
			group(draft.groups);
			Measure count;
			if (counted_table >= 0)
				count_rows_of(count, counted_table);
			query.measures.push_back(count);
			clauses();
			return;
		}
		query.distinct = draft.distinct;
		if (!draft.distinct)
			show_row_with_columns();
		else if (draft.shown.empty())
			throw Refusal{"it is not clear what is to differ"};
		for (auto const &noun : draft.shown)
			show_column(noun);
		clauses();
		if (draft.ranking)
			rank_rows();
	}

	/* "revenue per month": of what adds up, the sum is meant. */
	void summed()
	{
		DraftMeasure const measure{Function::sum, draft.shown[0], false};
		Ref const column = measured_column(measure);
		auto const &words = lexicon.facts(column).words;
		if (std::none_of(words.begin(), words.end(), [](const std::string &word) { return adds_up(word); }))
			throw Refusal{"it is not told whether the total or the average " + draft.shown[0].column->text +
			              " is meant"};
		binder.begin(column.table);
		group(draft.groups);
		query.measures.push_back(bound(measure));
		clauses();
	}

	static bool adds_up(std::string_view word)
	{
		return word == "quantity" || word == "amount" || word == "total" || word == "revenue" || word == "sale" ||
		       word == "turnover" || word == "budget" || word == "stock" || word == "hour" || word == "fee" ||
		       word == "cost";
	}

	/* "highest paid" has a row for a subject; a column alone would be a list of values. */
	void listed_column()
	{
		throw Refusal{"there is no telling what \"" + draft.subject.column->text + "\" is ranked by"};
	}

	void show_row_with_columns()
	{
		if (draft.shown.empty() || !lexicon.facts(query.base).names.empty())
			return show_row(query.base, {}, false);
		for (auto const &key : lexicon.table(query.base).primary_key)
			for (int i = 0; i < static_cast<int>(lexicon.table(query.base).columns.size()); ++i)
				if (lexicon.table(query.base).columns[static_cast<std::size_t>(i)].name == key)
					show({{}, {query.base, i, -1, Tier::exact}});
	}

	void show_column(const Noun &noun)
	{
		/* "names" are whatever people call a row by. */
		if (singular(fold(noun.column->text)) == "name" && !lexicon.facts(query.base).names.empty()) {
			for (int const name : lexicon.facts(query.base).names)
				show({{}, {query.base, name, -1, Tier::exact}});
			return;
		}
		show(binder.place(columns_of(lexicon, noun), noun.column->text));
	}

	int table_of_shown() const
	{
		Refs columns = columns_of(lexicon, draft.shown[0]);
		Tier best = Tier::synonym;
		for (auto const &ref : columns)
			best = std::min(best, ref.tier);
		std::vector<int> tables;
		for (auto const &ref : columns)
			if (ref.tier == best)
				tables.push_back(ref.table);
		if (tables.size() > 1 || tables.empty()) {
			/* The values that are asked for may tell the table. */
			int const table = table_of_values();
			if (std::find(tables.begin(), tables.end(), table) == tables.end())
				throw Refusal{"there is no telling which \"" + draft.shown[0].column->text + "\" is meant"};
			return table;
		}
		return tables[0];
	}

	void rank_rows()
	{
		const Ranking &ranking = *draft.ranking;
		Place place;
		if (ranking.column)
			place = binder.place(columns_of(lexicon, ranking.column), ranking.column.column->text);
		else if (ranking.measure == "time" || ranking.measure == "age")
			return rank_by_time(ranking);
		else {
			Refs columns = measured_columns(lexicon, ranking.measure, query.base);
			if (ranking.measure == "any" || columns.size() != 1)
				throw Refusal{"there is no telling by what the rows are ranked"};
			place = {{}, columns[0]};
		}
		show(place);
		rank_by_column(place);
	}

	void rank_by_column(const Place &place)
	{
		require(place);
		query.order.push_back({-1, -1, place, draft.ranking->descending});
		query.limit = draft.ranking->rows;
	}

	/* The oldest person was born first; the oldest contract was made first. */
	void rank_by_time(const Ranking &ranking)
	{
		Refs births;
		for (auto const &ref : lexicon.columns_of(query.base, Kind::date))
			for (auto const &word : lexicon.facts(ref).words)
				if (word == "birth" || word == "dob" || word == "birthday" || word == "born")
					births.push_back(ref);
		bool const age = ranking.measure == "age" && births.size() == 1;
		if (!age && !births.empty() && ranking.measure == "age")
			throw Refusal{"there is no telling how old anything is"};
		if (!age && lexicon.columns_of(query.base, Kind::date).empty())
			throw Refusal{"there is no date in " + lexicon.table(query.base).name};
		Place const place = age ? Place{{}, births[0]} : binder.date_place({}, "the date");
		show(place);
		rank_by_column(place);
	}

	void order()
	{
		if (draft.order && draft.order->by_measure && !query.measures.empty())
			query.order.push_back({0, -1, std::nullopt, draft.order->descending});
		else if (draft.order && draft.order->by)
			order_by_measure();
		else if (draft.order && draft.order->noun.column != nullptr)
			query.order.push_back({-1, -1, order_column(), draft.order->descending});
		else if (draft.order)
			throw Refusal{"there is no telling what to sort by"};
		else if (query.order.empty())
			for (int i = 0; i < static_cast<int>(query.shown.size()); ++i)
				if (query.shown[static_cast<std::size_t>(i)].bucket != Bucket::none)
					query.order.push_back({-1, i, std::nullopt, false});
	}

	void order_by_measure()
	{
		Measure const wanted = bound(*draft.order->by);
		for (std::size_t i = 0; i < query.measures.size(); ++i) {
			auto const &measure = query.measures[i];
			if (measure.function == wanted.function && measure.column.has_value() == wanted.column.has_value() &&
			    (!measure.column || measure.column->ref == wanted.column->ref)) {
				query.order.push_back({static_cast<int>(i), -1, std::nullopt, draft.order->descending});
				return;
			}
		}
		throw Refusal{"what to sort by is not what is counted"};
	}

	Place order_column()
	{
		Place const place = binder.place(columns_of(lexicon, draft.order->noun), draft.order->noun.column->text);
		if (query.measures.empty() && !query.distinct)
			show(place);
		else if (std::none_of(query.shown.begin(), query.shown.end(),
		                      [&](const Shown &shown) { return shown.place.ref == place.ref; }))
			throw Refusal{"\"" + draft.order->noun.column->text + "\" is not one value for each group"};
		return place;
	}

	const Lexicon &lexicon;
	const Draft &draft;
	std::chrono::sys_days today;
	Query query;
	Hints hints;
	Binder binder;
	int counted_table = -1;
};

} // namespace

Query
build_query(const Lexicon &lexicon, const Draft &draft, std::chrono::sys_days today)
{
	return Builder(lexicon, draft, today).run();
}

} // namespace tenancy::ask
