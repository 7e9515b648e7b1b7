/*
 * See compare.pure.hpp. Pure regime.
 */
#include "catalog/compare.pure.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "core/json.hpp"

namespace tenancy::catalog {

namespace {

constexpr std::size_t most_changes = 1000;

std::string
joined(const std::vector<std::string> &names)
{
	std::string text;
	for (const std::string &name : names)
		text += (&name == &names.front() ? "" : ", ") + name;
	return text;
}

std::string
described(const ForeignKey &key)
{
	return joined(key.columns) + " -> " + key.schema + "." + key.table + "(" + joined(key.referenced_columns) + ")";
}

std::string
described(const Index &index)
{
	return (index.unique ? "unique (" : "(") + joined(index.columns) + ")";
}

/* Keys and indexes by their names, several of one name as one text. */
template <typename Item>
std::map<std::string, std::string>
by_name(const std::vector<Item> &items)
{
	std::map<std::string, std::string> texts;
	for (const Item &item : items) {
		std::string &text = texts[item.name];
		text += (text.empty() ? "" : "; ") + described(item);
	}
	return texts;
}

class Comparison {
public:
	std::vector<Change> changes;

	void tables(const Schema &before, const Schema &after)
	{
		auto const place = [](const Table &table) { return std::tie(table.schema, table.name); };
		auto old = before.tables.begin(), now = after.tables.begin();
		while (old != before.tables.end() || now != after.tables.end()) {
			bool const dropped = now == after.tables.end() || (old != before.tables.end() && place(*old) < place(*now));
			if (dropped)
				add("dropped", *old++, {}, "table");
			else if (old == before.tables.end() || place(*now) < place(*old))
				add("added", *now++, {}, "table");
			else
				table(*old++, *now++);
		}
	}

private:
	using Text = std::optional<std::string>;

	void add(const char *change, const Table &table, Text column, const char *what, Text before = {}, Text after = {})
	{
		changes.push_back(
			{change, table.schema, table.name, std::move(column), what, std::move(before), std::move(after)});
	}

	void fact(const Table &table, const Text &column, const char *what, const Text &before, const Text &after)
	{
		if (before != after)
			add("changed", table, column, what, before, after);
	}

	void flag(const Table &table, const Text &column, const char *what, bool before, bool after)
	{
		if (before != after)
			add("changed", table, column, what, before ? "true" : "false", after ? "true" : "false");
	}

	void column(const Table &table, const Column &before, const Column &now)
	{
		fact(table, now.name, "type", before.type, now.type);
		fact(table, now.name, "native_type", before.native_type, now.native_type);
		flag(table, now.name, "nullable", before.nullable, now.nullable);
		flag(table, now.name, "generated", before.generated, now.generated);
		fact(table, now.name, "default", before.default_value, now.default_value);
		fact(table, now.name, "comment", before.comment, now.comment);
	}

	void columns(const Table &before, const Table &now)
	{
		std::map<std::string_view, const Column *> old;
		for (const Column &known : before.columns)
			old.emplace(known.name, &known);
		for (const Column &fresh : now.columns) {
			auto const found = old.find(fresh.name);
			if (found == old.end()) {
				add("added", now, fresh.name, "column");
				continue;
			}
			column(now, *found->second, fresh);
			old.erase(found);
		}
		for (const Column &known : before.columns)
			if (old.contains(known.name))
				add("dropped", now, known.name, "column");
	}

	template <typename Item>
	void named(const Table &table, const char *what, const std::vector<Item> &before, const std::vector<Item> &after)
	{
		std::map<std::string, std::string> old = by_name(before);
		for (auto const &[name, text] : by_name(after)) {
			auto const found = old.find(name);
			if (found == old.end())
				add("added", table, {}, what, {}, name + ": " + text);
			else if (found->second != text)
				add("changed", table, {}, what, name + ": " + found->second, name + ": " + text);
			old.erase(name);
		}
		for (auto const &[name, text] : old)
			add("dropped", table, {}, what, name + ": " + text);
	}

	void table(const Table &before, const Table &now)
	{
		fact(now, {}, "kind", before.kind, now.kind);
		fact(now, {}, "comment", before.comment, now.comment);
		columns(before, now);
		fact(now, {}, "primary_key", joined(before.primary_key), joined(now.primary_key));
		named(now, "foreign_key", before.foreign_keys, now.foreign_keys);
		named(now, "index", before.indexes, now.indexes);
	}
};

void
append_member(std::string &out, const char *name, const std::optional<std::string> &text)
{
	out += ",\"";
	out += name;
	out += "\":";
	if (text)
		core::json::append_string(out, *text);
	else
		out += "null";
}

/* Of items those that are alike(item, the original in its place). */
template <typename Item, typename Alike>
void
keep_alike(std::vector<Item> &items, const std::vector<Item> &originals, Alike alike)
{
	std::size_t place = 0;
	std::erase_if(items, [&](Item &item) { return !alike(item, originals[place++]); });
}

bool
keep_names(Column &column, const Column &original)
{
	keep_alike(column.values, original.values, std::equal_to());
	return column.name == original.name;
}

bool
keep_names(Table &table, const Table &original)
{
	keep_alike(table.columns, original.columns,
	           [](Column &column, const Column &its) { return keep_names(column, its); });
	keep_alike(table.foreign_keys, original.foreign_keys, std::equal_to());
	keep_alike(table.indexes, original.indexes, std::equal_to());
	if (table.primary_key != original.primary_key)
		table.primary_key.clear();
	return table.schema == original.schema && table.name == original.name;
}

} // namespace

Schema
without_other_names(Schema changed, const Schema &original)
{
	keep_alike(changed.tables, original.tables, [](Table &table, const Table &its) { return keep_names(table, its); });
	return changed;
}

std::vector<Change>
changes_between(const Schema &before, const Schema &after)
{
	Comparison comparison;
	comparison.tables(before, after);
	return std::move(comparison.changes);
}

std::string
changes_json(const std::vector<Change> &changes)
{
	std::string out = "[";
	for (std::size_t i = 0; i < changes.size() && i < most_changes; ++i) {
		const Change &change = changes[i];
		out += i == 0 ? "{\"change\":\"" : ",{\"change\":\"";
		out += change.change;
		out += '"';
		append_member(out, "schema", change.schema);
		append_member(out, "table", change.table);
		append_member(out, "column", change.column);
		append_member(out, "what", change.what);
		append_member(out, "before", change.before);
		append_member(out, "after", change.after);
		out += '}';
	}
	return out += ']';
}

std::string
document_of(const Schema &schema, std::int64_t version, std::string_view detected_at, std::string_view changes)
{
	std::string document = to_json(schema);
	document.pop_back();
	document += ",\"version\":";
	core::json::append_integer(document, version);
	document += ",\"detected_at\":";
	core::json::append_string(document, detected_at);
	document += ",\"changes\":";
	document += changes;
	return document += '}';
}

} // namespace tenancy::catalog
