/*
 * Queries that list rows: what is shown of them, their ranking and order. Pure regime.
 */
#include "ask/builder.pure.hpp"

#include <algorithm>

#include "ask/words.pure.hpp"

namespace tenancy::ask {

void
Builder::listed()
{
	if (draft.subject.column != nullptr)
		return listed_column();
	if (draft.subject.table != nullptr)
		binder.begin(table_named(*draft.subject.table));
	else if (!draft.shown.empty())
		binder.begin(table_of_shown());
	else
		binder.begin(table_of_values());
	if (draft.shown.size() == 1 && draft.groups.empty() && !draft.ranking && draft.shown[0].column->columns.empty() &&
	    draft.shown[0].column->measure == "revenue")
		throw Refusal{"it is not told whether the total is meant"};
	if (!draft.groups.empty() && draft.distinct)
		throw Refusal{"it is not clear what is to differ in the groups"};
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
	/*
	 * "countries with more than 2 orders": of one customer, or of all that are there? "countries of customers with more
	 * than 2 orders" are those of one.
	 */
	bool const of_each =
		draft.subject && draft.subject.table->verb.empty() &&
		std::none_of(draft.shown.begin(), draft.shown.end(), [](const Noun &noun) { return noun.table != nullptr; });
	if (draft.distinct && !of_each &&
	    std::any_of(query.related.begin(), query.related.end(),
	                [](const Related &related) { return related.op != Op::present && related.op != Op::missing; }))
		throw Refusal{"it is not clear of what rows so many are counted"};
	if (draft.ranking)
		rank_rows();
}

void
Builder::summed()
{
	DraftMeasure const measure{Function::sum, draft.shown[0], false};
	Ref const column = measured_column(measure);
	auto const &words = lexicon.facts(column).words;
	if (std::none_of(words.begin(), words.end(), [](const std::string &word) { return adds_up(word); }))
		throw Refusal{"it is not told whether the total or the average " + draft.shown[0].column->text + " is meant"};
	binder.begin(column.table);
	group(draft.groups);
	query.measures.push_back(bound(measure));
	clauses();
}

bool
Builder::adds_up(const Ref &column) const
{
	auto const &facts = lexicon.facts(column);
	if ((!facts.unit.empty() && facts.unit != "year" && facts.unit != "percent") ||
	    std::any_of(facts.words.begin(), facts.words.end(), [](const std::string &word) { return adds_up(word); }))
		return true;
	return facts.foreign_key < 0 &&
	       std::none_of(facts.words.begin(), facts.words.end(), [](const std::string &word) { return is_level(word); });
}

/* Of each row its own: the sum of ratings or heights is the rating or height of nothing. */
bool
Builder::is_level(std::string_view word)
{
	constexpr std::string_view levels[] = {
		"age",        "altitude",  "average",  "avg",       "code",  "degree",   "density", "depth",
		"elevation",  "frequency", "grade",    "height",    "index", "latitude", "length",  "level",
		"lat",        "lng",       "lon",      "longitude", "mean",  "median",   "percent", "percentage",
		"percentile", "position",  "postcode", "pressure",  "price", "priority", "rank",    "ranking",
		"rate",       "rating",    "ratio",    "salary",    "score", "size",     "speed",   "temperature",
		"version",    "width",     "year",     "zip"};
	return std::find(std::begin(levels), std::end(levels), word) != std::end(levels);
}

bool
Builder::adds_up(std::string_view word)
{
	return word == "quantity" || word == "amount" || word == "total" || word == "revenue" || word == "sale" ||
	       word == "turnover" || word == "budget" || word == "stock" || word == "hour" || word == "fee" ||
	       word == "cost";
}

void
Builder::listed_column()
{
	throw Refusal{"there is no telling what \"" + draft.subject.column->text + "\" is ranked by"};
}

void
Builder::show_row_with_columns()
{
	if (draft.shown.empty() || !lexicon.facts(query.base).names.empty())
		return show_row(query.base, {}, false);
	for (auto const &key : lexicon.table(query.base).primary_key)
		for (int i = 0; i < static_cast<int>(lexicon.table(query.base).columns.size()); ++i)
			if (lexicon.table(query.base).columns[static_cast<std::size_t>(i)].name == key)
				show({{}, {query.base, i, -1, Tier::exact}});
}

void
Builder::show_column(const Noun &noun)
{
	/* "names" are whatever people call a row by. */
	if (singular(fold(noun.column->text)) == "name" && !lexicon.facts(query.base).names.empty()) {
		for (int const name : lexicon.facts(query.base).names)
			show({{}, {query.base, name, -1, Tier::exact}});
		return;
	}
	show(binder.place(columns_of(lexicon, noun), noun.column->text));
}

int
Builder::table_of_shown() const
{
	std::vector<int> tables;
	for (auto const &ref : best_tier(columns_of(lexicon, draft.shown[0])))
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

void
Builder::rank_rows()
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

void
Builder::rank_by_column(const Place &place)
{
	require(place);
	query.order.push_back({-1, -1, place, draft.ranking->descending});
	query.limit = draft.ranking->rows;
}

void
Builder::rank_by_time(const Ranking &ranking)
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

void
Builder::order()
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

void
Builder::order_by_measure()
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

Place
Builder::order_column()
{
	bool const names = draft.order->noun.table == nullptr && singular(fold(draft.order->noun.column->text)) == "name" &&
	                   query.measures.empty() && lexicon.facts(query.base).names.size() == 1;
	Place const place = names ? Place{{}, {query.base, lexicon.facts(query.base).names[0], -1, Tier::exact}}
	                          : binder.place(columns_of(lexicon, draft.order->noun), draft.order->noun.column->text);
	if (query.measures.empty() && !query.distinct)
		show(place);
	else if (std::none_of(query.shown.begin(), query.shown.end(),
	                      [&](const Shown &shown) { return shown.place.ref == place.ref; }))
		throw Refusal{"\"" + draft.order->noun.column->text + "\" is not one value for each group"};
	return place;
}

} // namespace tenancy::ask
