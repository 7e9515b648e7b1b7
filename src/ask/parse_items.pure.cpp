/*
 * What the item is at which the reading of a question stands. Pure regime.
 */
#include "ask/parse.pure.hpp"

#include <algorithm>

#include "ask/conditions.pure.hpp"

namespace tenancy::ask {

bool
Grammar::accept(Key key)
{
	if (!is(key))
		return false;
	++at;
	return true;
}

void
Grammar::refuse() const
{
	throw Refusal{more() ? "there is no place for \"" + here().text + "\"" : std::string("the question breaks off")};
}

bool
Grammar::is_column_of(const Item &column, const Item &table) const
{
	if (column.columns.empty() && !column.measure.empty() && table.tables.size() == 1)
		return !measured_columns(lexicon, column.measure, table.tables[0].table).empty();
	return std::any_of(column.columns.begin(), column.columns.end(), [&](const Ref &ref) {
		return std::any_of(table.tables.begin(), table.tables.end(), [&](const Ref &of) {
			Kind const kind = lexicon.facts(ref).kind;
			bool const verb = ref.tier != Tier::exact && (kind == Kind::date || kind == Kind::moment);
			return of.table == ref.table && !verb && kind != Kind::boolean;
		});
	});
}

bool
Grammar::has_exact(const Refs &refs)
{
	return std::any_of(refs.begin(), refs.end(), [](const Ref &ref) { return ref.tier == Tier::exact; });
}

bool
Grammar::is_column(std::size_t ahead) const
{
	return at + ahead < items.size() && (!items[at + ahead].columns.empty() ||
	                                     (items[at + ahead].key == Key::thing && !items[at + ahead].measure.empty()));
}

bool
Grammar::is_value(std::size_t ahead) const
{
	return at + ahead < items.size() && (items[at + ahead].key == Key::literal ||
	                                     (items[at + ahead].key == Key::thing && !items[at + ahead].values.empty()));
}

bool
Grammar::rather_column(const Item &item)
{
	return !item.columns.empty() && (item.tables.empty() || (has_exact(item.columns) && !has_exact(item.tables)));
}

bool
Grammar::is_verb_only(const Item &item) const
{
	return std::all_of(item.columns.begin(), item.columns.end(), [this](const Ref &ref) {
		Kind const kind = lexicon.facts(ref).kind;
		return ref.tier != Tier::exact && (kind == Kind::date || kind == Kind::moment);
	});
}

/* "customer orders" are orders, where each of them has a customer. */
bool
Grammar::is_owner() const
{
	if (!is_plain_table() || !is_table(1) || here().tables.size() != 1 || here().plural || here().possessive ||
	    here().comma)
		return false;
	const Item &owned = items[at + 1];
	if (!owned.joined || !owned.before.empty() || owned.tables.size() != 1 || rather_column(owned))
		return false;
	auto const path = climb(lexicon, owned.tables[0].table, here().tables[0].table, {});
	return path && !path->empty() && std::none_of(path->begin(), path->end(), [this](const Step &step) {
			   auto const &columns = lexicon.table(step.from).columns;
			   return std::any_of(columns.begin(), columns.end(), [&](const catalog::Column &column) {
				   return column.nullable && std::find(step.key->columns.begin(), step.key->columns.end(),
			                                           column.name) != step.key->columns.end();
			   });
		   });
}

Noun
Grammar::noun(bool want_column)
{
	if (!is(Key::thing) && !is_column())
		return {};
	at += is_owner() ? 1 : 0;
	const Item &item = here();
	if (is_table() && is_column(1) && (is(Key::thing, 1) || is(Key::function, 1)) && items[at + 1].before.empty() &&
	    is_column_of(items[at + 1], item) && !item.comma && !is_column_before_number(1)) {
		at += 2;
		return {&item, &items[at - 1]};
	}
	bool const column = is_column() && ((want_column && !(has_exact(item.tables) && !has_exact(item.columns))) ||
	                                    rather_column(item) || item.tables.empty());
	if (!column && !is_table())
		return {};
	++at;
	return column ? Noun{nullptr, &item} : Noun{&item, nullptr};
}

} // namespace tenancy::ask
