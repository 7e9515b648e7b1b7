/*
 * See cell.hpp. PG regime.
 */
#include "bridge/cell.hpp"

#include "bridge/datum.hpp"
#include "bridge/error.hpp"
#include "bridge/moment.hpp"
#include "bridge/param.hpp"
#include "bridge/setting.hpp"
#include "core/moment.hpp"
#include "core/utf8.hpp"

extern "C" {
#include "common/shortest_dec.h"
#include "parser/parse_coerce.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
}

namespace tenancy::bridge {

namespace {

using remote::Cell;
using remote::CellKind;

/*
 * Calls a receive function with client_encoding UTF8, which it takes text to be in. An error goes to the client, so the
 * client's own encoding is restored first.
 */
template <typename Call>
void
as_utf8_client(Call call)
{
	int const level = NewGUCNestLevel();
	set_for_now("client_encoding", "UTF8");
	on_error(call, [level](const ErrorData *) { AtEOXact_GUC(true, level); });
	AtEOXact_GUC(true, level);
}

/* A value in wire form, by converter's receive function, which checks it. */
Datum
receive(Converter &converter, const Cell &cell, int32 typmod)
{
	/* Receive functions that split their input put a zero byte behind a part for a moment. */
	StringInfoData wire;
	wire.data = const_cast<char *>(cell.data);
	wire.len = static_cast<int>(cell.size);
	wire.maxlen = wire.len + 1;
	wire.cursor = 0;
	Datum value;
	auto const call = [&] { value = ReceiveFunctionCall(&converter.receive, &wire, converter.receive_param, typmod); };
	if (converter.encoded_text && pg_get_client_encoding() != PG_UTF8)
		as_utf8_client(call);
	else
		call();
	if (wire.cursor != wire.len)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
		         errmsg("incorrect binary data format in a value of type %s", format_type_be(converter.remote_type))));
	return value;
}

/* Prints all digits of a number; float8out() would obey the session's extra_float_digits. */
char *
real_text(const Cell &cell)
{
	auto *const text = static_cast<char *>(palloc(DOUBLE_SHORTEST_DECIMAL_LEN));
	if (cell.kind == CellKind::float4)
		(void) float_to_shortest_decimal_buf(static_cast<float4>(cell.real), text);
	else
		(void) double_to_shortest_decimal_buf(cell.real, text);
	return text;
}

/* In a column of numbers true is 1: SQLite, for one, keeps it as that. */
char *
truth_text(const Converter &converter, const Cell &cell)
{
	bool const is_number = TypeCategory(converter.base_type) == TYPCATEGORY_NUMERIC;
	if (cell.integer != 0)
		return pstrdup(is_number ? "1" : "true");
	return pstrdup(is_number ? "0" : "false");
}

/* The text form of any cell, NUL-terminated, in the server's encoding. */
char *
cell_text(Converter &converter, const Cell &cell)
{
	switch (cell.kind) {
	case CellKind::boolean: return truth_text(converter, cell);
	case CellKind::integer: return psprintf(INT64_FORMAT, static_cast<int64>(cell.integer));
	case CellKind::float4:
	case CellKind::float8: return real_text(cell);
	case CellKind::text: return pg_any_to_server(const_cast<char *>(cell.data), static_cast<int>(cell.size), PG_UTF8);
	case CellKind::bytes: {
		auto *const hex = static_cast<char *>(palloc(2 * static_cast<Size>(cell.size) + 3));
		hex[0] = '\\';
		hex[1] = 'x';
		*(hex + 2 + hex_encode(cell.data, cell.size, hex + 2)) = 0;
		return hex;
	}
	case CellKind::date:
	case CellKind::time: return moment_text(cell, false);
	case CellKind::timestamp: return moment_text(cell, converter.remote_type == TIMESTAMPTZOID);
	case CellKind::wire: return portable_text(converter.remote_type, receive(converter, cell, -1));
	case CellKind::null: break;
	}
	return nullptr;
}

