/*
 * What the readers of all engines share: see Collector in read.pure.hpp. Pure regime.
 */
#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "catalog/read.pure.hpp"
#include "core/error.hpp"
#include "remote/text.hpp"

namespace tenancy::catalog {

namespace {

using core::Error;
using core::FailureKind;

/* A client database says itself how much it has; the document has to fit into one value. */
constexpr std::size_t most_tables = 50'000;
constexpr std::size_t most_columns = 200'000;
constexpr std::size_t most_bytes = 32 << 20;
constexpr std::size_t most_table_columns = 5000;
constexpr std::size_t most_keys = 1000; /* of a table, and as many indexes */
constexpr std::size_t most_key_columns = 100;
constexpr std::size_t most_key_columns_in_all = 500'000; /* short names make many of them in few bytes */
constexpr std::size_t most_name_bytes = 1024;
constexpr std::size_t most_note_bytes = 1000;

bool
is_name(std::string_view text) noexcept
{
	return !text.empty() && text.size() <= most_name_bytes && text.find('\0') == std::string_view::npos &&
	       remote::is_utf8(text);
}

[[noreturn]] void
refuse(std::size_t most, const char *what)
{
	throw Error(FailureKind::query, "54000", "the client database has more than " + std::to_string(most) + " " + what,
	            "So much is not read into its schema.", "Connect with a user who may read fewer tables.");
}

/* The columns of tables by their names, collected when they are first asked for. */
class Spellings {
public:
	/* The column's own spelling of a name, which may be another one's in other letters; null when there is none. */
	const std::string *operator()(const Table &table, const std::string &name)
	{
		auto const [place, fresh] = tables_.try_emplace(&table);
		auto &[exact, lower] = place->second;
		if (fresh)
			for (const Column &column : table.columns)
				exact.emplace(column.name, &column.name);
		if (auto const found = exact.find(name); found != exact.end())
			return found->second;
		if (lower.empty())
			for (const Column &column : table.columns)
				lower.emplace(lower_ascii(column.name), &column.name);
		auto const found = lower.find(lower_ascii(name));
		return found == lower.end() ? nullptr : found->second;
	}

private:
	struct Names {
		std::unordered_map<std::string_view, const std::string *> exact;
		std::unordered_map<std::string, const std::string *> lower;
	};
	std::unordered_map<const Table *, Names> tables_;
};

bool
resolve(std::vector<std::string> &columns, const Table &table, Spellings &spellings)
{
	for (std::string &column : columns) {
		const std::string *const known = spellings(table, column);
		if (known == nullptr)
			return false;
		column = *known;
	}
	return !columns.empty();
}

} // namespace

std::string
Collector::cleaned(std::string_view text)
{
	constexpr std::string_view replacement = "\xef\xbf\xbd";
	std::string clean;
	while (!text.empty()) {
		std::size_t const length = text.front() == 0 ? 0 : remote::utf8_sequence(text);
		std::string_view const piece = length == 0 ? replacement : text.substr(0, length);
		if (clean.size() + piece.size() > most_note_bytes)
			return clean += "…";
		clean += piece;
		text.remove_prefix(std::max<std::size_t>(length, 1));
	}
	return clean;
}

std::optional<std::string>
Collector::note(const remote::Cell &cell)
{
	if (cell.kind == remote::CellKind::null)
		return std::nullopt;
	if (cell.kind == remote::CellKind::text || cell.kind == remote::CellKind::bytes)
		return cleaned(cell.view());
	return text_of(cell);
}

void
Collector::count(std::size_t bytes)
{
	bytes_ += bytes;
	if (bytes_ > most_bytes)
		refuse(most_bytes, "bytes of names, types and comments");
}

void
Collector::count_key_column(std::size_t bytes)
{
	if (++key_columns_ > most_key_columns_in_all)
		refuse(most_key_columns_in_all, "columns of keys and indexes");
	count(bytes);
}

Table *
Collector::add_table(std::string schema, std::string name, const char *kind)
{
	if (!is_name(schema) || !is_name(name))
		return nullptr;
	if (schema_.tables.size() == most_tables)
		refuse(most_tables, "tables");
	if (!places_.emplace(std::pair(schema, name), schema_.tables.size()).second)
		return nullptr;
	count(schema.size() + name.size());
	Table &table = schema_.tables.emplace_back();
	table.schema = std::move(schema);
	table.name = std::move(name);
	table.kind = kind;
	return &table;
}

Table *
Collector::find(const std::string &schema, const std::string &name)
{
	auto const place = places_.find({schema, name});
	return place == places_.end() ? nullptr : &schema_.tables[place->second];
}

void
Collector::add_column(Table &table, Column column)
{
	if (!is_name(column.name))
		return;
	if (++columns_ > most_columns)
		refuse(most_columns, "columns");
	if (table.columns.size() == most_table_columns)
		return;
	column.native_type = cleaned(column.native_type);
	count(column.name.size() + column.native_type.size() + (column.default_value ? column.default_value->size() : 0) +
	      (column.comment ? column.comment->size() : 0));
	table.columns.push_back(std::move(column));
}

void
Collector::add_key_column(Table &table, const std::string &name, ForeignKey to, const std::string &column,
                          const std::string &referenced_column)
{
	if (!is_name(to.schema) || !is_name(to.table) || !(to.name.empty() || is_name(to.name)))
		return;
	if (table.foreign_keys.empty() || last_key_ != name) {
		if (table.foreign_keys.size() == most_keys)
			return;
		count(to.schema.size() + to.table.size());
		table.foreign_keys.push_back(std::move(to));
		last_key_ = name;
	}
	ForeignKey &key = table.foreign_keys.back();
	if (key.columns.size() == most_key_columns)
		return;
	count_key_column(name.size() + column.size() + referenced_column.size());
	key.columns.push_back(column);
	if (!referenced_column.empty())
		key.referenced_columns.push_back(referenced_column);
}

void
Collector::add_primary_key_column(Table &table, const std::string &column)
{
	if (table.primary_key.size() == most_key_columns)
		return;
	count_key_column(column.size());
	table.primary_key.push_back(column);
}

void
Collector::add_index_column(Table &table, const std::string &name, bool unique, const std::string &column)
{
	if (table.indexes.empty() || table.indexes.back().name != name) {
		if (table.indexes.size() == most_keys)
			return;
		table.indexes.push_back({name, unique, {}});
	}
	std::vector<std::string> &columns = table.indexes.back().columns;
	if (columns.size() == most_key_columns)
		return;
	count_key_column(name.size() + column.size());
	columns.push_back(cleaned(column));
}

void
Collector::finish(core::Waiter &waiter)
{
	Spellings spellings;
	std::map<std::pair<std::string, std::string>, Table *> lower_names;
	for (Table &table : schema_.tables) {
		waiter.serve();
		lower_names.emplace(std::pair(table.schema, lower_ascii(table.name)), &table);
		if (!resolve(table.primary_key, table, spellings))
			table.primary_key.clear();
		std::erase_if(table.indexes, [](const Index &index) { return !is_name(index.name); });
		std::ranges::sort(table.indexes, {}, &Index::name);
	}
	auto const is_broken = [&](ForeignKey &key, const Table &table) {
		const Table *referenced = find(key.schema, key.table);
		if (referenced == nullptr) {
			auto const other = lower_names.find({key.schema, lower_ascii(key.table)});
			if (other == lower_names.end())
				return true;
			referenced = other->second;
			key.table = referenced->name;
		}
		if (key.referenced_columns.empty() && key.columns.size() == referenced->primary_key.size()) {
			key.referenced_columns = referenced->primary_key;
			for (const std::string &column : key.referenced_columns)
				count(column.size());
		}
		return key.columns.size() != key.referenced_columns.size() || !resolve(key.columns, table, spellings) ||
		       !resolve(key.referenced_columns, *referenced, spellings);
	};
	for (Table &table : schema_.tables) {
		waiter.serve();
		std::erase_if(table.foreign_keys, [&](ForeignKey &key) { return is_broken(key, table); });
		std::ranges::sort(table.foreign_keys, [](const ForeignKey &a, const ForeignKey &b) {
			return std::tie(a.name, a.columns, a.table) < std::tie(b.name, b.columns, b.table);
		});
	}
	std::ranges::sort(schema_.tables, [](const Table &a, const Table &b) {
		return std::tie(a.schema, a.name) < std::tie(b.schema, b.name);
	});
}

const char *
statement_of(remote::DatabaseType engine) noexcept
{
	switch (engine) {
	case remote::DatabaseType::postgresql: return postgres_statement;
	case remote::DatabaseType::mysql: return mysql_statement;
	case remote::DatabaseType::sqlite: break;
	}
	return sqlite_statement;
}

Schema
read_schema(remote::Session &session, const ReadRequest &request, const remote::RunOptions &run, core::Waiter &waiter)
{
	CatalogQuery query(session, run, waiter);
	Schema schema;
	Collector collector(schema);
	schema.engine = request.engine;
	schema.server_version = Collector::cleaned(session.server_version());
	switch (request.engine) {
	case remote::DatabaseType::postgresql: read_postgres(query, collector, schema); break;
	case remote::DatabaseType::mysql:
		read_mysql(query, request.database, collector);
		schema.default_schema = request.database;
		break;
	case remote::DatabaseType::sqlite:
		read_sqlite(query, collector);
		schema.default_schema = "main";
		break;
	}
	collector.finish(waiter);
	if (request.engine == remote::DatabaseType::sqlite)
		read_stored_numbers(query, schema);
	if (request.values)
		read_values(query, schema);
	return schema;
}

} // namespace tenancy::catalog
