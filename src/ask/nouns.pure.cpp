/*
 * What nouns stand for: tables named in passing, columns by name or by meaning. Pure regime.
 */
#include <algorithm>

#include "ask/conditions.pure.hpp"
#include "ask/thesaurus.pure.hpp"

namespace tenancy::ask {

void
add_table(const Lexicon &lexicon, Binder &binder, Query &query, const Clause &clause, const Hints &hints)
{
	int const table = table_of(lexicon, *clause.table, clause.act);
	for (auto const &ref : clause.act ? clause.table->acts : clause.table->tables)
		if (ref.table == query.base && clause.what == Clause::What::mention)
			return;
	if (table < 0)
		throw Refusal{"\"" + clause.table->text + "\" may mean more than one table"};
	if (clause.what == Clause::What::mention && binder.names(table, clause.several))
		return;
	auto const path = climb(lexicon, query.base, table, hints);
	if (!clause.apart && table != query.base && binder.leads_on(table, clause))
		return;
	if (!path || path->empty())
		return binder.relate(table, clause.op, clause.count);
	if (clause.what == Clause::What::mention || (clause.op == Op::present && !clause.limits.empty()))
		return binder.enter(table, *path, clause.several);
	if ((clause.op != Op::missing && clause.op != Op::present) || path->size() != 1 ||
	    path->front().key->columns.size() != 1)
		throw Refusal{"each row of " + lexicon.table(query.base).name + " has at most one of \"" + clause.table->text +
		              "\""};
	auto const &columns = lexicon.table(query.base).columns;
	for (int i = 0; i < static_cast<int>(columns.size()); ++i)
		if (columns[static_cast<std::size_t>(i)].name == path->front().key->columns[0]) {
			Filter filter;
			filter.op = clause.op;
			binder.add(filter, {0, {}, {query.base, i, -1, Tier::exact}});
		}
	if (clause.op == Op::present)
		binder.enter(table, *path, clause.several);
}

Refs
columns_of(const Lexicon &lexicon, const Noun &noun)
{
	if (noun.column == nullptr)
		return {};
	Refs columns = noun.column->columns;
	if (columns.empty() && !noun.column->measure.empty()) {
		if (noun.table != nullptr && noun.table->tables.size() == 1)
			return measured_columns(lexicon, noun.column->measure, noun.table->tables[0].table);
		columns = measured_columns(lexicon, noun.column->measure, -1);
	}
	if (noun.table != nullptr) {
		Refs of;
		for (auto const &ref : columns) {
			lexicon.breathe();
			for (auto const &table : noun.table->tables)
				if (ref.table == table.table)
					of.push_back(ref);
		}
		if (!of.empty())
			return of;
	}
	return columns;
}

Refs
measured_columns(const Lexicon &lexicon, std::string_view measure, int table)
{
	int const first = table < 0 ? 0 : table;
	int const last = table < 0 ? static_cast<int>(lexicon.schema().tables.size()) : table + 1;
	for (std::string_view const word : words_of_measure(measure)) {
		Refs found;
		for (int t = first; t < last; ++t)
			for (auto const &ref : lexicon.columns_of(t, Kind::number)) {
				auto const &words = lexicon.facts(ref).words;
				bool const unit_price = measure == "revenue" && words.size() > 1 && words[0] == "unit";
				if (std::find(words.begin(), words.end(), word) != words.end() && !unit_price)
					found.push_back(ref);
			}
		if (!found.empty())
			return found;
	}
	return {};
}

} // namespace tenancy::ask
