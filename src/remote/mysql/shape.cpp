/*
 * Columns: what the server's metadata says about them. Pure regime.
 */
#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

#include "core/error.hpp"
#include "core/pgtype.hpp"
#include "remote/mysql/types.hpp"

namespace tenancy::remote::mysql {

namespace {

namespace pgtype = core::pgtype;

constexpr unsigned binary_charset = 63;
constexpr unsigned long widest_bits = 64;

/* Oracle's numbers that Connector/C's header lacks, and the other way round. */
constexpr int type_json = 245;
constexpr int type_vector = 242;

/* MariaDB sends the word for what the type number cannot say: "json", "uuid", "inet6". */
std::string_view
extended_word(const MYSQL_FIELD &field) noexcept
{
#ifdef MARIADB_PACKAGE_VERSION
	for (auto const attribute : {MARIADB_FIELD_ATTR_FORMAT_NAME, MARIADB_FIELD_ATTR_DATA_TYPE_NAME}) {
		MARIADB_CONST_STRING word{};
		if (mariadb_field_attr(&word, &field, attribute) == 0 && word.length != 0)
			return {word.str, word.length};
	}
#else
	static_cast<void>(field);
#endif
	return {};
}

std::string
with_length(std::string_view word, unsigned long length)
{
	return std::string(word) + "(" + std::to_string(length) + ")";
}

struct Described {
	Column column;
	Shape shape;
};

Described
make(const MYSQL_FIELD &field, Form form, std::uint32_t oid, std::string native, std::int32_t typmod = -1)
{
	bool const natural = (field.flags & UNSIGNED_FLAG) != 0 || field.type == MYSQL_TYPE_YEAR;
	return {{std::string(field.name), oid, typmod, std::move(native)}, {form, 0, wire_of(field.type), natural}};
}

Described
integer_shape(const MYSQL_FIELD &field, std::string_view word, std::uint32_t with_sign, std::uint32_t without)
{
	bool const natural = (field.flags & UNSIGNED_FLAG) != 0;
	return make(field, Form::integer, natural ? without : with_sign, std::string(word) + (natural ? " unsigned" : ""));
}

Described
decimal_shape(const MYSQL_FIELD &field)
{
	bool const natural = (field.flags & UNSIGNED_FLAG) != 0;
	int const scale = static_cast<int>(field.decimals);
	int const length = static_cast<int>(std::min(field.length, 100UL)); /* which no decimal has */
	int const precision = length - (scale > 0 ? 1 : 0) - (natural ? 0 : 1);
	bool const plain =
		field.org_name != nullptr && field.org_name[0] != 0 && precision > 0 && precision <= 65 && scale <= precision;
	std::string native = "decimal";
	if (plain)
		native += "(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
	return make(field, Form::number, pgtype::numeric, native + (natural ? " unsigned" : ""),
	            plain ? pgtype::numeric_typmod(precision, scale) : -1);
}

/* The number says how a value is stored; the flags and the character set say what it is. */
Described
string_shape(const MYSQL_FIELD &field, bool extended)
{
	if ((field.flags & ENUM_FLAG) != 0)
		return make(field, Form::text, pgtype::text, "enum");
	if ((field.flags & SET_FLAG) != 0)
		return make(field, Form::text, pgtype::text, "set");
	std::string_view const word = extended ? extended_word(field) : std::string_view();
	if (word == "json")
		return make(field, Form::text, pgtype::json, "json");
	if (word == "uuid")
		return make(field, Form::text, pgtype::uuid, "uuid");
	bool const bytes = field.charsetnr == binary_charset;
	bool const fixed = field.type == MYSQL_TYPE_STRING;
	bool const large =
		field.type != MYSQL_TYPE_STRING && field.type != MYSQL_TYPE_VAR_STRING && field.type != MYSQL_TYPE_VARCHAR;
	if (!word.empty() && word != "point" && word != "geometry")
		return make(field, bytes ? Form::bytes : Form::text, bytes ? pgtype::bytea : pgtype::text, std::string(word));
	if (bytes)
		return make(field, Form::bytes, pgtype::bytea,
		            large ? "blob" : with_length(fixed ? "binary" : "varbinary", field.length));
	/* The length of text is in bytes of utf8mb4. */
	return make(field, Form::text, pgtype::text,
	            large ? "text" : with_length(fixed ? "char" : "varchar", field.length / 4));
}

/* The width is the server's word, and every value gets as many digits: no more are believed than the type can have. */
Described
bits_shape(const MYSQL_FIELD &field)
{
	if (field.length > widest_bits)
		throw core::Error(core::FailureKind::query, "08P01", "remote server sent a bit column of an impossible width");
	Described bits =
		make(field, Form::bits, pgtype::bit, with_length("bit", field.length), static_cast<std::int32_t>(field.length));
	bits.shape.bits = static_cast<unsigned>(field.length);
	return bits;
}

Described
shape_of(const MYSQL_FIELD &field, bool extended)
{
	switch (static_cast<int>(field.type)) {
	case MYSQL_TYPE_TINY: return integer_shape(field, "tinyint", pgtype::int2, pgtype::int2);
	case MYSQL_TYPE_SHORT: return integer_shape(field, "smallint", pgtype::int2, pgtype::int4);
	case MYSQL_TYPE_INT24: return integer_shape(field, "mediumint", pgtype::int4, pgtype::int4);
	case MYSQL_TYPE_LONG: return integer_shape(field, "int", pgtype::int4, pgtype::int8);
	case MYSQL_TYPE_LONGLONG:
		if ((field.flags & UNSIGNED_FLAG) == 0)
			return make(field, Form::integer, pgtype::int8, "bigint");
		return make(field, Form::unsigned_bigint, pgtype::numeric, "bigint unsigned", pgtype::numeric_typmod(20, 0));
	case MYSQL_TYPE_YEAR: return make(field, Form::integer, pgtype::int2, "year");
	case MYSQL_TYPE_FLOAT: return make(field, Form::float4, pgtype::float4, "float");
	case MYSQL_TYPE_DOUBLE: return make(field, Form::float8, pgtype::float8, "double");
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL: return decimal_shape(field);
	case MYSQL_TYPE_DATE:
	case MYSQL_TYPE_NEWDATE: return make(field, Form::date, pgtype::date, "date");
	case MYSQL_TYPE_DATETIME: return make(field, Form::timestamp, pgtype::timestamp, "datetime");
	case MYSQL_TYPE_TIMESTAMP: return make(field, Form::timestamptz, pgtype::timestamptz, "timestamp");
	case MYSQL_TYPE_TIME: return make(field, Form::time, pgtype::interval, "time");
	case MYSQL_TYPE_BIT: return bits_shape(field);
	case type_json: return make(field, Form::text, pgtype::json, "json");
	case MYSQL_TYPE_GEOMETRY: return make(field, Form::bytes, pgtype::bytea, "geometry");
	case type_vector: return make(field, Form::bytes, pgtype::bytea, "vector");
	case MYSQL_TYPE_NULL: return make(field, Form::text, pgtype::text, "null");
	default: return string_shape(field, extended);
	}
}

/* Everything of the fields that shape_of looks at, one after the other. */
void
sign(std::string &signature, const MYSQL_FIELD *fields, unsigned count, bool extended)
{
	auto const add = [&signature](std::string_view text) {
		auto const size = static_cast<std::uint32_t>(text.size());
		signature.append(reinterpret_cast<const char *>(&size), sizeof(size)).append(text);
	};
	for (unsigned i = 0; i < count; ++i) {
		const MYSQL_FIELD &field = fields[i];
		if (field.name == nullptr) /* the library had no memory for it */
			throw std::bad_alloc();
		unsigned long const numbers[] = {static_cast<unsigned long>(field.type), field.length, field.flags,
		                                 field.decimals, field.charsetnr};
		add({reinterpret_cast<const char *>(numbers), sizeof(numbers)});
		add(field.name);
		add(field.org_name != nullptr && field.org_name[0] != 0 ? "+" : "");
		add(extended ? extended_word(field) : std::string_view());
	}
}

} // namespace

Wire
wire_of(enum_field_types type) noexcept
{
	switch (type) {
	case MYSQL_TYPE_NULL: return Wire::nothing;
	case MYSQL_TYPE_TINY: return Wire::one;
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_YEAR: return Wire::two;
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_FLOAT: return Wire::four;
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_DOUBLE: return Wire::eight;
	default: return Wire::counted;
	}
}

/* Has the library lost the extended part of a field? What a server sends in one is never empty. */
bool
are_forgetful(const MYSQL_FIELD *fields, unsigned count) noexcept
{
	return is_connector_c && std::any_of(fields, fields + count, [](const MYSQL_FIELD &field) {
			   return field.extension != nullptr && extended_word(field).empty();
		   });
}

std::size_t
size_of(const MYSQL_FIELD *fields, unsigned count) noexcept
{
	std::size_t size = count * sizeof(MYSQL_FIELD);
	for (unsigned i = 0; i < count; ++i)
		for (const char *const text : {fields[i].name, fields[i].org_name, fields[i].table, fields[i].org_table,
		                               fields[i].db, fields[i].catalog})
			size += text != nullptr ? std::strlen(text) : 0;
	return size;
}

bool
Layout::describes(const MYSQL_FIELD *fields, unsigned count, bool extended) const
{
	std::string now;
	now.reserve(signature.size());
	sign(now, fields, count, extended);
	return now == signature;
}

Layout
layout_of(const MYSQL_FIELD *fields, unsigned count, bool extended)
{
	Layout layout;
	sign(layout.signature, fields, count, extended);
	layout.shapes.reserve(count);
	layout.columns.reserve(count);
	for (unsigned i = 0; i < count; ++i) {
		Described item = shape_of(fields[i], extended);
		layout.columns.push_back(std::move(item.column));
		layout.shapes.push_back(item.shape);
	}
	return layout;
}

} // namespace tenancy::remote::mysql
