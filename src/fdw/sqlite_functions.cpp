/*
 * See sqlite_functions.hpp. PG regime.
 */
#include "fdw/sqlite_functions.hpp"

#include <algorithm>
#include <iterator>

extern "C" {
#include "utils/fmgroids.h"
}

namespace tenancy::fdw {

namespace {

#define COMPARISONS(prefix, family)                                                                                    \
	{F_##prefix##EQ, "=", family}, {F_##prefix##NE, "<>", family}, {F_##prefix##LT, "<", family},                      \
		{F_##prefix##LE, "<=", family}, {F_##prefix##GT, ">", family},                                                 \
	{                                                                                                                  \
		F_##prefix##GE, ">=", family                                                                                   \
	}

constexpr Comparison comparisons[] = {
	COMPARISONS(INT2, Family::integer),     COMPARISONS(INT4, Family::integer),  COMPARISONS(INT8, Family::integer),
	COMPARISONS(INT24, Family::integer),    COMPARISONS(INT42, Family::integer), COMPARISONS(INT28, Family::integer),
	COMPARISONS(INT82, Family::integer),    COMPARISONS(INT48, Family::integer), COMPARISONS(INT84, Family::integer),
	COMPARISONS(BOOL, Family::boolean),     COMPARISONS(FLOAT8, Family::real),   COMPARISONS(BYTEA, Family::blob),
	COMPARISONS(NUMERIC_, Family::numeric), {F_TEXTEQ, "=", Family::text},       {F_TEXTNE, "<>", Family::text},
	{F_TEXT_LT, "<", Family::text},         {F_TEXT_LE, "<=", Family::text},     {F_TEXT_GT, ">", Family::text},
	{F_TEXT_GE, ">=", Family::text},
};

#undef COMPARISONS

/*
 * Arithmetic of SQLite is that of int8, and becomes REAL where that is not enough, for which the guards raise; those of
 * the smaller types look at their range too.
 */
#define ARITHMETIC(type, guard)                                                                                        \
	{F_##type##PL, guard "(%1 + %2)"}, {F_##type##MI, guard "(%1 - %2)"}, {F_##type##MUL, guard "(%1 * %2)"},          \
	{                                                                                                                  \
		F_##type##DIV, guard "(%1 / %2)", Demand::divisor                                                              \
	}

constexpr Template templates[] = {
	ARITHMETIC(INT2, "tenancy_int2"),
	ARITHMETIC(INT4, "tenancy_int4"),
	ARITHMETIC(INT24, "tenancy_int4"),
	ARITHMETIC(INT42, "tenancy_int4"),
	ARITHMETIC(INT8, "tenancy_int8"),
	ARITHMETIC(INT28, "tenancy_int8"),
	ARITHMETIC(INT82, "tenancy_int8"),
	ARITHMETIC(INT48, "tenancy_int8"),
	ARITHMETIC(INT84, "tenancy_int8"),
	{F_INT2MOD, "(%1 %% %2)", Demand::divisor},
	{F_INT4MOD, "(%1 %% %2)", Demand::divisor},
	{F_INT8MOD, "(%1 %% %2)", Demand::divisor},
	{F_MOD_INT2_INT2, "(%1 %% %2)", Demand::divisor},
	{F_MOD_INT4_INT4, "(%1 %% %2)", Demand::divisor},
	{F_MOD_INT8_INT8, "(%1 %% %2)", Demand::divisor},
	{F_INT2UM, "tenancy_int2(- %1)"},
	{F_INT4UM, "tenancy_int4(- %1)"},
	{F_INT8UM, "tenancy_int8(- %1)"},
	{F_INT2UP, "%1"},
	{F_INT4UP, "%1"},
	{F_INT8UP, "%1"},
	{F_INT2ABS, "tenancy_int2(abs(%1))"},
	{F_INT4ABS, "tenancy_int4(abs(%1))"},
	{F_INT8ABS, "abs(%1)"},
	{F_ABS_INT2, "tenancy_int2(abs(%1))"},
	{F_ABS_INT4, "tenancy_int4(abs(%1))"},
	{F_ABS_INT8, "abs(%1)"},
	{F_INT2AND, "(%1 & %2)"},
	{F_INT4AND, "(%1 & %2)"},
	{F_INT8AND, "(%1 & %2)"},
	{F_INT2OR, "(%1 | %2)"},
	{F_INT4OR, "(%1 | %2)"},
	{F_INT8OR, "(%1 | %2)"},
	{F_INT2NOT, "(~ %1)"},
	{F_INT4NOT, "(~ %1)"},
	{F_INT8NOT, "(~ %1)"},

	{F_INT4_INT2, "%1"},
	{F_INT8_INT2, "%1"},
	{F_INT8_INT4, "%1"},
	{F_INT2_INT4, "tenancy_int2(%1)"},
	{F_INT2_INT8, "tenancy_int2(%1)"},
	{F_INT4_INT8, "tenancy_int4(%1)"},
	{F_NUMERIC_INT2, "%1"},
	{F_NUMERIC_INT4, "%1"},
	{F_NUMERIC_INT8, "%1"},
	{F_FLOAT8_INT2, "CAST(%1 AS REAL)"},
	{F_FLOAT8_INT4, "CAST(%1 AS REAL)"},
	{F_FLOAT8_INT8, "CAST(%1 AS REAL)"},
	{F_INT4_BOOL, "%1"},
	{F_BOOL_INT4, "(%1 <> 0)"},
	{F_TEXT_BOOL, "CASE %1 WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"},

	{F_TEXTCAT, "(%1 || %2)"},
	{F_TEXTLEN, "length(%1)"},
	{F_LENGTH_TEXT, "length(%1)"},
	{F_CHAR_LENGTH_TEXT, "length(%1)"},
	{F_CHARACTER_LENGTH_TEXT, "length(%1)"},
	{F_OCTET_LENGTH_TEXT, "length(CAST(%1 AS BLOB))"},
	{F_LENGTH_BYTEA, "length(%1)"},
	{F_OCTET_LENGTH_BYTEA, "length(%1)"},
	{F_LOWER_TEXT, "lower(%1)", Demand::ascii},
	{F_UPPER_TEXT, "upper(%1)", Demand::ascii},
	{F_STRPOS, "instr(%1, %2)", Demand::deterministic},
	{F_POSITION_TEXT_TEXT, "instr(%1, %2)", Demand::deterministic},
	{F_REPLACE, "replace(%1, %2, %3)", Demand::replacement},
	{F_BTRIM_TEXT, "trim(%1)"},
	{F_LTRIM_TEXT, "ltrim(%1)"},
	{F_RTRIM_TEXT, "rtrim(%1)"},
	{F_BTRIM_TEXT_TEXT, "trim(%1, %2)", Demand::trimmed},
	{F_LTRIM_TEXT_TEXT, "ltrim(%1, %2)", Demand::trimmed},
	{F_RTRIM_TEXT_TEXT, "rtrim(%1, %2)", Demand::trimmed},
	{F_SUBSTR_TEXT_INT4, "substr(%1, %2)", Demand::start},
	{F_SUBSTRING_TEXT_INT4, "substr(%1, %2)", Demand::start},
	{F_SUBSTR_TEXT_INT4_INT4, "substr(%1, %2, %3)", Demand::start},
	{F_SUBSTRING_TEXT_INT4_INT4, "substr(%1, %2, %3)", Demand::start},
	{F_LEFT, "substr(%1, 1, %2)", Demand::count},
	{F_RIGHT, "substr(%1, - %2)", Demand::positive_count},
};

#undef ARITHMETIC

constexpr const char *commutators[][2] = {{"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};

template <typename Row, std::size_t Size>
const Row *
find(const Row (&table)[Size], Oid function)
{
	auto const *const row =
		std::find_if(std::begin(table), std::end(table), [function](const Row &r) { return r.function == function; });
	return row == std::end(table) ? nullptr : row;
}

} // namespace

const Comparison *
find_comparison(Oid function)
{
	return find(comparisons, function);
}

const Template *
find_template(Oid function)
{
	return find(templates, function);
}

const char *
commuted(const char *op)
{
	for (auto const &pair : commutators)
		if (strcmp(pair[0], op) == 0)
			return pair[1];
	return op;
}

} // namespace tenancy::fdw
