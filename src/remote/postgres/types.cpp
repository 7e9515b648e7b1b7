/*
 * OIDs and names out of pg_type.dat, which no release changes. Pure regime.
 */
#include "remote/postgres/types.hpp"

#include <algorithm>
#include <iterator>
#include <span>

#include "core/pgtype.hpp"

namespace tenancy::remote::postgres {

namespace pgtype = core::pgtype;

namespace {

/* The types that keep their OID on this side, with their arrays; the most frequent first. */
constexpr Builtin kept[] = {
	{pgtype::int4, 1007, "integer", Decoding::integer, Decoding::sent_int4},
	{pgtype::int8, 1016, "bigint", Decoding::integer, Decoding::sent_int8},
	{pgtype::text, 1009, "text", Decoding::text, Decoding::text},
	{pgtype::varchar, 1015, "character varying", Decoding::text, Decoding::text},
	{pgtype::numeric, 1231, "numeric"},
	{pgtype::boolean, 1000, "boolean", Decoding::boolean, Decoding::sent_boolean},
	{pgtype::float8, 1022, "double precision", Decoding::float8, Decoding::sent_float8},
	{pgtype::timestamptz, 1185, "timestamp with time zone", Decoding::text, Decoding::sent_timestamp},
	{pgtype::timestamp, 1115, "timestamp without time zone", Decoding::text, Decoding::sent_timestamp},
	{pgtype::date, 1182, "date", Decoding::text, Decoding::sent_date},
	{pgtype::uuid, 2951, "uuid"},
	{pgtype::jsonb, 3807, "jsonb", Decoding::text, Decoding::sent_jsonb},
	{pgtype::bytea, 1001, "bytea", Decoding::bytes, Decoding::sent_bytes},
	{pgtype::name, 1003, "name", Decoding::text, Decoding::text},
	{pgtype::int2, 1005, "smallint", Decoding::integer, Decoding::sent_int2},
	{pgtype::oid, 1028, "oid", Decoding::text, Decoding::sent_oid},
	{pgtype::json, 199, "json", Decoding::text, Decoding::text},
	{pgtype::float4, 1021, "real", Decoding::float4, Decoding::sent_float4},
	{pgtype::bpchar, 1014, "character", Decoding::text, Decoding::text},
	{pgtype::time, 1183, "time without time zone", Decoding::text, Decoding::sent_time},
	{pgtype::interval, 1187, "interval"},
	{pgtype::timetz, 1270, "time with time zone"},
	{pgtype::bit, 1561, "bit"},
	{pgtype::varbit, 1563, "bit varying"},
};

/* Arrive as text, as they are of less use elsewhere, except where a table of ours has a column of the same type. */
constexpr Builtin as_text_or_sent[] = {
	{27, 1010, "tid"},         {650, 651, "cidr"},        {869, 1041, "inet"},     {829, 1040, "macaddr"},
	{774, 775, "macaddr8"},    {600, 1017, "point"},      {601, 1018, "lseg"},     {602, 1019, "path"},
	{603, 1020, "box"},        {604, 1027, "polygon"},    {628, 629, "line"},      {718, 719, "circle"},
	{3904, 3905, "int4range"}, {3906, 3907, "numrange"},  {3908, 3909, "tsrange"}, {3910, 3911, "tstzrange"},
	{3912, 3913, "daterange"}, {3926, 3927, "int8range"},
};

/* Always text: their values depend on the server. */
struct Named {
	std::uint32_t oid;
	const char *name;
};
constexpr Named named[] = {
	{18, "\"char\""}, {24, "regproc"},    {28, "xid"},       {142, "xml"},     {705, "unknown"},
	{790, "money"},   {2205, "regclass"}, {2206, "regtype"}, {2249, "record"}, {2202, "regprocedure"},
	{2278, "void"},   {3614, "tsvector"}, {3615, "tsquery"},
};

const Builtin *
find(std::span<const Builtin> list, std::uint32_t oid) noexcept
{
	auto const found =
		std::ranges::find_if(list, [oid](const Builtin &type) { return type.oid == oid || type.array == oid; });
	return found == list.end() ? nullptr : &*found;
}

} // namespace

const Builtin *
find_kept(std::uint32_t oid) noexcept
{
	return find(kept, oid);
}

const Builtin *
find_sent(std::uint32_t oid) noexcept
{
	return find(as_text_or_sent, oid);
}

const char *
find_named(std::uint32_t oid) noexcept
{
	auto const found = std::ranges::find(named, oid, &Named::oid);
	return found == std::end(named) ? nullptr : found->name;
}

} // namespace tenancy::remote::postgres
