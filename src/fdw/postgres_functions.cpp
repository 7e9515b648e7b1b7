/*
 * See postgres_functions.hpp. PG regime.
 */
#include "fdw/postgres_functions.hpp"

#include <algorithm>
#include <iterator>

extern "C" {
#include "catalog/pg_proc.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace tenancy::fdw {

namespace {

/* Base types; arrays of them are portable too. Not here: money and reg…, which mean what their server thinks. */
constexpr Oid portable_types[] = {BOOLOID,    BYTEAOID,     CHAROID,        NAMEOID,     INT8OID,    INT2OID,
                                  INT4OID,    TEXTOID,      OIDOID,         JSONOID,     FLOAT4OID,  FLOAT8OID,
                                  MACADDROID, INETOID,      CIDROID,        BPCHAROID,   VARCHAROID, DATEOID,
                                  TIMEOID,    TIMESTAMPOID, TIMESTAMPTZOID, INTERVALOID, TIMETZOID,  BITOID,
                                  VARBITOID,  NUMERICOID,   UUIDOID,        JSONBOID,    UNKNOWNOID};

/* Functions and operators of text that compare for equality, or look at bytes and characters only. */
constexpr Oid collation_free[] = {F_TEXTEQ,
                                  F_TEXTNE,
                                  F_BPCHAREQ,
                                  F_BPCHARNE,
                                  F_TEXTLIKE,
                                  F_TEXTNLIKE,
                                  F_BPCHARLIKE,
                                  F_BPCHARNLIKE,
                                  F_LIKE_TEXT_TEXT,
                                  F_NOTLIKE_TEXT_TEXT,
                                  F_TEXTCAT,
                                  F_TEXTLEN,
                                  F_LENGTH_TEXT,
                                  F_CHAR_LENGTH_TEXT,
                                  F_CHARACTER_LENGTH_TEXT,
                                  F_LENGTH_BPCHAR,
                                  F_CHAR_LENGTH_BPCHAR,
                                  F_CHARACTER_LENGTH_BPCHAR,
                                  F_OCTET_LENGTH_TEXT,
                                  F_OCTET_LENGTH_BPCHAR,
                                  F_BIT_LENGTH_TEXT,
                                  F_SUBSTRING_TEXT_INT4,
                                  F_SUBSTRING_TEXT_INT4_INT4,
                                  F_SUBSTR_TEXT_INT4,
                                  F_SUBSTR_TEXT_INT4_INT4,
                                  F_OVERLAY_TEXT_TEXT_INT4,
                                  F_OVERLAY_TEXT_TEXT_INT4_INT4,
                                  F_POSITION_TEXT_TEXT,
                                  F_STRPOS,
                                  F_REPLACE,
                                  F_TRANSLATE,
                                  F_BTRIM_TEXT,
                                  F_BTRIM_TEXT_TEXT,
                                  F_LTRIM_TEXT,
                                  F_LTRIM_TEXT_TEXT,
                                  F_RTRIM_TEXT,
                                  F_RTRIM_TEXT_TEXT,
                                  F_LPAD_TEXT_INT4,
                                  F_LPAD_TEXT_INT4_TEXT,
                                  F_RPAD_TEXT_INT4,
                                  F_RPAD_TEXT_INT4_TEXT,
                                  F_LEFT,
                                  F_RIGHT,
                                  compat::reverse_text,
                                  F_REPEAT,
                                  F_SPLIT_PART,
                                  F_STARTS_WITH,
                                  F_MD5_TEXT,
                                  F_ASCII,
                                  F_CHR,
                                  F_TEXT_BPCHAR,
                                  F_BPCHAR_BPCHAR_INT4_BOOL,
                                  F_VARCHAR_VARCHAR_INT4_BOOL,
                                  F_NAMEEQ,
                                  F_NAMENE,
                                  F_ENCODE,
                                  F_DECODE,
                                  F_TO_HEX_INT4,
                                  F_TO_HEX_INT8,
                                  F_LIKE_ESCAPE_TEXT_TEXT,
                                  F_COUNT_ANY,
                                  F_STRING_AGG_TEXT_TEXT,
                                  F_ARRAY_AGG_ANYNONARRAY,
                                  F_JSON_OBJECT_FIELD,
                                  F_JSON_OBJECT_FIELD_TEXT,
                                  F_JSON_EXTRACT_PATH,
                                  F_JSON_EXTRACT_PATH_TEXT,
                                  F_JSONB_OBJECT_FIELD,
                                  F_JSONB_OBJECT_FIELD_TEXT,
                                  F_JSONB_EXTRACT_PATH,
                                  F_JSONB_EXTRACT_PATH_TEXT,
                                  F_JSONB_EXISTS,
                                  F_JSONB_EXISTS_ANY,
                                  F_JSONB_EXISTS_ALL,
                                  F_LAG_ANYELEMENT,
                                  F_LEAD_ANYELEMENT,
                                  F_FIRST_VALUE,
                                  F_LAST_VALUE,
                                  F_NTH_VALUE};

/* Functions of text whose result is the same whatever bytes its characters are. */
constexpr Oid encoding_free[] = {F_TEXTEQ,
                                 F_TEXTNE,
                                 F_BPCHAREQ,
                                 F_BPCHARNE,
                                 F_NAMEEQ,
                                 F_NAMENE,
                                 F_TEXTCAT,
                                 F_TEXT_BPCHAR,
                                 F_ENCODE,
                                 F_TO_HEX_INT4,
                                 F_TO_HEX_INT8,
                                 F_COUNT_ANY,
                                 F_STRING_AGG_TEXT_TEXT,
                                 F_ARRAY_AGG_ANYNONARRAY,
                                 F_LAG_ANYELEMENT,
                                 F_LAG_ANYELEMENT_INT4,
                                 F_LEAD_ANYELEMENT,
                                 F_LEAD_ANYELEMENT_INT4,
                                 F_FIRST_VALUE,
                                 F_LAST_VALUE,
                                 F_NTH_VALUE};

/* Functions of dates whose text, the name of a field, is the same under every collation and in every encoding. */
constexpr Oid date_fields[] = {F_EXTRACT_TEXT_DATE,       F_EXTRACT_TEXT_TIME,        F_EXTRACT_TEXT_TIMESTAMP,
                               F_DATE_PART_TEXT_TIME,     F_DATE_PART_TEXT_TIMESTAMP, F_DATE_TRUNC_TEXT_TIMESTAMP,
                               F_DATE_TRUNC_TEXT_INTERVAL};

/* Functions of text that compare, for which nothing of a collation counts but its order. */
constexpr Oid text_order[] = {F_TEXT_LT,        F_TEXT_LE,      F_TEXT_GT,   F_TEXT_GE,   F_BTTEXTCMP,
                              F_TEXT_LARGER,    F_TEXT_SMALLER, F_MAX_TEXT,  F_MIN_TEXT,  F_BPCHARLT,
                              F_BPCHARLE,       F_BPCHARGT,     F_BPCHARGE,  F_BPCHARCMP, F_BPCHAR_LARGER,
                              F_BPCHAR_SMALLER, F_MAX_BPCHAR,   F_MIN_BPCHAR};

/*
 * Called immutable, but not everywhere alike: quote_all_identifiers decides what quote_ident answers, the session's
 * time zone how old a moment is, the server's tables of zones when noon is in one of them. Not the same in each release
 * are the quarter of an interval below zero (18), the time of a UUID of version 7 (18), petabytes (15), a "char" beyond
 * ASCII as text and back (16), and what the tables of Unicode decide.
 */
constexpr Oid date_add_in_zone = 6222, date_subtract_in_zone = 6273;              /* since 16 */
constexpr Oid unicode_assigned = 6105, uuid_extract_timestamp = 6342;             /* since 17 */
constexpr Oid array_sort = 6388, array_sort_down = 6389, array_sort_nulls = 6390; /* since 18 */
constexpr Oid not_alike[] = {F_QUOTE_IDENT,
                             F_AGE_TIMESTAMPTZ_TIMESTAMPTZ,
                             F_TIMEZONE_TEXT_TIMESTAMP,
                             F_TIMEZONE_TEXT_TIMESTAMPTZ,
                             F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT,
                             date_add_in_zone,
                             date_subtract_in_zone,
                             F_EXTRACT_TEXT_INTERVAL,
                             F_DATE_PART_TEXT_INTERVAL,
                             F_PG_SIZE_PRETTY_INT8,
                             F_PG_SIZE_PRETTY_NUMERIC,
                             F_TEXT_CHAR,
                             F_CHAR_TEXT,
                             uuid_extract_timestamp,
                             F_NORMALIZE,
                             F_IS_NORMALIZED,
                             unicode_assigned};

/* Order of jsonb, whose texts are compared under the default collation of their server. */
constexpr Oid json_order[] = {F_JSONB_LT, F_JSONB_LE, F_JSONB_GT, F_JSONB_GE, F_JSONB_CMP};

/* Order of arrays, in which that of jsonb may be. */
constexpr Oid array_order[] = {
	F_ARRAY_LT,     F_ARRAY_LE,      F_ARRAY_GT,      F_ARRAY_GE,     F_BTARRAYCMP,
	F_ARRAY_LARGER, F_ARRAY_SMALLER, F_MIN_ANYARRAY,  F_MAX_ANYARRAY, F_WIDTH_BUCKET_ANYCOMPATIBLE_ANYCOMPATIBLEARRAY,
	array_sort,     array_sort_down, array_sort_nulls};

/*
 * Their text is what bytea_output and extra_float_digits of the session say, though their output is called immutable.
 */
constexpr Oid shaped_types[] = {BYTEAOID, FLOAT4OID, FLOAT8OID};

/* Ordered input decides the result of these. */
constexpr Oid ordered_aggregates[] = {F_STRING_AGG_TEXT_TEXT, F_STRING_AGG_BYTEA_BYTEA, F_ARRAY_AGG_ANYNONARRAY};

constexpr const char *plain_aggregates[] = {"count",       "sum",        "avg",      "min",      "max",     "stddev",
                                            "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop", "bool_and",
                                            "bool_or",     "every",      "bit_and",  "bit_or",   "bit_xor"};

constexpr Oid window_functions[] = {F_ROW_NUMBER,      F_RANK_,
                                    F_DENSE_RANK_,     F_PERCENT_RANK_,
                                    F_CUME_DIST_,      F_NTILE,
                                    F_LAG_ANYELEMENT,  F_LAG_ANYELEMENT_INT4,
                                    F_LEAD_ANYELEMENT, F_LEAD_ANYELEMENT_INT4,
                                    F_FIRST_VALUE,     F_LAST_VALUE,
                                    F_NTH_VALUE};

template <typename Array, typename Item>
bool
has(const Array &array, const Item &item)
{
	return std::find(std::begin(array), std::end(array), item) != std::end(array);
}

Form_pg_proc
form_of(HeapTuple tuple)
{
	return reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
}

} // namespace

bool
is_portable_type(Oid type)
{
	if (type >= FirstUnpinnedObjectId)
		return false;
	Oid const element = get_element_type(type);
	return has(portable_types, OidIsValid(element) ? element : type);
}

bool
has_portable_order(Oid type)
{
	Oid const element = get_element_type(type);
	return is_portable_type(type) && (OidIsValid(element) ? element : type) != JSONBOID;
}

bool
is_portable_function(Oid function)
{
	if (function >= FirstUnpinnedObjectId || has(json_order, function) || has(not_alike, function))
		return false;
	HeapTuple const tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	Form_pg_proc const form = form_of(tuple);
	bool portable = form->provolatile == PROVOLATILE_IMMUTABLE && form->prokind == PROKIND_FUNCTION && !form->proretset;
	for (int i = 0; portable && i < form->pronargs; ++i) {
		Oid const type = form->proargtypes.values[i];
		portable = is_portable_type(type) || IsPolymorphicType(type);
	}
	ReleaseSysCache(tuple);
	return portable;
}

bool
is_portable_aggregate(Oid function, bool ordered)
{
	if (function >= FirstUnpinnedObjectId)
		return false;
	if (has(ordered_aggregates, function))
		return ordered;
	char *const name = get_func_name(function);
	return name != nullptr && std::any_of(std::begin(plain_aggregates), std::end(plain_aggregates),
	                                      [name](const char *plain) { return strcmp(name, plain) == 0; });
}

bool
orders_json(Oid function, List *args)
{
	if (!has(array_order, function))
		return false;
	ListCell *cell;
	foreach (cell, args) {
		auto *const node = static_cast<Node *>(lfirst(cell));
		/* The arguments of an aggregate are TargetEntries. */
		auto *const value =
			IsA(node, TargetEntry) ? reinterpret_cast<Node *>(reinterpret_cast<TargetEntry *>(node)->expr) : node;
		if (get_element_type(exprType(value)) == JSONBOID)
			return true;
	}
	return false;
}

bool
is_portable_window(Oid function)
{
	return has(window_functions, function);
}

bool
only_compares(Oid function)
{
	return !OidIsValid(function) || has(text_order, function) || has(array_order, function);
}

bool
ignores_collation(Oid function)
{
	return has(collation_free, function) || has(date_fields, function);
}

bool
ignores_encoding(Oid function)
{
	return has(encoding_free, function) || has(date_fields, function);
}

bool
makes_text(Oid function)
{
	return function == F_CHR;
}

bool
has_stable_text(Oid from, Oid to)
{
	Oid output, input, io_param;
	bool is_varlena;
	getTypeOutputInfo(from, &output, &is_varlena);
	getTypeInputInfo(to, &input, &io_param);
	return is_portable_type(from) && !has(shaped_types, from) && to != BYTEAOID &&
	       func_volatile(output) == PROVOLATILE_IMMUTABLE && func_volatile(input) == PROVOLATILE_IMMUTABLE;
}

} // namespace tenancy::fdw
