/*
 * What all engines share of reading a schema, and the statements that it becomes. Pure regime.
 */
#include "fdw/import.pure.hpp"

#include <algorithm>
#include <set>

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
constexpr std::size_t most_columns = 1600; /* MaxHeapAttributeNumber */
/* Options of a column are in its row of pg_attribute, which must fit a page. */
constexpr std::size_t most_column_name_bytes = 1024;
constexpr std::size_t most_native_type_bytes = 1024;
constexpr std::size_t most_wanted_names = 500;

struct TypeWord {
	std::uint32_t oid;
	const char *word;
};

/* As pg_type names them: the spelling in quotes leaves "char" and bit(1) no chance.  */
constexpr TypeWord type_words[] = {
	{pgtype::boolean, "bool"},
	{pgtype::bytea, "bytea"},
	{18, "char"},
	{pgtype::name, "name"},
	{pgtype::int8, "int8"},
	{pgtype::int2, "int2"},
	{pgtype::int4, "int4"},
	{pgtype::text, "text"},
	{pgtype::oid, "oid"},
	{pgtype::json, "json"},
	{142, "xml"},
	{600, "point"},
	{601, "lseg"},
	{602, "path"},
	{603, "box"},
	{604, "polygon"},
	{628, "line"},
	{718, "circle"},
	{650, "cidr"},
	{pgtype::float4, "float4"},
	{pgtype::float8, "float8"},
	{774, "macaddr8"},
	{829, "macaddr"},
	{869, "inet"},
	{pgtype::bpchar, "bpchar"},
	{pgtype::varchar, "varchar"},
	{pgtype::date, "date"},
	{pgtype::time, "time"},
	{pgtype::timestamp, "timestamp"},
	{pgtype::timestamptz, "timestamptz"},
	{pgtype::interval, "interval"},
	{pgtype::timetz, "timetz"},
	{pgtype::bit, "bit"},
	{pgtype::varbit, "varbit"},
	{pgtype::numeric, "numeric"},
	{pgtype::uuid, "uuid"},
	{pgtype::jsonb, "jsonb"},
	{3220, "pg_lsn"},
	{3614, "tsvector"},
	{3615, "tsquery"},
	{3904, "int4range"},
	{3906, "numrange"},
	{3908, "tsrange"},
	{3910, "tstzrange"},
	{3912, "daterange"},
	{3926, "int8range"},
	{4072, "jsonpath"},
	{4451, "int4multirange"},
	{4532, "nummultirange"},
	{4533, "tsmultirange"},
	{4534, "tstzmultirange"},
	{4535, "datemultirange"},
	{4536, "int8multirange"},
	/* Arrays of the types that drivers know. */
	{1000, "_bool"},
	{1001, "_bytea"},
	{1003, "_name"},
	{1016, "_int8"},
	{1005, "_int2"},
	{1007, "_int4"},
	{1009, "_text"},
	{1028, "_oid"},
	{199, "_json"},
	{1021, "_float4"},
	{1022, "_float8"},
	{1014, "_bpchar"},
	{1015, "_varchar"},
	{1182, "_date"},
	{1183, "_time"},
	{1115, "_timestamp"},
	{1185, "_timestamptz"},
	{1187, "_interval"},
	{1270, "_timetz"},
	{1561, "_bit"},
	{1563, "_varbit"},
	{1231, "_numeric"},
	{2951, "_uuid"},
	{3807, "_jsonb"},
};

constexpr const char *byte_collation = " COLLATE pg_catalog.\"C\"";

constexpr const char *reserved_columns[] = {"tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"};

const char *
word_of(std::uint32_t oid) noexcept
{
	auto const found = std::ranges::find(type_words, oid, &TypeWord::oid);
	return found == std::end(type_words) ? nullptr : found->word;
}

/* The type whose modifiers a type takes: an array takes those of its elements. */
std::uint32_t
modified_type(std::uint32_t oid) noexcept
{
	switch (oid) {
	case 1014: return pgtype::bpchar;
	case 1015: return pgtype::varchar;
	case 1183: return pgtype::time;
	case 1115: return pgtype::timestamp;
	case 1185: return pgtype::timestamptz;
	case 1270: return pgtype::timetz;
	case 1561: return pgtype::bit;
	case 1563: return pgtype::varbit;
	case 1231: return pgtype::numeric;
	default: return oid;
	}
}

std::string
quoted(std::string_view text, char quote)
{
	std::string result(1, quote);
	for (char const c : text) {
		if (c == quote)
			result += c;
		result += c;
	}
	return result += quote;
}

std::string
identifier(std::string_view name)
{
	return quoted(name, '"');
}

/* Means the same whatever standard_conforming_strings is. */
std::string
literal(std::string_view text)
{
	if (text.find('\\') == std::string_view::npos)
		return quoted(text, '\'');
	std::string doubled;
	for (char const c : text)
		doubled.append(c == '\\' ? 2 : 1, c);
	return "E" + quoted(doubled, '\'');
}

std::string
sql_type(const ImportedColumn &column)
{
	std::string result = "pg_catalog." + identifier(word_of(column.type_oid));
	std::int32_t const typmod = column.typmod;
	if (typmod < 0)
		return result;
	switch (modified_type(column.type_oid)) {
	case pgtype::bpchar:
	case pgtype::varchar: return result + "(" + std::to_string(typmod - 4) + ")";
	case pgtype::numeric: {
		std::int32_t const scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
		return result + "(" + std::to_string((typmod - 4) >> 16 & 0xffff) + "," + std::to_string(scale) + ")";
	}
	default: return result + "(" + std::to_string(typmod) + ")";
	}
}

