/*
 * What was imported, as CREATE FOREIGN TABLE says it: types from a list of ours, everything else quoted. Pure regime.
 */
#include <algorithm>
#include <iterator>

#include "core/pgtype.hpp"
#include "fdw/import.pure.hpp"
#include "remote/text.hpp"

namespace tenancy::fdw {

namespace {

namespace pgtype = core::pgtype;

struct TypeWord {
	std::uint32_t oid;
	const char *word;
};

/* The names are those of pg_type, which are printed in quotes: unquoted, "char" and bit(1) would be other types. */
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

std::string
identifier(std::string_view name)
{
	return remote::quoted(name, '"');
}

/* Means the same whatever standard_conforming_strings is. */
std::string
literal(std::string_view text)
{
	if (text.find('\\') == std::string_view::npos)
		return remote::quoted(text, '\'');
	std::string doubled;
	for (char const c : text)
		doubled.append(c == '\\' ? 2 : 1, c);
	return "E" + remote::quoted(doubled, '\'');
}

std::string
sql_type(const ImportedColumn &column)
{
	return "pg_catalog." + identifier(type_word(column.type_oid)) +
	       pgtype::modifier_text(modified_type(column.type_oid), column.typmod);
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

const char *
type_word(std::uint32_t oid) noexcept
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
	if (!encoding.empty())
		text += ", encoding " + literal(encoding);
	return text += table.read_only ? ", updatable 'false', truncatable 'false')" : ")";
}

} // namespace tenancy::fdw
