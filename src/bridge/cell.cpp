/*
 * See cell.hpp. PG regime.
 */
#include "bridge/cell.hpp"

#include <cmath>

extern "C" {
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
}

namespace tenancy::bridge {

namespace {

using remote::Cell;
using remote::CellKind;

/* The text form of any cell, NUL-terminated, in the server's encoding. */
char *
cell_text(const Cell &cell)
{
	switch (cell.kind) {
	case CellKind::boolean: return pstrdup(cell.integer != 0 ? "true" : "false");
	case CellKind::integer: return psprintf(INT64_FORMAT, static_cast<int64>(cell.integer));
	case CellKind::float4:
		return DatumGetCString(DirectFunctionCall1(float4out, Float4GetDatum(static_cast<float4>(cell.real))));
	case CellKind::float8: return DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(cell.real)));
	case CellKind::text: return pg_any_to_server(const_cast<char *>(cell.data), static_cast<int>(cell.size), PG_UTF8);
	case CellKind::bytes: {
		auto *const hex = static_cast<char *>(palloc(2 * static_cast<Size>(cell.size) + 3));
		hex[0] = '\\';
		hex[1] = 'x';
		*(hex + 2 + hex_encode(cell.data, cell.size, hex + 2)) = 0;
		return hex;
	}
	case CellKind::date:
	case CellKind::time:
	case CellKind::timestamp:
	case CellKind::wire:
	case CellKind::null: break;
	}
	return nullptr;
}

Datum
bytea_datum(const char *data, Size size)
{
	auto *const value = static_cast<bytea *>(palloc(size + VARHDRSZ));
	SET_VARSIZE(value, size + VARHDRSZ);
	memcpy(VARDATA(value), data, size);
	return PointerGetDatum(value);
}

