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
#include <memory>
#include <string_view>
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

struct Shape {
	Form form = Form::text;
	unsigned bits = 0; /* width of bit(n) */
};

/* How the rows of a statement look. */
struct Layout {
	std::vector<Shape> shapes;
	std::vector<Column> columns;
	std::string signature; /* of the metadata that it was made from */

	/* Would the same come of these fields? */
	bool describes(const MYSQL_FIELD *fields, unsigned count, bool extended) const;
	/* Values of the other land in the same places. */
	bool binds_like(const Layout &other) const noexcept;
};

/* extended: the fields are as the server sent them, so that their extended metadata can be read. */
Layout layout_of(const MYSQL_FIELD *fields, unsigned count, bool extended);

/* Where the library puts the values of one row of a prepared statement. */
class Row {
public:
	Row() = default;
	/* Bind stmt's result to this row. */
	void bind(MYSQL_STMT *stmt, const std::vector<Shape> &shapes);
	/* The row just fetched, into cells; native: of the kinds that RunOptions::native allows. */
	void decode(MYSQL_STMT *stmt, bool native, Batch &batch, Cell *cells);

private:
	struct Slot {
		Form form = Form::text;
		unsigned bits = 0;
		Flag is_null = 0, error = 0;
		unsigned long length = 0;
		union {
			std::int64_t integer = 0;
			std::uint64_t natural;
			float single;
			double real;
			MYSQL_TIME time;
		};
		std::unique_ptr<char[]> buffer;
		unsigned long capacity = 0;
	};
	static MYSQL_BIND binding(Slot &slot);
	void fetch_long(MYSQL_STMT *stmt, unsigned column, Batch &batch, Cell &cell);
	void grow(Slot &slot, unsigned column);

	std::vector<Slot> slots_; /* never moved while bound */
	std::vector<MYSQL_BIND> binds_;
	bool rebind_ = false;
};

/* A value of the text protocol. */
void decode_text(const Shape &shape, std::string_view text, Batch &batch, Cell &cell);

} // namespace tenancy::remote::mysql
