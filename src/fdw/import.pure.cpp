/*
 * What all engines share of reading a schema, and the statements that it becomes. Pure regime.
 */
#include "fdw/import.pure.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "remote/text.hpp"

namespace tenancy::fdw {

namespace {

namespace pgtype = core::pgtype;
using core::Error;
using core::FailureKind;

/* A client database says itself how much it has; the local catalogs are everybody's. */
constexpr std::size_t most_tables = 10'000;
constexpr std::size_t most_columns_in_all = 500'000;
constexpr std::size_t most_bytes = 64 << 20;
constexpr std::size_t most_columns = 1600; /* MaxHeapAttributeNumber */
/* Options of a column are in its row of pg_attribute, which must fit a page. */
constexpr std::size_t most_remote_name_bytes = 1024;
constexpr std::size_t most_native_type_bytes = 1024;
constexpr std::size_t most_wanted_names = 500;
constexpr std::size_t most_warnings = 100;
constexpr int most_tries = 16;

constexpr const char *reserved_columns[] = {"tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"};

std::uint64_t
hash_of(std::string_view text) noexcept
{
	std::uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	for (char const c : text)
		hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
	return hash;
}

/*
 * The beginning of name and a hash of all of it: within a name's length, and not among the taken ones. Honest names
 * need one try; a server that makes names with equal hashes would have us compare each with all.
 */
std::string
shortened(std::string_view name, const std::set<std::string> &taken)
{
	constexpr char digits[] = "0123456789abcdef";
	constexpr std::size_t hash_digits = 8;
	std::size_t end = 0;
	while (end < name.size()) {
		std::size_t const next = end + std::max<std::size_t>(remote::utf8_sequence(name.substr(end)), 1);
		if (next > most_name_bytes - hash_digits - 1)
			break;
		end = next;
	}
	std::uint64_t hash = hash_of(name);
	for (int tries = 0; tries < most_tries; ++tries, hash = hash * 0x100000001b3 + 1) {
		std::string result(name.substr(0, end));
		result += '_';
		for (std::size_t i = 0; i < hash_digits; ++i)
			result += digits[hash >> (60 - 4 * i) & 15];
		if (!taken.contains(result))
			return result;
	}
	throw Error(FailureKind::query, "54000", "too many names of the schema look alike",
	            "They are longer than PostgreSQL's names can be, and cannot be told apart when they are cut.");
}

bool
is_shortened(std::string_view name) noexcept
{
	if (name.size() < 9 || name[name.size() - 9] != '_')
		return false;
	return name.substr(name.size() - 8).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/* Names that PostgreSQL can have stay as they are; then the others find a place among them. */
template <typename Named, typename IsReserved>
void
choose_local_names(std::vector<Named> &items, IsReserved is_reserved)
{
	std::set<std::string> taken;
	for (Named &item : items)
		if (!item.name.empty() && item.name.size() <= most_name_bytes && !is_reserved(item.name) &&
		    taken.insert(item.name).second)
			item.local_name = item.name;
	for (Named &item : items)
		if (item.local_name.empty())
			taken.insert(item.local_name = shortened(item.name, taken));
}

} // namespace

std::string_view
catalog_statement(remote::DatabaseType type) noexcept
{
	switch (type) {
	case remote::DatabaseType::postgresql: return postgres_catalog_statement;
	case remote::DatabaseType::mysql: return mysql_catalog_statement;
	case remote::DatabaseType::sqlite: break;
	}
	return sqlite_catalog_statement;
}

void
ImportRequest::add(std::string_view name)
{
	if (names.size() == most_tables)
		throw Error(FailureKind::query, "54000",
		            "more than " + std::to_string(most_tables) + " names of tables are given");
	names.emplace_back(name);
}

void
SchemaRoom::take_column()
{
	if (++columns_ > most_columns_in_all)
		throw Error(FailureKind::query, "54000",
		            "the tables of the schema have more than " + std::to_string(most_columns_in_all) + " columns", {},
		            "Name the tables that are needed.");
}

void
SchemaRoom::take_bytes(std::size_t bytes, const char *whose, const char *kind)
{
	bytes_ += bytes;
	if (bytes_ > most_bytes)
		throw Error(FailureKind::query, "54000",
		            std::string("the ") + whose + " of the schema have more than " + std::to_string(most_bytes) +
		                " bytes of " + kind,
		            {}, "Name the tables that are needed.");
}

void
SchemaBuilder::warn(std::string text)
{
	if (schema.warnings.size() < most_warnings)
		schema.warnings.push_back(std::move(text));
}

bool
SchemaBuilder::wants_table(const std::string &name) const
{
	/* The local name that finish() will most likely choose. */
	std::string const local = name.empty() || name.size() > most_name_bytes ? shortened(name, {}) : name;
	bool const named = named_.contains(name) || named_.contains(local);
	switch (request_.which) {
	case ImportRequest::Which::listed: return named;
	case ImportRequest::Which::others: return !named;
	case ImportRequest::Which::all: break;
	}
	return true;
}

bool
SchemaBuilder::takes_table(const std::string &name)
{
	if (!wants_table(name))
		return false;
	if (name.size() > most_remote_name_bytes)
		warn("a table is left out: its name is too long");
	return name.size() <= most_remote_name_bytes;
}

void
SchemaBuilder::require_room(std::size_t tables)
{
	if (tables > most_tables)
		throw Error(FailureKind::query, "54000", "the schema has more than " + std::to_string(most_tables) + " tables",
		            {}, "Name the tables that are needed.");
}

ImportedTable *
SchemaBuilder::table(std::string name)
{
	if (!schema.tables.empty() && schema.tables.back().name == name)
		return &schema.tables.back();
	if (!takes_table(name))
		return nullptr;
	if (!table_names_.insert(name).second) {
		warn("a table is left out: there is another one named \"" + name + "\"");
		return nullptr;
	}
	require_room(schema.tables.size() + 1);
	column_names_.clear();
	ImportedTable &table = schema.tables.emplace_back();
	table.name = std::move(name);
	return &table;
}

void
SchemaBuilder::column(ImportedTable &table, ImportedColumn column)
{
	room_.take_column();
	if (column.name.size() > most_remote_name_bytes) {
		warn("a column of table \"" + table.name + "\" is left out: its name is too long");
		return;
	}
	if (!column_names_.insert(column.name).second) {
		warn("a column of table \"" + table.name + "\" is left out: it has another one named \"" + column.name + "\"");
		return;
	}
	if (table.columns.size() == most_columns) {
		if (!table.cut)
			warn("table \"" + table.name + "\" has more than " + std::to_string(most_columns) +
			     " columns: the others are left out");
		table.cut = true;
		return;
	}
	if (type_word(column.type_oid) == nullptr) {
		column.type_oid = pgtype::text;
		column.typmod = -1;
	}
	column.typmod = pgtype::believable_typmod(modified_type(column.type_oid), column.typmod);
	if (column.native_type.size() > most_native_type_bytes)
		column.native_type.erase(std::min(column.native_type.find('('), std::size_t{63}));
	if (column.collation && column.collation->size() > most_name_bytes)
		column.collation = "unknown";
	column.not_null = column.not_null && options().not_null;
	column.generated = column.generated && options().generated;
	room_.take_bytes(column.name.size() + column.native_type.size(), "columns", "names and types");
	table.columns.push_back(std::move(column));
}

void
SchemaBuilder::set_encoding(std::string name)
{
	if (name.size() <= most_name_bytes)
		schema.encoding = std::move(name);
}

std::vector<std::string>
SchemaBuilder::wanted_names() const
{
	auto const &names = request_.names;
	auto const maybe_local = [](const std::string &name) {
		return name.size() >= most_name_bytes || is_shortened(name);
	};
	if (request_.which != ImportRequest::Which::listed || names.size() > most_wanted_names ||
	    std::ranges::any_of(names, maybe_local))
		return {};
	return names;
}

std::string
SchemaBuilder::placeholders(std::size_t count, std::size_t first, bool numbered)
{
	std::string text;
	for (std::size_t i = 0; i < count; ++i)
		text += (i == 0 ? "" : ", ") + (numbered ? "$" + std::to_string(first + i) : std::string("?"));
	return text;
}

void
SchemaBuilder::finish()
{
	std::ranges::sort(schema.tables, {}, &ImportedTable::name);
	choose_local_names(schema.tables, [](const std::string &) { return false; });
	for (ImportedTable &table : schema.tables)
		choose_local_names(table.columns, [](const std::string &name) {
			return std::ranges::find(reserved_columns, name) != std::end(reserved_columns);
		});
}

const std::string *
missing_name(const ImportRequest &request, const ImportedSchema &schema)
{
	std::set<std::string_view> present;
	for (const ImportedTable &table : schema.tables)
		present.insert({table.name, table.local_name});
	auto const missing =
		std::ranges::find_if(request.names, [&](const std::string &name) { return !present.contains(name); });
	return missing == request.names.end() ? nullptr : &*missing;
}

ImportedSchema
read_schema(remote::Session &session, remote::DatabaseType type, const ImportRequest &request,
            const remote::RunOptions &run, core::Waiter &waiter)
{
	CatalogQuery query(session, run, waiter);
	SchemaBuilder builder(request);
	switch (type) {
	case remote::DatabaseType::postgresql: read_postgres_schema(query, request, builder); break;
	case remote::DatabaseType::mysql: read_mysql_schema(query, request, builder); break;
	case remote::DatabaseType::sqlite: read_sqlite_schema(query, request, builder); break;
	}
	builder.finish();
	return std::move(builder.schema);
}

} // namespace tenancy::fdw
