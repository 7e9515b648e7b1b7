/*
 * Which PostgreSQL type a column of MySQL or MariaDB becomes, and how its values become cells. Pure regime.
 *
 *   tinyint, tinyint unsigned, smallint, year  int2      (tinyint(1) too: 2 is a legal value of it)
 *   smallint unsigned, mediumint, int          int4
 *   int unsigned, bigint                       int8
 *   bigint unsigned                            numeric(20,0)
 *   decimal(p,s)                               numeric   (p,s for a plain column: an expression may promise too little)
 *   float, double                              float4 by its four bytes, float8
 *   date, datetime, timestamp                  date, timestamp, timestamptz (the session's time zone is UTC)
 *   time                                       interval  (it spans -838:59:59.999999 to 838:59:59.999999)
 *   bit(n)                                     bit(n)
 *   char, varchar, text, enum, set             text
 *   json, and MariaDB's text with json_valid   json
 *   MariaDB's uuid                             uuid
 *   binary, varbinary, blob, geometry, vector  bytea
 *
 * Where RunOptions::native is set, date, datetime and timestamp are cells of PostgreSQL's own numbers.
 * A date without any part ('0000-00-00') is NULL. One with some parts ('2024-00-10') is error 22008: NULL would lose
 * what is there. Text that is not UTF-8, or has a NUL in it, is error 22021.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remote/mysql/async.hpp"
#include "remote/value.hpp"

namespace tenancy::remote::mysql {

enum class Form : std::uint8_t {
	integer,
	unsigned_bigint,
	float4,
	float8,
	text,
	number, /* text that needs no check */
	bytes,
	bits,
	date,
	timestamp,
	timestamptz,
	time
};

/* How a value lies in a row of the binary protocol: its size, or counted: behind its length. */
enum class Wire : std::uint8_t { nothing = 0, one = 1, two = 2, four = 4, eight = 8, counted = 255 };

Wire wire_of(enum_field_types type) noexcept;

struct Shape {
	Form form = Form::text;
	unsigned bits = 0; /* width of bit(n) */
	Wire wire = Wire::counted;
	bool natural = false; /* an integer without a sign */

	bool operator==(const Shape &) const = default;
};

/* How the rows of a statement look. */
struct Layout {
	std::vector<Shape> shapes;
	std::vector<Column> columns;
	std::string signature; /* of the metadata that it was made from */

	/* Would the same come of these fields? */
	bool describes(const MYSQL_FIELD *fields, unsigned count, bool extended) const;
};

/* Bytes that the library keeps of these fields, and we about as much. */
std::size_t size_of(const MYSQL_FIELD *fields, unsigned count) noexcept;

/*
 * Connector/C 3.3 copies the fields of a prepared statement when the server sends none, and forgets that one is json.
 * Are these such a copy? Only where it matters.
 */
bool are_forgetful(const MYSQL_FIELD *fields, unsigned count) noexcept;

/* extended: the fields are as the server sent them, so that their extended metadata can be read. */
Layout layout_of(const MYSQL_FIELD *fields, unsigned count, bool extended);

} // namespace tenancy::remote::mysql