bool
is_bits(Oid type)
{
	return type == BITOID || type == VARBITOID;
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

/* Text that fits a length as it is: no more bytes than characters are allowed, or for char(n) all that it holds. */
bool
fits(const Converter &converter, const Cell &cell)
{
	auto const most = static_cast<uint32>(converter.typmod - VARHDRSZ);
	if (converter.type == VARCHAROID)
		return cell.size <= most;
	return core::count_characters(cell.view()) == most;
}

Datum
text_datum(const Cell &cell)
{
	char *const text = pg_any_to_server(const_cast<char *>(cell.data), static_cast<int>(cell.size), PG_UTF8);
	return bytea_datum(text, text == cell.data ? cell.size : strlen(text));
}

Datum
uuid_of(const Cell &cell)
{
	void *const value = palloc(UUID_LEN);
	memcpy(value, cell.data, UUID_LEN);
	return PointerGetDatum(value);
}

/* The conversions that need no text between; false leaves it to the input function, with its checks and its errors. */
bool
direct(const Converter &converter, const Cell &cell, Datum *value)
{
	switch (converter.way) {
	case Way::int8: *value = Int64GetDatum(cell.integer); return cell.kind == CellKind::integer;
	case Way::int4:
		*value = Int32GetDatum(static_cast<int32>(cell.integer));
		return cell.kind == CellKind::integer && cell.integer == static_cast<int32>(cell.integer);
	case Way::int2:
		*value = Int16GetDatum(static_cast<int16>(cell.integer));
		return cell.kind == CellKind::integer && cell.integer == static_cast<int16>(cell.integer);
	case Way::oid:
		*value = ObjectIdGetDatum(static_cast<Oid>(cell.integer));
		return cell.kind == CellKind::integer && cell.integer == static_cast<Oid>(cell.integer);
	case Way::boolean:
		*value = BoolGetDatum(cell.integer != 0);
		return cell.kind == CellKind::boolean ||
		       (cell.kind == CellKind::integer && (cell.integer == 0 || cell.integer == 1));
	case Way::float8:
		if (cell.kind != CellKind::float8 && cell.kind != CellKind::float4)
			return false;
		*value = Float8GetDatum(cell.real);
		return true;
	case Way::float4:
		if (cell.kind != CellKind::float4)
			return false;
		*value = Float4GetDatum(static_cast<float4>(cell.real));
		return true;
	case Way::bytes:
		if (cell.kind != CellKind::bytes)
			return false;
		*value = bytea_datum(cell.data, cell.size);
		return true;
	case Way::date:
	case Way::time:
	case Way::timestamp: return moment_datum(converter, cell, value);
	case Way::numeric:
		if (cell.kind == CellKind::wire || is_bits(converter.remote_type) || !decimal_datum(cell, value))
			return false;
		if (converter.typmod >= 0)
			*value = DirectFunctionCall2(numeric, *value, Int32GetDatum(converter.typmod));
		return true;
	case Way::bounded_text:
		if (cell.kind != CellKind::text || !fits(converter, cell))
			return false;
		*value = text_datum(cell);
		return true;
	case Way::text:
		if (cell.kind != CellKind::text)
			return false;
		*value = text_datum(cell);
		return true;
	case Way::uuid:
		if (cell.kind != CellKind::wire || !converter.same_type || cell.size != UUID_LEN)
			return false;
		*value = uuid_of(cell);
		return true;
	case Way::none: break;
	}
	return false;
}

Way
way_to(Oid type, int32 typmod)
{
	switch (type) {
	case INT8OID: return Way::int8;
	case INT4OID: return Way::int4;
	case INT2OID: return Way::int2;
	case OIDOID: return Way::oid;
	case BOOLOID: return Way::boolean;
	case FLOAT8OID: return Way::float8;
	case FLOAT4OID: return Way::float4;
	case BYTEAOID: return Way::bytes;
	case DATEOID: return Way::date;
	case TIMEOID: return Way::time;
	case TIMESTAMPOID:
	case TIMESTAMPTZOID: return Way::timestamp;
	case NUMERICOID: return Way::numeric;
	case UUIDOID: return Way::uuid;
	case TEXTOID: return Way::text;
	case VARCHAROID: return typmod < 0 ? Way::text : Way::bounded_text;
	case BPCHAROID: return typmod < 0 ? Way::none : Way::bounded_text;
	default: return Way::none;
	}
}

/* The types whose wire form is text; those of arrays count, as other values of them come as text cells. */
bool
is_textual(Oid type)
{
	switch (type) {
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID:
	case NAMEOID:
	case JSONOID:
	case JSONBOID: return true;
	default: return false;
	}
}

/* Does the text look like a number? 2024-01-01 does not, which SQLite keeps in a column of numbers as well. */
bool
is_number(std::string_view text)
{
	for (std::size_t i = 0; i < text.size(); ++i) {
		bool const sign = text[i] == '+' || text[i] == '-';
		bool const exponent = text[i] == 'e' || text[i] == 'E';
		if (sign ? i > 0 && text[i - 1] != 'e' && text[i - 1] != 'E' : !exponent && text[i] != '.' && !isdigit(text[i]))
			return false;
	}
	return true;
}

/* The word for what a cell holds, when it is no value of the type: input functions would guess what it may mean. */
const char *
foreign_class(const Converter &converter, const Cell &cell)
{
	bool const bytes = converter.base_type == BYTEAOID;
	switch (cell.kind) {
	case CellKind::boolean: return "boolean";
	case CellKind::integer: return "integer";
	case CellKind::float4:
	case CellKind::float8: return "floating point";
	case CellKind::text:
	case CellKind::wire: {
		bool const numeric =
			converter.remote_type == NUMERICOID && (cell.kind == CellKind::wire || is_number(cell.view()));
		return numeric ? "numeric" : bytes ? "text" : nullptr;
	}
	case CellKind::bytes: return bytes ? nullptr : "blob";
	case CellKind::date:
	case CellKind::time:
	case CellKind::timestamp: return bytes ? "date or time" : nullptr;
	case CellKind::null: break;
	}
	return nullptr;
}

/* SQLite keeps the text 20240229 as a number in a column of dates; as one it means the same. */
bool
is_date_without_dashes(const Converter &converter, const Cell &cell)
{
	return converter.base_type == DATEOID && cell.kind == CellKind::integer && cell.integer >= 1000'01'01 &&
	       cell.integer <= 9999'12'31;
}

void
check_class(const Converter &converter, const Cell &cell)
{
	if (is_date_without_dashes(converter, cell))
		return;
	switch (converter.base_type) {
	case BYTEAOID:
	case DATEOID:
	case TIMEOID:
	case TIMETZOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID:
		if (const char *const word = foreign_class(converter, cell); word != nullptr)
			ereport(ERROR,
			        (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			         errmsg("value of type %s in a column of type %s", word, format_type_be(converter.base_type))));
		break;
	default: break;
	}
}

/*
 * The digits of a bit string would be read as those of a decimal number, or of a date. Of one bit they are the same
 * number. A NULL has no text.
 */
void
check_bits(const Converter &converter, const char *text)
{
	if (text == nullptr || !is_bits(converter.remote_type) || strlen(text) == 1)
		return;
	switch (TypeCategory(converter.base_type)) {
	case TYPCATEGORY_NUMERIC:
	case TYPCATEGORY_DATETIME:
	case TYPCATEGORY_TIMESPAN:
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
		                errmsg("value of type %s in a column of type %s", format_type_be(converter.remote_type),
		                       format_type_be(converter.base_type)),
		                errhint("Declare the column as bit or bit varying.")));
		break;
	default: break;
	}
}

} // namespace

