/*
 * The built-in types that results are described by: their OIDs, which PostgreSQL never changes
 * (src/include/catalog/pg_type.dat). Pure regime: the drivers name types without a server header.
 */
#pragma once

#include <cstdint>
#include <string>

namespace tenancy::core::pgtype {

constexpr std::uint32_t boolean = 16;
constexpr std::uint32_t bytea = 17;
constexpr std::uint32_t name = 19;
constexpr std::uint32_t int8 = 20;
constexpr std::uint32_t int2 = 21;
constexpr std::uint32_t int4 = 23;
constexpr std::uint32_t text = 25;
constexpr std::uint32_t oid = 26;
constexpr std::uint32_t json = 114;
constexpr std::uint32_t float4 = 700;
constexpr std::uint32_t float8 = 701;
constexpr std::uint32_t bpchar = 1042;
constexpr std::uint32_t varchar = 1043;
constexpr std::uint32_t date = 1082;
constexpr std::uint32_t time = 1083;
constexpr std::uint32_t timestamp = 1114;
constexpr std::uint32_t timestamptz = 1184;
constexpr std::uint32_t interval = 1186;
constexpr std::uint32_t timetz = 1266;
constexpr std::uint32_t bit = 1560;
constexpr std::uint32_t varbit = 1562;
constexpr std::uint32_t numeric = 1700;
constexpr std::uint32_t uuid = 2950;
constexpr std::uint32_t jsonb = 3802;

/*
 * PostgreSQL hands out OIDs below this only to objects of its own (FirstNormalObjectId is 16384, genbki ends at 12000).
 */
constexpr std::uint32_t first_unpinned = 10000;

/* numeric(p,s) as a typmod: ((p << 16) | s) + VARHDRSZ, as numeric.c packs it. */
constexpr std::int32_t
numeric_typmod(int precision, int scale) noexcept
{
	return ((precision << 16) | (scale & 0x7ff)) + 4;
}
constexpr std::int32_t
numeric_precision(std::int32_t typmod) noexcept
{
	return ((typmod - 4) >> 16) & 0xffff;
}
/* The lowest eleven bits with their sign. */
constexpr std::int32_t
numeric_scale(std::int32_t typmod) noexcept
{
	return (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}

/*
 * A modifier that a remote server states, or -1 for one that PostgreSQL itself would not have accepted: the limits of
 * varchar.c, varbit.c, numeric.c and timestamp.c. A false one could make a value of one byte as large as it likes.
 */
constexpr std::int32_t
believable_typmod(std::uint32_t type, std::int32_t typmod) noexcept
{
	auto const within = [typmod](std::int32_t least, std::int32_t most) {
		return typmod >= least && typmod <= most ? typmod : -1;
	};
	switch (type) {
	case bpchar:
	case varchar: return within(4 + 1, 4 + 10 * 1024 * 1024);
	case bit:
	case varbit: return within(1, 10 * 1024 * 1024 * 8);
	case time:
	case timetz:
	case timestamp:
	case timestamptz: return within(0, 6);
	case numeric: {
		if (typmod < 4)
			return -1;
		std::int32_t const precision = numeric_precision(typmod), scale = numeric_scale(typmod);
		return precision >= 1 && precision <= 1000 && scale >= -1000 && scale <= 1000 ? typmod : -1;
	}
	default: return -1;
	}
}
static_assert(numeric_precision(numeric_typmod(12, -2)) == 12 && numeric_scale(numeric_typmod(12, -2)) == -2);
static_assert(believable_typmod(numeric, numeric_typmod(12, 2)) == numeric_typmod(12, 2));
static_assert(believable_typmod(numeric, -0x7fffffff - 1) == -1 && believable_typmod(numeric, 3) == -1);
static_assert(believable_typmod(numeric, 0x7fffffff) == -1 && believable_typmod(bpchar, 0x1ffffff0) == -1);

/* "(12,2)": a modifier as declarations have it; empty without one. */
inline std::string
modifier_text(std::uint32_t type, std::int32_t typmod)
{
	if (typmod < 0)
		return {};
	if (type == numeric)
		return "(" + std::to_string(numeric_precision(typmod)) + "," + std::to_string(numeric_scale(typmod)) + ")";
	return "(" + std::to_string(type == bpchar || type == varchar ? typmod - 4 : typmod) + ")";
}

} // namespace tenancy::core::pgtype
