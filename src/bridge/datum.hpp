/*
 * Small conversions between Datums and plain C++ values. PG regime.
 */
#pragma once

#include "bridge/pg.hpp"
#include "core/uuid.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "utils/array.h"
}

namespace tenancy::bridge {

inline Datum
uuid_datum(const core::Uuid &uuid)
{
	auto *const copy = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
	memcpy(copy->data, uuid.bytes.data(), sizeof copy->data);
	return UUIDPGetDatum(copy);
}

inline core::Uuid
uuid_value(Datum datum)
{
	core::Uuid uuid;
	memcpy(uuid.bytes.data(), DatumGetUUIDP(datum)->data, uuid.bytes.size());
	return uuid;
}

/* Palloc'd. */
inline char *
uuid_text(const core::Uuid &uuid)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, uuid_datum(uuid)));
}

/* A Datum of type name. */
inline Datum
name_datum(const char *name)
{
	return DirectFunctionCall1(namein, CStringGetDatum(name));
}

inline Datum
bytea_datum(const void *bytes, Size size)
{
	auto *const copy = static_cast<bytea *>(palloc(VARHDRSZ + size));
	SET_VARSIZE(copy, VARHDRSZ + size);
	memcpy(VARDATA(copy), bytes, size);
	return PointerGetDatum(copy);
}

inline Datum
uuid_array(Datum *uuids, int count)
{
	return PointerGetDatum(construct_array(uuids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

inline Datum
uuid_array(const core::Uuid *uuids, int count)
{
	auto *const values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(count)));
	for (int i = 0; i < count; ++i)
		values[i] = PointerGetDatum(uuids[i].bytes.data());
	return uuid_array(values, count);
}

/* Argument n as a C string in CurrentMemoryContext; NULL for SQL null. */
inline char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* An argument that is going to be kept as it came, or NULL: one of more bytes could no longer be printed or dumped. */
inline void
limit_size(const void *value, Size most, const char *what)
{
	if (value != nullptr && VARSIZE_ANY(value) > most)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s are too large", what),
		                errdetail("They have %zu bytes, and may have %zu.", VARSIZE_ANY(value), most)));
}

/* From microseconds since PostgreSQL's epoch to those since 1970, and back. */
constexpr int64 unix_epoch_shift = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

constexpr int64
unix_micros(TimestampTz time)
{
	return time + unix_epoch_shift;
}

constexpr TimestampTz
from_unix_micros(int64 micros)
{
	return micros - unix_epoch_shift;
}

/* A text Datum, or SQL null for NULL. */
inline NullableDatum
nullable_text(const char *text)
{
	NullableDatum datum;
	datum.isnull = text == nullptr;
	datum.value = text == nullptr ? static_cast<Datum>(0) : CStringGetTextDatum(text);
	return datum;
}

} // namespace tenancy::bridge
