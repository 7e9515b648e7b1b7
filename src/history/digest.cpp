/*
 * See digest.hpp. The bytes are those of the row as a value of type record in UTF-8, with the times as seconds since
 * 1970, written here because the type system's own way costs ten times as much. PG regime.
 */
#include "history/digest.hpp"

#include <algorithm>

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "core/digest.hpp"
#include "core/hex.hpp"

extern "C" {
#include "utils/inet.h"
#include "utils/typcache.h"
}

namespace tenancy::history {

namespace {

enum class Kind : uint8 { uuid, text, int4, int8, boolean, time, address, name, absent };

constexpr Kind kinds[attribute_count] = {
	Kind::uuid,    Kind::uuid, Kind::uuid,    Kind::text,    Kind::text,   Kind::int4, Kind::int4,
	Kind::text,    Kind::text, Kind::text,    Kind::absent,  Kind::absent, Kind::text, Kind::text,
	Kind::text,    Kind::int8, Kind::boolean, Kind::boolean, Kind::time,   Kind::time, Kind::text,
	Kind::address, Kind::name, Kind::int4,    Kind::int8,    Kind::absent};

/* Adds a field, quoted as record_out() does it. */
void
add_quoted(StringInfo to, const char *text, int length)
{
	bool quote = length == 0;
	for (int i = 0; i < length && !quote; ++i) {
		char const c = text[i];
		quote =
			c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || isspace(static_cast<unsigned char>(c)) != 0;
	}
	if (!quote)
		return appendBinaryStringInfo(to, text, length);
	appendStringInfoCharMacro(to, '"');
	auto const is_doubled = [](char c) { return c == '"' || c == '\\'; };
	for (const char *const end = text + length;;) {
		const char *const special = std::find_if(text, end, is_doubled);
		appendBinaryStringInfo(to, text, static_cast<int>(special - text));
		if (special == end)
			break;
		appendStringInfoCharMacro(to, *special);
		appendStringInfoCharMacro(to, *special);
		text = special + 1;
	}
	appendStringInfoCharMacro(to, '"');
}

void
add_uuid(StringInfo to, const pg_uuid_t *uuid)
{
	char text[36];
	char *at = text;
	for (int i = 0; i < UUID_LEN; ++i) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at = core::put_hex(at, uuid->data[i]);
	}
	appendBinaryStringInfo(to, text, sizeof text);
}

/* Adds a time as extract(epoch from …) prints it: in seconds with six decimals. */
void
add_epoch(StringInfo to, TimestampTz time)
{
	int64 const since = bridge::unix_micros(time);
	uint64 const size = since < 0 ? -static_cast<uint64>(since) : static_cast<uint64>(since);
	appendStringInfo(to, "%s" UINT64_FORMAT ".%06d", since < 0 ? "-" : "", size / USECS_PER_SEC,
	                 static_cast<int>(size % USECS_PER_SEC));
}

void
add_integer(StringInfo to, int64 value)
{
	char digits[MAXINT8LEN + 1];
	appendBinaryStringInfo(to, digits, pg_lltoa(value, digits));
}

void
add_value(StringInfo to, Kind kind, Datum value)
{
	switch (kind) {
	case Kind::uuid: return add_uuid(to, DatumGetUUIDP(value));
	case Kind::text: {
		text *const plain = DatumGetTextPP(value);
		return add_quoted(to, VARDATA_ANY(plain), static_cast<int>(VARSIZE_ANY_EXHDR(plain)));
	}
	case Kind::int4: return add_integer(to, DatumGetInt32(value));
	case Kind::int8: return add_integer(to, DatumGetInt64(value));
	case Kind::boolean: return appendStringInfoChar(to, DatumGetBool(value) ? 't' : 'f');
	case Kind::time: return add_epoch(to, DatumGetTimestampTz(value));
	case Kind::address: {
		const char *const address = DatumGetCString(DirectFunctionCall1(inet_out, value));
		return add_quoted(to, address, static_cast<int>(strlen(address)));
	}
	case Kind::name: {
		const char *const name = NameStr(*DatumGetName(value));
		return add_quoted(to, name, static_cast<int>(strlen(name)));
	}
	case Kind::absent: return;
	}
}

void
hash_text(std::string_view bytes, unsigned char *hash)
{
	core::Digest digest;
	if (!core::sha256(bytes, digest))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	memcpy(hash, digest.bytes.data(), hash_size);
}

} // namespace

void
take_apart(HeapTuple tuple, TupleDesc description, Entry *entry)
{
	if (description->natts != attribute_count)
		elog(ERROR, "query_history has %d columns instead of %d", description->natts, attribute_count);
	heap_deform_tuple(tuple, description, entry->values, entry->nulls);
}

void
digest_of(const Entry &entry, StringInfo buffer, unsigned char *digest)
{
	resetStringInfo(buffer);
	for (int i = 0; i < attribute_count; ++i) {
		if (kinds[i] == Kind::absent)
			continue;
		appendStringInfoCharMacro(buffer, i == 0 ? '(' : ',');
		if (!entry.nulls[i])
			add_value(buffer, kinds[i], entry.values[i]);
	}
	appendStringInfoCharMacro(buffer, ')');
	const char *const text = pg_server_to_any(buffer->data, buffer->len, PG_UTF8);
	hash_text({text, text == buffer->data ? static_cast<Size>(buffer->len) : strlen(text)}, digest);
}

bool
hash_value(Datum datum, bool is_null, unsigned char *hash)
{
	if (is_null)
		return false;
	bytea *const bytes = DatumGetByteaPP(datum);
	if (VARSIZE_ANY_EXHDR(bytes) != hash_size)
		return false;
	memcpy(hash, VARDATA_ANY(bytes), hash_size);
	return true;
}

void
link_of(const unsigned char *before, const unsigned char *digest, unsigned char *hash)
{
	unsigned char both[2 * hash_size];
	Size const size = before == nullptr ? 0 : hash_size;
	if (before != nullptr)
		memcpy(both, before, hash_size);
	memcpy(both + size, digest, hash_size);
	hash_text({reinterpret_cast<const char *>(both), size + hash_size}, hash);
}

/* tenancy.history_entry_digest(query_history) → bytea. */
TENANCY_FUNCTION(history_entry_digest)
{
	HeapTupleHeader const header = PG_GETARG_HEAPTUPLEHEADER(0);
	HeapTupleData tuple;
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	TupleDesc const description =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	Entry entry;
	take_apart(&tuple, description, &entry);
	ReleaseTupleDesc(description);
	StringInfoData buffer;
	initStringInfo(&buffer);
	unsigned char digest[hash_size];
	digest_of(entry, &buffer, digest);
	pfree(buffer.data);
	PG_RETURN_DATUM(bridge::bytea_datum(digest, hash_size));
}

} // namespace tenancy::history
