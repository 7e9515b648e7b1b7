/*
 * See cell.hpp. PG regime.
 */
#include "bridge/cell.hpp"

#include <cmath>

extern "C" {
#include "utils/float.h"
#include "utils/lsyscache.h"
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
	case CellKind::float4: return DatumGetCString(DirectFunctionCall1(float4out, Float4GetDatum(static_cast<float4>(cell.real))));
	case CellKind::float8: return DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(cell.real)));
	case CellKind::text: return pg_any_to_server(const_cast<char *>(cell.data), static_cast<int>(cell.size), PG_UTF8);
	case CellKind::bytes: {
		auto *const hex = static_cast<char *>(palloc(2 * static_cast<Size>(cell.size) + 3));
		hex[0] = '\\';
		hex[1] = 'x';
		*(hex + 2 + hex_encode(cell.data, cell.size, hex + 2)) = 0;
		return hex;
	}
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

/* The conversions that need no text between; false leaves it to the input function, with its checks and its errors. */
bool
direct(const Converter &converter, const Cell &cell, Datum *value)
{
	switch (converter.type) {
	case INT8OID:
		*value = Int64GetDatum(cell.integer);
		return cell.kind == CellKind::integer;
	case INT4OID:
		*value = Int32GetDatum(static_cast<int32>(cell.integer));
		return cell.kind == CellKind::integer && cell.integer == static_cast<int32>(cell.integer);
	case INT2OID:
		*value = Int16GetDatum(static_cast<int16>(cell.integer));
		return cell.kind == CellKind::integer && cell.integer == static_cast<int16>(cell.integer);
	case BOOLOID:
		*value = BoolGetDatum(cell.integer != 0);
		return cell.kind == CellKind::boolean || (cell.kind == CellKind::integer && (cell.integer == 0 || cell.integer == 1));
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
	auto *const converters = static_cast<Converter *>(palloc0(sizeof(Converter) * static_cast<Size>(descriptor->natts)));
	for (int i = 0; i < descriptor->natts; ++i) {
		Form_pg_attribute const attribute = TupleDescAttr(descriptor, i);
		Oid                     input;
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
