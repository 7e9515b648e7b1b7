/*
 * Queries that measure: the base table, groups, what counts a row once. Pure regime.
 */
#include "ask/builder.pure.hpp"

#include <algorithm>
#include <iterator>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

Query
Builder::run()
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

void
Builder::collect_hints()
{
	for (auto const &clause : draft.clauses) {
		if (clause.table == nullptr)
			continue;
		/* Only what is named in passing is on the way to something: "reviewed" begins another condition. */
		if (clause.what == Clause::What::mention && !clause.act)
			for (auto const &ref : clause.table->tables)
				hints.tables.push_back(ref.table);
		if (!clause.table->roles.empty() && (clause.act || clause.table->tables.empty()))
			hints.roles.push_back(fold(clause.table->text));
	}
}

int
Builder::table_named(const Item &item) const
{
	int const table = table_of(lexicon, item, item.tables.empty());
	if (table < 0)
		throw Refusal{"\"" + item.text + "\" may mean more than one table"};
	return table;
}

bool
Builder::is_named(int table) const
{
	auto const names = [table](const Item *item) { return item != nullptr && item->names(table); };
	auto const tells = [&](const Clause &clause) {
		if (!clause.act || clause.table == nullptr)
			return names(clause.table);
		auto const &acts = clause.table->acts;
		return std::any_of(acts.begin(), acts.end(), [table](const Ref &ref) { return ref.table == table; });
	};
	return names(draft.subject.table) || std::any_of(draft.clauses.begin(), draft.clauses.end(), tells) ||
	       std::any_of(draft.groups.begin(), draft.groups.end(),
	                   [&](const DraftGroup &group) { return names(group.noun.table); }) ||
	       std::any_of(draft.measures.begin(), draft.measures.end(),
	                   [&](const DraftMeasure &m) { return names(m.noun.table); });
}

Ref
Builder::measured_column(const DraftMeasure &measure) const
{
	Refs columns = columns_of(lexicon, measure.noun);
	const std::string &word = measure.noun.column->text;
	if (measure.function == Function::sum || measure.function == Function::average)
		std::erase_if(columns, [this](const Ref &ref) {
			return lexicon.facts(ref).kind != Kind::number || lexicon.facts(ref).key;
		});
	Refs of_named;
	std::copy_if(columns.begin(), columns.end(), std::back_inserter(of_named), [this](const Ref &ref) {
		lexicon.breathe();
		return is_named(ref.table);
	});
	if (!of_named.empty())
		columns = of_named;
	columns = best_tier(std::move(columns));
	if (columns.empty())
		throw Refusal{"there is no column of numbers for \"" + word + "\""};
	if (columns.size() > 1)
		refuse_ambiguous(lexicon, columns, word);
	return columns[0];
}

void
Builder::measured()
{
	const DraftMeasure &first = draft.measures[0];
	if (first.noun.column != nullptr) {
		Ref const column = measured_column(first);
		binder.begin(column.table);
	} else if (first.noun.table != nullptr)
		binder.begin(table_named(*first.noun.table));
	else
		binder.begin(table_of_values());
	if (draft.subject || !draft.shown.empty())
		throw Refusal{"it is not clear what is asked of the groups"};
	group(draft.groups);
	for (auto const &measure : draft.measures)
		query.measures.push_back(bound(measure));
	clauses();
	rank_groups();
}

Measure
Builder::bound(const DraftMeasure &draft_measure)
{
	Measure measure;
	measure.function = draft_measure.function;
	measure.distinct = draft_measure.distinct;
	if (draft_measure.noun.column == nullptr) {
		if (measure.function != Function::count)
			throw Refusal{"it is not told what is measured"};
		measure.distinct = false;
		if (counted_table >= 0)
			count_rows_of(measure, counted_table);
		return measure;
	}
	Ref const ref = measured_column(draft_measure);
	if (ref.table != query.base)
		throw Refusal{"the measures are of different tables"};
	measure.column = Place{{}, ref};
	if (measure.function == Function::count && !draft_measure.different &&
	    (lexicon.facts(ref).kind == Kind::date || lexicon.facts(ref).kind == Kind::moment))
		throw Refusal{"dates are not counted"};
	if (measure.function == Function::count && !draft_measure.different && lexicon.facts(ref).kind == Kind::number &&
	    !lexicon.facts(ref).key) {
		if (!adds_up(ref)) /* "how many ratings" are rows, or a sum */
			throw Refusal{"it is not told whether \"" + draft_measure.noun.column->text + "\" are counted or added up"};
		measure.function = Function::sum; /* "how many hours" */
		measure.distinct = false;
	}
	return measure;
}

