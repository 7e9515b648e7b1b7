/*
 * The types that mean the same on every PostgreSQL server, and the forms in which their values arrive. Pure regime.
 */
#pragma once

#include <cstdint>

namespace tenancy::remote::postgres {

/* How a value becomes a cell: from the text of an output function, or from what a send function writes. */
enum class Decoding : std::uint8_t {
	text, /* the same in both forms */
	boolean,
	integer,
	float4,
	float8,
	bytes,
	sent_boolean,
	sent_int2,
	sent_int4,
	sent_int8,
	sent_oid,
	sent_float4,
	sent_float8,
	sent_bytes,
	sent_date,
	sent_time,
	sent_timestamp,
	sent_jsonb,
	sent /* as it is: CellKind::wire */
};

struct Builtin {
	std::uint32_t oid;
	std::uint32_t array;
	const char *name; /* as format_type says it */
	Decoding decoding = Decoding::text;
	Decoding sent = Decoding::sent;
};

/* The built-in type of this OID, or the element type of the array of this OID; null for any other. */
const Builtin *find_kept(std::uint32_t oid) noexcept;

/* Likewise for types that arrive as text where nobody asks for their wire form. */
const Builtin *find_sent(std::uint32_t oid) noexcept;

/* The name of a common type that is in neither list; null when the server has to be asked. */
const char *find_named(std::uint32_t oid) noexcept;

} // namespace tenancy::remote::postgres