Converter
make_converter(Oid type, int32 typmod)
{
	Converter converter{};
	Oid input;
	converter.type = type;
	converter.typmod = typmod;
	converter.base_type = getBaseType(type);
	converter.way = way_to(type, typmod);
	converter.context = CurrentMemoryContext;
	getTypeInputInfo(type, &input, &converter.io_param);
	fmgr_info(input, &converter.input);
	return converter;
}

Converter *
make_converters(TupleDesc descriptor)
{
	auto *const converters =
		static_cast<Converter *>(palloc0(sizeof(Converter) * static_cast<Size>(descriptor->natts)));
	for (int i = 0; i < descriptor->natts; ++i)
		if (Form_pg_attribute const attribute = TupleDescAttr(descriptor, i); !attribute->attisdropped)
			converters[i] = make_converter(attribute->atttypid, attribute->atttypmod);
	return converters;
}

void
match(Converter &converter, const remote::Column &column)
{
	converter.utc = column.utc;
	if (converter.remote_type == column.type_oid || column.type_oid >= FirstUnpinnedObjectId)
		return;
	converter.same_type = converter.base_type == column.type_oid;
	Oid receiver;
	getTypeBinaryInputInfo(converter.same_type ? converter.type : column.type_oid, &receiver, &converter.receive_param);
	fmgr_info_cxt(receiver, &converter.receive, converter.context);
	converter.encoded_text = is_textual(column.type_oid) || is_textual(get_element_type(column.type_oid));
	converter.remote_type = column.type_oid;
}

void
match(Converter *converters, const remote::Column *columns, int count)
{
	for (int i = 0; i < count; ++i)
		match(converters[i], columns[i]);
}

Datum
cell_datum(Converter &converter, const Cell &cell, bool *is_null)
{
	Datum value = 0;
	*is_null = cell.kind == CellKind::null;
	if (!*is_null && direct(converter, cell, &value))
		return value;
	if (cell.kind == CellKind::wire) {
		if (!OidIsValid(converter.remote_type))
			elog(ERROR, "a value in wire form, but nothing known of its type");
		if (converter.same_type)
			return receive(converter, cell, converter.typmod);
	}
	check_class(converter, cell);
	char *text = cell_text(converter, cell);
	check_bits(converter, text);
	if (converter.utc && converter.base_type == TIMESTAMPTZOID && cell.kind == CellKind::text &&
	    core::lacks_offset(text))
		text = psprintf("%s+00", text);
	return InputFunctionCall(&converter.input, text, converter.io_param, converter.typmod);
}

} // namespace tenancy::bridge
