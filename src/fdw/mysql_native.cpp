/*
 * See mysql_native.hpp. PG regime.
 */
#include "fdw/mysql_native.hpp"

#include "core/pgtype.hpp"

namespace tenancy::fdw {

namespace {

namespace pgtype = core::pgtype;

struct Word {
	const char *text;
	Native kind;
	int length; /* of the type, when it is not in parentheses */
	bool sized; /* what stands in parentheses is the length */
};

constexpr Word words[] = {
	{"tinyint", Native::integer, 1, false},   {"smallint", Native::integer, 2, false},
	{"mediumint", Native::integer, 3, false}, {"int", Native::integer, 4, false},
	{"integer", Native::integer, 4, false},   {"bigint", Native::integer, 8, false},
	{"year", Native::year, 2, false},         {"decimal", Native::decimal, 10, true},
	{"numeric", Native::decimal, 10, true},   {"float", Native::single, 4, false},
	{"double", Native::real, 8, false},       {"date", Native::date, 0, false},
	{"datetime", Native::datetime, 0, false}, {"timestamp", Native::timestamp, 0, false},
	{"time", Native::time, 0, false},         {"char", Native::character, 1, true},
	{"varchar", Native::varying, -1, true},   {"tinytext", Native::varying, 255, false},
	{"text", Native::varying, -1, false},     {"mediumtext", Native::varying, -1, false},
	{"longtext", Native::varying, -1, false}, {"enum", Native::member, 255, false},
	{"set", Native::member, -1, false},       {"binary", Native::bytes, 1, true},
	{"varbinary", Native::bytes, -1, true},   {"tinyblob", Native::bytes, 255, false},
	{"blob", Native::bytes, -1, false},       {"mediumblob", Native::bytes, -1, false},
	{"longblob", Native::bytes, -1, false},   {"bit", Native::bit, 1, true},
	{"json", Native::json, -1, false},        {"uuid", Native::uuid, 16, false},
};

bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
ends_with(const char *text, const char *suffix)
{
	size_t const length = strlen(text), tail = strlen(suffix);
	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

/* Local integers that hold every value of this one: its own type in the driver's table, and wider ones. */
bool
integer_fits(const Column &column, const NativeType &native)
{
	if (native.is_unsigned && native.length == 8)
		return column.type == NUMERICOID && (column.typmod < 0 || (pgtype::numeric_scale(column.typmod) == 0 &&
		                                                           pgtype::numeric_precision(column.typmod) >= 20));
	int const needed = native.is_unsigned ? native.length * 8 + 1 : native.length * 8;
	switch (column.type) {
	case INT2OID: return needed <= 16;
	case INT4OID: return needed <= 32;
	case INT8OID: return needed <= 64;
	default: return false;
	}
}

bool
decimal_fits(const Column &column, const NativeType &native)
{
	if (column.type != NUMERICOID)
		return false;
	if (column.typmod < 0)
		return true;
	return pgtype::numeric_scale(column.typmod) == native.scale &&
	       pgtype::numeric_precision(column.typmod) >= native.length;
}

bool
text_fits(const Column &column, const NativeType &native)
{
	if (column.type == TEXTOID)
		return true;
	bool const whole =
		column.typmod < 0 || (native.length >= 0 && column.typmod - static_cast<int>(VARHDRSZ) >= native.length);
	/* char(n) is padded here and stripped there, which is the same value; no other text is. */
	return whole && (column.type == VARCHAROID || (column.type == BPCHAROID && native.kind == Native::character));
}

bool
moment_fits(const Column &column, Oid type, const NativeType &native)
{
	return column.type == type && (column.typmod < 0 || column.typmod >= native.scale);
}

} // namespace

NativeType
parse_native(const char *text)
{
	NativeType native = {Native::unknown, false, -1, 0, false};
	if (text == nullptr)
		return native;
	size_t length = 0;
	while (is_letter(text[length]))
		++length;
	for (const Word &word : words) {
		if (strlen(word.text) != length || strncmp(word.text, text, length) != 0)
			continue;
		native.kind = word.kind;
		native.length = word.length;
		const char *rest = text + length;
		if (*rest == '(' && word.kind != Native::member) {
			char *end;
			int const first = static_cast<int>(strtol(rest + 1, &end, 10));
			if (word.sized)
				native.length = first;
			if (word.kind == Native::datetime || word.kind == Native::timestamp || word.kind == Native::time)
				native.scale = first;
			native.rounds = *end == ',' && (word.kind == Native::single || word.kind == Native::real);
			if (*end == ',')
				native.scale = static_cast<int>(strtol(end + 1, &end, 10));
			rest = end;
		}
		native.is_unsigned = word.kind != Native::member && strstr(rest, "unsigned") != nullptr;
	}
	return native;
}

bool
fits(const Column &column, const NativeType &native)
{
	switch (native.kind) {
	case Native::integer: return integer_fits(column, native) || (column.type == BOOLOID && native.length == 1);
	case Native::year: return column.type == INT2OID || column.type == INT4OID || column.type == INT8OID;
	case Native::decimal: return decimal_fits(column, native);
	case Native::single: return column.type == FLOAT4OID || column.type == FLOAT8OID;
	case Native::real: return column.type == FLOAT8OID;
	case Native::date: return column.type == DATEOID;
	case Native::datetime: return moment_fits(column, TIMESTAMPOID, native);
	case Native::timestamp: return moment_fits(column, TIMESTAMPTZOID, native);
	case Native::time: return column.type == INTERVALOID && column.typmod < 0;
	case Native::character:
	case Native::varying:
		return text_fits(column, native) || (native.kind == Native::varying && column.type == JSONOID);
	case Native::member: return column.type == TEXTOID || (column.type == VARCHAROID && column.typmod < 0);
	case Native::bytes: return column.type == BYTEAOID;
	case Native::bit:
		return (column.type == BITOID && column.typmod == native.length) ||
		       (column.type == BOOLOID && native.length == 1);
	case Native::json: return column.type == JSONOID || column.type == JSONBOID;
	case Native::uuid: return column.type == UUIDOID;
	case Native::unknown: break;
	}
	return false;
}

bool
is_utf8mb4(const Column &column)
{
	return column.remote_collation != nullptr && starts_with(column.remote_collation, "utf8mb4_");
}

bool
is_exact_collation(const Column &column)
{
	return is_utf8mb4(column) && (ends_with(column.remote_collation, "_nopad_bin") ||
	                              strcmp(column.remote_collation, "utf8mb4_0900_bin") == 0);
}

bool
is_binary_collation(const Column &column)
{
	return is_utf8mb4(column) && ends_with(column.remote_collation, "_bin");
}

} // namespace tenancy::fdw