void
Builder::count_rows_of(Measure &measure, int table)
{
	auto const &keys = lexicon.table(table).primary_key;
	if (keys.size() != 1)
		throw Refusal{"rows of " + lexicon.table(table).name + " have no single key to count them by"};
	auto const path = climb(lexicon, query.base, table, hints);
	if (!path)
		throw Refusal{"the groups would count rows more than once"};
	measure.column = Place{*path, key_of(table)};
	measure.distinct = true;
}

Ref
Builder::key_of(int table) const
{
	auto const &columns = lexicon.table(table).columns;
	for (int i = 0; i < static_cast<int>(columns.size()); ++i)
		if (columns[static_cast<std::size_t>(i)].name == lexicon.table(table).primary_key[0])
			return {table, i, -1, Tier::exact};
	throw Refusal{"the key of " + lexicon.table(table).name + " is not known"};
}

int
Builder::table_of_values() const
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

void
Builder::group(const std::vector<DraftGroup> &groups)
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
			if (draft.date_verb != nullptr)
				require(place);
			continue;
		}
		group_by(each.noun);
	}
}

bool
Builder::reaches(const Noun &noun) const
{
	if (noun.column == nullptr) {
		int const table = table_named(*noun.table);
		return climb(lexicon, query.base, table, hints).has_value();
	}
	Refs const columns = columns_of(lexicon, noun);
	return std::any_of(columns.begin(), columns.end(),
	                   [&](const Ref &ref) { return climb(lexicon, query.base, ref.table, hints).has_value(); });
}

void
Builder::move_base(const Noun &noun)
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
	binder.enter(counted_table, reversed(path), false);
}

void
Builder::group_by(const Noun &noun)
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

void
Builder::show_row(int table, const Path &path, bool grouped)
{
	auto const &columns = lexicon.facts(table).columns;
	bool const named = !lexicon.facts(table).names.empty();
	for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
		lexicon.breathe();
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

void
Builder::show_some(int table, const Path &path)
{
	constexpr int most = 10;
	for (int i = 0; i < std::min(most, static_cast<int>(lexicon.facts(table).columns.size())); ++i)
		show({path, {table, i, -1, Tier::exact}});
}

void
Builder::show(const Place &place)
{
	for (auto const &shown : query.shown)
		if (shown.place.ref.same_column(place.ref) && shown.place.path.size() == place.path.size())
			return;
	query.shown.push_back({place, Bucket::none});
}

void
Builder::clauses()
{
	for (auto const &clause : draft.clauses)
		add_clause(lexicon, binder, query, clause, hints, today);
	if (draft.chooses_groups)
		choose_groups();
	check_alternatives();
	check_absences();
	check_verbs();
	check_roles();
	separate();
	check_contradictions(query.filters);
	for (auto const &related : query.related)
		check_contradictions(related.filters);
}

void
Builder::ranked_groups()
{
	if (!draft.groups.empty() || (draft.subject && !draft.shown.empty()) || (draft.having && draft.ranking))
		throw Refusal{"more is asked of the groups than is understood here"};
	const DraftMeasure &measure = draft.having ? *draft.having : *draft.ranking->by;
	if (!measure.noun)
		throw Refusal{"it is not told what is counted or measured"};
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
	if (draft.having)
		choose_groups();
	rank_groups();
}

void
Builder::choose_groups()
{
	auto const &measure = query.measures[0];
	if (measure.column && measure.function != Function::count &&
	    lexicon.facts(measure.column->ref).kind != Kind::number)
		throw Refusal{"\"" + lexicon.column(measure.column->ref).name + "\" is not a number"};
	query.having = draft.having_op;
	query.having_number = draft.having_number;
}

Noun
Builder::group_subject() const
{
	if (draft.subject)
		return draft.subject;
	if (draft.shown.size() == 1 && draft.groups.empty())
		return draft.shown[0];
	throw Refusal{"it is not told of what"};
}

void
Builder::ranked_rows(const DraftMeasure &measure)
{
	if (measure.noun.column == nullptr || draft.having)
		throw Refusal{"it is not clear what is measured"};
	Ref const column = measured_column(measure);
	show_row(query.base, {}, false);
	show({{}, column});
	clauses();
	rank_by_column({{}, column});
}

void
Builder::rank_groups()
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

void
Builder::require(const Place &place)
{
	if (!lexicon.column(place.ref).nullable)
		return;
	Filter filter;
	filter.op = Op::present;
	filter.place = place;
	query.filters.push_back(filter);
}

Query
build_query(const Lexicon &lexicon, const Draft &draft, std::chrono::sys_days today)
{
	return Builder(lexicon, draft, today).run();
}

} // namespace tenancy::ask