bool
is_textual(std::uint32_t oid) noexcept
{
	switch (oid) {
	case pgtype::text:
	case pgtype::varchar:
	case pgtype::bpchar:
	case 1009:
	case 1014:
	case 1015: return true;
	default: return false;
	}
}

std::uint64_t
hash_of(std::string_view text) noexcept
{
	std::uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	for (char const c : text)
		hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
	return hash;
}

/* The beginning of name and a hash of all of it: within a name's length, and not among the taken ones. */
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
	for (std::uint64_t hash = hash_of(name);; hash = hash * 0x100000001b3 + 1) {
		std::string result(name.substr(0, end));
		result += '_';
		for (std::size_t i = 0; i < hash_digits; ++i)
			result += digits[hash >> (60 - 4 * i) & 15];
		if (!taken.contains(result))
			return result;
	}
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

std::string
column_options(const ImportedColumn &column)
{
	std::string text = " OPTIONS (column_name " + literal(column.name) + ", native_type " + literal(column.native_type);
	if (column.collation)
		text += ", collation " + literal(*column.collation);
	for (auto const &[flag, word] : {std::pair{column.key, "key"},
	                                 {column.indexed, "indexed"},
	                                 {column.generated, "generated"},
	                                 {column.identity, "identity"}})
		if (flag)
			text.append(", ").append(word).append(" 'true'");
	return text += ")";
}

} // namespace

bool
ImportedSchema::has_byte_collation(const ImportedColumn &column, const ImportOptions &options) noexcept
{
	return options.byte_collation && is_textual(column.type_oid);
}

std::string
ImportedSchema::type_definition(const ImportedColumn &column, const ImportOptions &options)
{
	return sql_type(column) + (has_byte_collation(column, options) ? byte_collation : "");
}

std::string
ImportedSchema::column_definition(const ImportedColumn &column, const ImportOptions &options)
{
	return identifier(column.local_name) + " " + sql_type(column) + column_options(column) +
	       (has_byte_collation(column, options) ? byte_collation : "") + (column.not_null ? " NOT NULL" : "");
}

std::string
ImportedSchema::create_statement(const ImportedTable &table, std::string_view local_schema, std::string_view server,
                                 const ImportOptions &options) const
{
	std::string text = "CREATE FOREIGN TABLE ";
	if (!local_schema.empty())
		text += identifier(local_schema) + ".";
	text += identifier(table.local_name) + " (";
	for (const ImportedColumn &column : table.columns) {
		text += &column == table.columns.data() ? "\n\t" : ",\n\t";
		text += column_definition(column, options);
	}
	text += "\n) SERVER " + identifier(server) + " OPTIONS (";
	if (schema)
		text += "schema_name " + literal(*schema) + ", ";
	text += "table_name " + literal(table.name);
	return text += table.read_only ? ", updatable 'false', truncatable 'false')" : ")";
}

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

std::string
text_of(const remote::Cell &cell)
{
	switch (cell.kind) {
	case remote::CellKind::boolean: return cell.integer != 0 ? "true" : "false";
	case remote::CellKind::integer: return std::to_string(cell.integer);
	case remote::CellKind::text:
	case remote::CellKind::bytes: return std::string(cell.view());
	default: return {};
	}
}

bool
truth_of(const remote::Cell &cell)
{
	if (cell.kind == remote::CellKind::boolean || cell.kind == remote::CellKind::integer)
		return cell.integer != 0;
	std::string const text = lower_ascii(text_of(cell));
	return text == "t" || text == "true" || text == "yes" || text == "1";
}

std::string
lower_ascii(std::string_view text)
{
	std::string lower(text);
	for (char &c : lower)
		if (c >= 'A' && c <= 'Z')
			c = static_cast<char>(c - 'A' + 'a');
	return lower;
}

bool
contains_ignoring_case(std::string_view text, std::string_view lower_word) noexcept
{
	auto const same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; };
	return std::search(text.begin(), text.end(), lower_word.begin(), lower_word.end(), same) != text.end();
}

bool
SchemaBuilder::wants_table(const std::string &name) const
{
	/* The local name that finish() will most likely choose. */
	std::string const local = name.empty() || name.size() > most_name_bytes ? shortened(name, {}) : name;
	auto const &names = request_.names;
	bool const named = std::ranges::find(names, name) != names.end() || std::ranges::find(names, local) != names.end();
	switch (request_.which) {
	case ImportRequest::Which::listed: return named;
	case ImportRequest::Which::others: return !named;
	case ImportRequest::Which::all: break;
	}
	return true;
}

ImportedTable *
SchemaBuilder::table(std::string name)
{
	if (!schema.tables.empty() && schema.tables.back().name == name)
		return &schema.tables.back();
	if (!wants_table(name))
		return nullptr;
	if (schema.tables.size() == most_tables)
		throw Error(FailureKind::query, "54000", "the schema has more than " + std::to_string(most_tables) + " tables",
		            {}, "Name the tables that are needed.");
	ImportedTable &table = schema.tables.emplace_back();
	table.name = std::move(name);
	return &table;
}

void
SchemaBuilder::column(ImportedTable &table, ImportedColumn column)
{
	if (++columns_ > most_columns_in_all)
		throw Error(FailureKind::query, "54000",
		            "the tables of the schema have more than " + std::to_string(most_columns_in_all) + " columns", {},
		            "Name the tables that are needed.");
	if (column.name.size() > most_column_name_bytes) {
		warn("a column of table \"" + table.name + "\" is left out: its name is too long");
		return;
	}
	if (table.columns.size() == most_columns) {
		if (!table.cut)
			warn("table \"" + table.name + "\" has more than " + std::to_string(most_columns) +
			     " columns: the others are left out");
		table.cut = true;
		return;
	}
	if (word_of(column.type_oid) == nullptr) {
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
	table.columns.push_back(std::move(column));
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
