/*
 * See names.pure.hpp. Pure regime.
 */
#include "catalog/names.pure.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include "catalog/rows.pure.hpp"
#include "core/error.hpp"

namespace tenancy::catalog {

namespace {

using core::Error;
using core::FailureKind;

/* Of names that are compared by distance. */
constexpr std::size_t most_compared = 64;
constexpr std::size_t most_suggested = 3;

struct Parts {
	std::optional<std::string> schema;
	std::string name;
};

/* The next part of a dotted name; nothing when the text is none. */
std::optional<std::string>
take_part(std::string_view &rest)
{
	std::string part;
	if (rest.empty())
		return std::nullopt;
	char const quote = rest.front();
	if (quote != '"' && quote != '`') {
		std::size_t const end = std::min(rest.find('.'), rest.size());
		part = rest.substr(0, end);
		rest.remove_prefix(end);
		return part;
	}
	for (std::size_t i = 1; i < rest.size(); ++i) {
		if (rest[i] == quote) {
			if (i + 1 >= rest.size() || rest[i + 1] != quote) {
				rest.remove_prefix(i + 1);
				return part;
			}
			++i;
		}
		part += rest[i];
	}
	return std::nullopt;
}

std::optional<Parts>
split(std::string_view text)
{
	std::optional<std::string> const first = take_part(text);
	if (!first)
		return std::nullopt;
	if (text.empty())
		return Parts{std::nullopt, *first};
	if (text.front() != '.')
		return std::nullopt;
	text.remove_prefix(1);
	std::optional<std::string> const second = take_part(text);
	if (!second || !text.empty())
		return std::nullopt;
	return Parts{*first, *second};
}

/* The one table that fits; of several, the one of the default schema. */
template <typename Fits>
const Table *
only(const Schema &schema, std::string_view text, Fits fits)
{
	const Table *found = nullptr;
	bool several = false;
	for (const Table &table : schema.tables) {
		if (!fits(table))
			continue;
		if (table.schema == schema.default_schema && (found == nullptr || found->schema != schema.default_schema)) {
			found = &table;
			several = false;
		} else if (found == nullptr)
			found = &table;
		else
			several = several || (found->schema == schema.default_schema) == (table.schema == schema.default_schema);
	}
	if (several)
		throw Error(FailureKind::query, "42P09", "table name \"" + std::string(text) + "\" is not unique", {},
		            "Qualify it with its schema, or write it in the case of its letters.");
	return found;
}

/* Levenshtein's, of bytes. */
std::size_t
distance(std::string_view a, std::string_view b)
{
	std::size_t row[most_compared + 1];
	std::iota(row, row + b.size() + 1, std::size_t{0});
	for (std::size_t i = 0; i < a.size(); ++i) {
		std::size_t corner = row[0];
		row[0] = i + 1;
		for (std::size_t j = 0; j < b.size(); ++j) {
			std::size_t const changed = corner + (a[i] != b[j]);
			corner = row[j + 1];
			row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
		}
	}
	return row[b.size()];
}

/* How far a table is from what was meant; nothing when it is too far to be that. */
std::optional<std::size_t>
distance_to(const Table &table, const std::string &lower)
{
	std::string const name = lower_ascii(table.name);
	if (name.size() > most_compared || lower.size() > most_compared || lower.empty())
		return std::nullopt;
	std::size_t const edits = distance(name, lower);
	std::size_t const shorter = std::min(name.size(), lower.size());
	bool const part = shorter >= 3 && (name.find(lower) != std::string::npos || lower.find(name) != std::string::npos);
	if (!part && edits > std::max<std::size_t>(1, shorter / 3))
		return std::nullopt;
	return edits;
}

std::string
shown(const Schema &schema, const Table &table)
{
	return table.schema == schema.default_schema ? "\"" + table.name + "\""
	                                             : "\"" + table.schema + "." + table.name + "\"";
}

std::string
suggestions(const Schema &schema, std::string_view text)
{
	std::optional<Parts> const parts = split(text);
	std::string const lower = lower_ascii(parts ? parts->name : text);
	std::vector<std::pair<std::size_t, const Table *>> close;
	for (const Table &table : schema.tables)
		if (auto const far = distance_to(table, lower))
			close.emplace_back(*far, &table);
	std::ranges::stable_sort(close, {}, &std::pair<std::size_t, const Table *>::first);
	std::string list;
	for (std::size_t i = 0; i < close.size() && i < most_suggested; ++i)
		list += (i == 0 ? "" : ", ") + shown(schema, *close[i].second);
	return list;
}

} // namespace

std::string
quoted(std::string_view name, remote::DatabaseType engine)
{
	char const quote = engine == remote::DatabaseType::mysql ? '`' : '"';
	std::string text(1, quote);
	for (char const c : name)
		text.append(c == quote ? 2 : 1, c);
	return text += quote;
}

std::string
qualified(std::string_view schema, std::string_view name, remote::DatabaseType engine)
{
	return quoted(schema, engine) + "." + quoted(name, engine);
}

const Table *
find_table(const Schema &schema, std::string_view text)
{
	if (const Table *const whole = only(schema, text, [&](const Table &table) { return table.name == text; }))
		return whole;
	std::optional<Parts> const parts = split(text);
	if (!parts)
		return nullptr;
	auto const same = [&](const Table &table) {
		return table.name == parts->name && (!parts->schema || table.schema == *parts->schema);
	};
	if (const Table *const exact = only(schema, text, same))
		return exact;
	std::string const lower_name = lower_ascii(parts->name), lower_schema = lower_ascii(parts->schema.value_or(""));
	return only(schema, text, [&](const Table &table) {
		return lower_ascii(table.name) == lower_name && (!parts->schema || lower_ascii(table.schema) == lower_schema);
	});
}

void
refuse_table(const Schema &schema, std::string_view text)
{
	std::string const close = suggestions(schema, text);
	throw Error(
		FailureKind::query, "42P01", "table \"" + std::string(text) + "\" does not exist in the client database", {},
		close.empty() ? "tenancy.tables() lists the tables of a connection." : "Close names are: " + close + ".");
}

std::string
sample_statement(const Schema &schema, const Table &table, int rows)
{
	std::string sql = "SELECT ";
	for (const Column &column : table.columns)
		sql += (&column == &table.columns.front() ? "" : ", ") + quoted(column.name, schema.engine);
	return sql + (table.columns.empty() ? "*" : "") + " FROM " + qualified(table.schema, table.name, schema.engine) +
	       " LIMIT " + std::to_string(rows);
}

} // namespace tenancy::catalog
