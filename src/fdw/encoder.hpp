/*
 * How the values of a column are sent, one by one and as the array of many rows. PG regime.
 */
#pragma once

#include "fdw/mysql_native.hpp"
#include "fdw/option.hpp"
#include "remote/driver.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "lib/stringinfo.h"
}

namespace tenancy::fdw {

/* How the values of one column are sent. */
struct Encoder {
	enum class Form : uint8 {
		plain, /* as every parameter */
		text,  /* a varlena of characters */
		numeric,
		date,
		timestamp,
		timestamptz,
		time,
		clock,  /* an interval for a column of hours, minutes and seconds */
		finite, /* a floating-point number for a server that knows no others */
		output  /* the type's output function under portable settings */
	};
	Form form;
	Oid type; /* under its domains */
	remote::DatabaseType dialect;
	const Column *column;
	NativeType native;   /* unknown for other engines than MySQL */
	bool counts_digits;  /* more than 15 of them would be lost on the way */
	bool is_number_like; /* text that looks like a number would become one */
	bool is_text;        /* numbers would become texts of 15 digits */
	FmgrInfo output;
	FmgrInfo send;
};

Encoder make_encoder(const Column &column, remote::DatabaseType dialect);
/* The value as it is sent; it is in CurrentMemoryContext, or borrowed from value. */
remote::ParamView encode(Encoder &encoder, Datum value, bool is_null);
/*
 * The same for a value that will be stored: one that the column would change is an error, if it is one of MySQL and of
 * a known type.
 */
remote::ParamView encode_stored(Encoder &encoder, Datum value, bool is_null);
void check_mysql_value(const Encoder &encoder, const remote::ParamView &param);
/* Does the column take what an expression on the server gives without changing it? */
bool mysql_keeps_values(const Column &column);
/* Output functions obey settings: encode() then wants portable ones around it. */
bool needs_portable_output(const Encoder &encoder);

/* Types whose binary form is the same in every version and every database encoding. */
bool has_portable_binary(Oid type);
/* May values of the column travel in the binary form of its type's array, and does the remote column take them? */
bool has_array_form(const Column &column);
/* One element of such an array. */
void append_element(Encoder &encoder, StringInfo array, Datum value, bool is_null);
StringInfo begin_array(const Encoder &encoder);
remote::ParamView end_array(const Encoder &encoder, StringInfo array, int rows, bool has_null);

} // namespace tenancy::fdw