/* The number that count digits at from spell, or -1. */
int
digits(std::string_view text, std::size_t from, std::size_t count)
{
	int number = 0;
	for (std::size_t i = from; i < from + count; ++i) {
		if (i >= text.size() || text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

/* Microseconds of "hh:mm:ss[.f]" at from, to the end of text or its "+00"; -1 for any other form. */
int64
time_of_day(std::string_view text, std::size_t from, bool zoned)
{
	if (zoned) {
		if (!text.ends_with("+00"))
			return -1;
		text.remove_suffix(3);
	}
	int const hour = digits(text, from, 2), minute = digits(text, from + 3, 2), second = digits(text, from + 6, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || text[from + 2] != ':' ||
	    text[from + 5] != ':')
		return -1;
	int64 micros = ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	if (text.size() == from + 8)
		return micros;
	std::size_t const fraction = text.size() - from - 9;
	if (text[from + 8] != '.' || fraction < 1 || fraction > 6)
		return -1;
	int part = digits(text, from + 9, fraction);
	if (part < 0)
		return -1;
	for (std::size_t i = fraction; i < 6; ++i)
		part *= 10;
	return micros + part;
}

/*
 * The plain ISO forms that remote sessions send for years 1 to 9999, without the general parser; false for all others
 * (BC, infinity, other offsets), which the input function reads.
 */
bool
iso_datum(Oid type, std::string_view text, Datum *value)
{
	int const year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || text[4] != '-' || text[7] != '-' ||
	    day > day_tab[isleap(year) ? 1 : 0][month - 1])
		return false;
	int const date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	if (type == DATEOID) {
		*value = DateADTGetDatum(date);
		return text.size() == 10;
	}
	if (text.size() < 19 || text[10] != ' ')
		return false;
	int64 const time = time_of_day(text, 11, type == TIMESTAMPTZOID);
	*value = TimestampGetDatum(date * USECS_PER_DAY + time);
	return time >= 0;
}

/* A decimal of at most 18 digits, with the scale that it is written with. */
bool
decimal_datum(const Cell &cell, Datum *value)
{
	if (cell.kind == CellKind::integer) {
		*value = NumericGetDatum(int64_to_numeric(cell.integer));
		return true;
	}
	if (cell.kind != CellKind::text || cell.size == 0 || cell.size > 18)
		return false;
	std::string_view const text = cell.view();
	bool const negative = text[0] == '-';
	int64 unscaled = 0;
	int scale = -1;
	for (char const c : text.substr(negative ? 1 : 0)) {
		if (c == '.' && scale < 0)
			scale = 0;
		else if (c < '0' || c > '9')
			return false;
		else {
			unscaled = unscaled * 10 + (c - '0');
			scale += scale >= 0 ? 1 : 0;
		}
	}
	if (scale == 0 || text.size() == (negative ? 1u : 0u))
		return false;
	*value = NumericGetDatum(int64_div_fast_to_numeric(negative ? -unscaled : unscaled, scale < 0 ? 0 : scale));
	return true;
}

/* The conversions that need no text between; false leaves it to the input function, with its checks and its errors. */
bool
direct(const Converter &converter, const Cell &cell, Datum *value)
{
	switch (converter.type) {
	case INT8OID: *value = Int64GetDatum(cell.integer); return cell.kind == CellKind::integer;
	case INT4OID:
		*value = Int32GetDatum(static_cast<int32>(cell.integer));
		return cell.kind == CellKind::integer && cell.integer == static_cast<int32>(cell.integer);
	case INT2OID:
		*value = Int16GetDatum(static_cast<int16>(cell.integer));
		return cell.kind == CellKind::integer && cell.integer == static_cast<int16>(cell.integer);
	case BOOLOID:
		*value = BoolGetDatum(cell.integer != 0);
		return cell.kind == CellKind::boolean ||
		       (cell.kind == CellKind::integer && (cell.integer == 0 || cell.integer == 1));
	case FLOAT8OID:
		if (cell.kind != CellKind::float8 && cell.kind != CellKind::float4)
			return false;
		*value = Float8GetDatum(cell.real);
		return true;
	case FLOAT4OID:
		if (cell.kind != CellKind::float4)
			return false;
		*value = Float4GetDatum(static_cast<float4>(cell.real));
		return true;
	case BYTEAOID:
		if (cell.kind != CellKind::bytes)
			return false;
		*value = bytea_datum(cell.data, cell.size);
		return true;
	case DATEOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID:
		return cell.kind == CellKind::text && converter.typmod < 0 && iso_datum(converter.type, cell.view(), value);
	case NUMERICOID: return converter.typmod < 0 && decimal_datum(cell, value);
	case VARCHAROID:
		if (converter.typmod >= 0)
			return false;
		[[fallthrough]];
	case TEXTOID: {
		if (cell.kind != CellKind::text)
			return false;
		char *const text = pg_any_to_server(const_cast<char *>(cell.data), static_cast<int>(cell.size), PG_UTF8);
		*value = bytea_datum(text, text == cell.data ? cell.size : strlen(text));
		return true;
	}
	default: return false;
	}
}

} // namespace

Converter *
make_converters(TupleDesc descriptor)
{
	auto *const converters =
		static_cast<Converter *>(palloc0(sizeof(Converter) * static_cast<Size>(descriptor->natts)));
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute const attribute = TupleDescAttr(descriptor, i);
		Oid input;
		converters[i].type = attribute->atttypid;
		converters[i].typmod = attribute->atttypmod;
		converters[i].base_type = getBaseType(attribute->atttypid);
		getTypeInputInfo(attribute->atttypid, &input, &converters[i].io_param);
		fmgr_info(input, &converters[i].input);
	}
	return converters;
}

Datum
cell_datum(Converter &converter, const Cell &cell, bool *is_null)
{
	Datum value = 0;
	*is_null = cell.kind == CellKind::null;
	if (!*is_null && direct(converter, cell, &value))
		return value;
	return InputFunctionCall(&converter.input, cell_text(cell), converter.io_param, converter.typmod);
}

} // namespace tenancy::bridge
