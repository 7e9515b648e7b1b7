/*
 * See sqlite_types.hpp. PG regime.
 */
#include "fdw/sqlite_types.hpp"

#include <string_view>

namespace tenancy::fdw {

namespace {

enum class Affinity : uint8 { integer, text, blob, real, numeric };

struct Declared {
	std::string_view word;
	Affinity affinity;
};

/* The rules of datatype3.html, 3.1, in their order. */
constexpr Declared declared_words[] = {
	{"int", Affinity::integer}, {"char", Affinity::text}, {"clob", Affinity::text}, {"text", Affinity::text},
	{"blob", Affinity::blob},   {"real", Affinity::real}, {"floa", Affinity::real}, {"doub", Affinity::real},
};

constexpr std::string_view strict_mark = " strict";
constexpr std::string_view row_number = "integer primary key";

Affinity
affinity_of(std::string_view declared)
{
	for (const Declared &rule : declared_words)
		if (declared.find(rule.word) != std::string_view::npos)
			return rule.affinity;
	return declared.empty() ? Affinity::blob : Affinity::numeric;
}

Reading
integer_reading(Oid type, Affinity affinity, bool strict)
{
	if (affinity != Affinity::integer && affinity != Affinity::numeric)
		return {};
	if (type == INT8OID)
		return {Family::integer, strict, "tenancy_int"};
	return {Family::integer, false, type == INT4OID ? "tenancy_int4" : "tenancy_int2"};
}

} // namespace

Family
family_of(Oid type)
{
	switch (type) {
	case INT2OID:
	case INT4OID:
	case INT8OID: return Family::integer;
	case BOOLOID: return Family::boolean;
	case FLOAT8OID: return Family::real;
	case NUMERICOID: return Family::numeric;
	/* SQLite has UTF-8; order and characters of another encoding are others. */
	case VARCHAROID:
	case TEXTOID: return GetDatabaseEncoding() == PG_UTF8 ? Family::text : Family::none;
	case BYTEAOID: return Family::blob;
	default: return Family::none;
	}
}

/*
 * How the column is read: as its type only where the affinity is that of the type. Then values of other classes that
 * could be read as the type, such as the text '12' in an INTEGER column, became it when they were stored. A length or a
 * scale of the local type would change values on their way here.
 */
Reading
reading_of(const Column &column)
{
	if (column.native_type == nullptr || column.typmod >= 0)
		return {};
	std::string_view declared = column.native_type;
	bool strict = declared.ends_with(strict_mark);
	if (strict)
		declared.remove_suffix(strict_mark.size());
	if (strict && declared == "any")
		return {};
	strict = strict || declared == row_number;
	Affinity const affinity = affinity_of(declared);
	switch (family_of(column.type)) {
	case Family::integer: return integer_reading(column.type, affinity, strict);
	case Family::boolean:
		if (affinity == Affinity::numeric || affinity == Affinity::integer)
			return {Family::boolean, false, "tenancy_bool"};
		break;
	case Family::real:
		if (affinity == Affinity::real)
			return {Family::real, strict, "tenancy_float8"};
		break;
	case Family::numeric:
		if (affinity == Affinity::numeric || affinity == Affinity::integer)
			return {Family::numeric, strict, "tenancy_num"};
		break;
	case Family::text:
		if (affinity == Affinity::text)
			return {Family::text, strict, "tenancy_text"};
		break;
	case Family::blob:
		if (affinity == Affinity::blob)
			return {Family::blob, strict, "tenancy_blob"};
		break;
	case Family::none: break;
	}
	return {};
}

bool
is_dated(const Column &column)
{
	return column.native_type != nullptr && column.typmod < 0 &&
	       (column.type == DATEOID || column.type == TIMESTAMPOID || column.type == TIMESTAMPTZOID);
}

bool
collates_otherwise(const Column &column)
{
	return column.remote_collation == nullptr || pg_strcasecmp(column.remote_collation, "BINARY") != 0;
}

bool
collates_coarsely(const Column &column)
{
	return column.remote_collation != nullptr && (pg_strcasecmp(column.remote_collation, "NOCASE") == 0 ||
	                                              pg_strcasecmp(column.remote_collation, "RTRIM") == 0);
}

} // namespace tenancy::fdw
