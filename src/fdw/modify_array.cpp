/*
 * Values of a column as one binary array for a PostgreSQL server, whose INSERT unnests it. PG regime.
 */
#include "fdw/encoder.hpp"

extern "C" {
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

bool
starts_with(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

void
append_bytes(StringInfo array, const void *data, std::size_t size)
{
	pq_sendint32(array, static_cast<uint32>(size));
	appendBinaryStringInfoNT(array, static_cast<const char *>(data), static_cast<int>(size));
}

} // namespace

bool
has_portable_binary(Oid type)
{
	switch (type) {
	case BOOLOID:
	case INT2OID:
	case INT4OID:
	case INT8OID:
	case FLOAT4OID:
	case FLOAT8OID:
	case NUMERICOID:
	case DATEOID:
	case TIMEOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID:
	case INTERVALOID:
	case UUIDOID:
	case BYTEAOID:
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID:
	case JSONOID: return true;
	default: return false;
	}
}

/*
 * Can the column be sent in an array? Only when it is known to be of the same type: unlike a single value, an element
 * is not read by the type of the remote column.
 */
bool
has_array_form(const Column &column)
{
	Oid const type = getBaseType(column.type);
	if (column.native_type == nullptr || !has_portable_binary(type) || !OidIsValid(get_array_type(type)))
		return false;
	if (type == TEXTOID || type == VARCHAROID)
		return strcmp(column.native_type, "text") == 0 || starts_with(column.native_type, "character varying");
	return strcmp(column.native_type, format_type_be(type)) == 0 ||
	       strcmp(column.native_type, format_type_with_typemod(type, column.typmod)) == 0;
}

/* One dimension, lower bound 1; the number of rows and the presence of nulls follow in end_array(). */
StringInfo
begin_array(const Encoder &encoder)
{
	StringInfo const array = makeStringInfo();
	pq_sendint32(array, 1);
	pq_sendint32(array, 0);
	pq_sendint32(array, encoder.type);
	pq_sendint32(array, 0);
	pq_sendint32(array, 1);
	return array;
}

void
append_element(Encoder &encoder, StringInfo array, Datum value, bool is_null)
{
	if (is_null) {
		pq_sendint32(array, static_cast<uint32>(-1));
		return;
	}
	switch (encoder.type) {
	case BOOLOID:
		pq_sendint32(array, 1);
		pq_sendbyte(array, DatumGetBool(value) ? 1 : 0);
		break;
	case INT2OID:
		pq_sendint32(array, 2);
		pq_sendint16(array, static_cast<uint16>(DatumGetInt16(value)));
		break;
	case INT4OID:
	case DATEOID:
		pq_sendint32(array, 4);
		pq_sendint32(array, static_cast<uint32>(DatumGetInt32(value)));
		break;
	case INT8OID:
	case TIMEOID:
	case TIMESTAMPOID:
	case TIMESTAMPTZOID:
		pq_sendint32(array, 8);
		pq_sendint64(array, static_cast<uint64>(DatumGetInt64(value)));
		break;
	case FLOAT4OID:
		pq_sendint32(array, 4);
		pq_sendfloat4(array, DatumGetFloat4(value));
		break;
	case FLOAT8OID:
		pq_sendint32(array, 8);
		pq_sendfloat8(array, DatumGetFloat8(value));
		break;
	case TEXTOID:
	case VARCHAROID:
	case BPCHAROID:
	case JSONOID:
	case BYTEAOID: {
		remote::ParamView const param = encode(encoder, value, false);
		append_bytes(array, param.text.data(), param.text.size());
		break;
	}
	default: {
		bytea *const bytes = SendFunctionCall(&encoder.send, value);
		append_bytes(array, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
	}
	}
}

remote::ParamView
end_array(const Encoder &encoder, StringInfo array, int rows, bool has_null)
{
	uint32 const flags = pg_hton32(has_null ? 1 : 0);
	uint32 const size = pg_hton32(static_cast<uint32>(rows));
	memcpy(array->data + 4, &flags, 4);
	memcpy(array->data + 12, &size, 4);
	remote::ParamView param;
	param.kind = remote::Param::Kind::bytes;
	param.type_oid = get_array_type(encoder.type);
	param.text = {array->data, static_cast<std::size_t>(array->len)};
	return param;
}

} // namespace tenancy::fdw
