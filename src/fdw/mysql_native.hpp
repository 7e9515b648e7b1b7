/*
 * Types of MySQL and MariaDB as their information_schema spells them, and the local types that hold the same values.
 * PG regime.
 */
#pragma once

#include "fdw/option.hpp"

extern "C" {
#include "utils/date.h"
#include "utils/datetime.h"
}

namespace tenancy::fdw {

enum class Native : uint8 {
	unknown,
	integer,
	year,
	decimal,
	single, /* float */
	real,   /* double */
	date,
	datetime,
	timestamp,
	time,
	character, /* char(n), which has no trailing spaces */
	varying,   /* varchar(n) and the four kinds of text */
	member,    /* enum, set */
	bytes,
	bit,
	json,
	uuid
};

struct NativeType {
	Native kind;
	bool is_unsigned;
	int length;  /* bytes of an integer; digits of a decimal; characters of text; bytes; bits. -1: nobody knows */
	int scale;   /* digits after the point of a decimal, of a second, of a float that rounds */
	bool rounds; /* float(m,d), double(m,d) */
};

/* What a DECIMAL holds: digits in all, and of them behind the point. */
constexpr int most_digits = 65;
constexpr int most_scale = 30;

/* Days and moments as PostgreSQL counts them, for the years 1 to 9999 of DATE and DATETIME. */
inline DateADT
day(int year, int month, int day_of_month)
{
	return date2j(year, month, day_of_month) - POSTGRES_EPOCH_JDATE;
}
inline Timestamp
start_of(DateADT date)
{
	return date * USECS_PER_DAY;
}

NativeType parse_native(const char *text);

/* Does the column hold every value of its native type, and no other? Only then conditions on it mean the same there. */
bool fits(const Column &column, const NativeType &native);

/* A character set whose strings compare with those of the session without a conversion that could fail. */
bool is_utf8mb4(const Column &column);
/* Equal under the column's collation is equal byte for byte, trailing spaces included. */
bool is_exact_collation(const Column &column);
/* LIKE compares code points. */
bool is_binary_collation(const Column &column);

} // namespace tenancy::fdw
