/*
 * Values that a column of MySQL or MariaDB would quietly change into others when it stores them: cut, padded, or taken
 * for the number of a label. They are errors here, but for seconds, which timestamp(n) rounds as well. PG regime.
 */
#include <cmath>
#include <cstdlib>

#include "bridge/param.hpp"
#include "core/utf8.hpp"
#include "fdw/encoder.hpp"

namespace tenancy::fdw {

namespace {

using remote::ParamView;
using std::string_view;

[[noreturn]] void
refuse(const Encoder &encoder, int code, const char *reason)
{
	ereport(ERROR,
	        (errcode(code), errmsg("value for column \"%s\" cannot be stored as it is", encoder.column->name),
	         errdetail("The remote column is declared as \"%s\", which %s.", encoder.column->native_type, reason),
	         errhint("If it is declared in another way by now, call tenancy.refresh_attached().")));
}

/* The next label of enum('a','it''s',…), quotes included; empty at the end. */
string_view
next_label(string_view *labels)
{
	std::size_t const begin = labels->find('\'');
	if (begin == string_view::npos)
		return {};
	std::size_t end = begin + 1;
	while (end < labels->size() && ((*labels)[end] != '\'' || labels->substr(end, 2) == "''"))
		end += (*labels)[end] == '\'' ? 2 : 1;
	string_view const label = labels->substr(begin, end + 1 - begin);
	labels->remove_prefix(begin + label.size());
	return label;
}

bool
is_label(string_view quoted, string_view text)
{
	if (quoted.size() < 2)
		return false;
	quoted = quoted.substr(1, quoted.size() - 2);
	std::size_t at = 0;
	for (char const c : text) {
		if (at >= quoted.size() || quoted[at] != c)
			return false;
		at += c == '\'' ? 2 : 1;
	}
	return at == quoted.size();
}

/* Finds the label that text is; labels becomes what follows it. */
bool
find_label(string_view *labels, string_view text)
{
	for (string_view label = next_label(labels); !label.empty(); label = next_label(labels))
		if (is_label(label, text))
			return true;
	return false;
}

/* Text that is no label may be taken for the number of one, or for one that is written in another way. */
void
check_member(const Encoder &encoder, string_view text)
{
	string_view labels = bridge::utf8(encoder.column->native_type);
	bool known = true;
	/*
	 * An import cuts long lists. How a server shows a backslash depends on its version and mode, and what its metadata
	 * cannot hold is a question mark there.
	 */
	if (!labels.ends_with(')') || labels.find_first_of("\\?") != string_view::npos) {
		known = text.empty() || text.find_first_not_of("0123456789") != string_view::npos;
	} else if (labels.starts_with("set")) {
		bool more = !text.empty();
		while (known && more) {
			std::size_t const comma = text.find(',');
			known = find_label(&labels, text.substr(0, comma));
			more = comma != string_view::npos;
			text.remove_prefix(more ? comma + 1 : 0);
		}
	} else {
		known = find_label(&labels, text);
	}
	if (!known)
		refuse(encoder, ERRCODE_INVALID_TEXT_REPRESENTATION, "has other labels, or has them in another order");
}

void
check_text(const Encoder &encoder, string_view text)
{
	NativeType const &native = encoder.native;
	if (native.length >= 0 && core::count_characters(text) > static_cast<size_t>(native.length))
		refuse(encoder, ERRCODE_STRING_DATA_RIGHT_TRUNCATION, "is shorter");
	if (native.kind == Native::character && text.ends_with(' '))
		refuse(encoder, ERRCODE_STRING_DATA_RIGHT_TRUNCATION, "loses trailing spaces");
}

void
check_fraction(const Encoder &encoder, string_view text)
{
	std::size_t const point = text.find('.');
	if (point == string_view::npos)
		return;
	std::size_t const last = text.find_last_not_of('0');
	if (static_cast<int>(last - point) > encoder.native.scale)
		refuse(encoder, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "has fewer digits behind the point");
}

void
check_float(const Encoder &encoder, double value)
{
	NativeType const &native = encoder.native;
	double kept = native.rounds ? strtod(psprintf("%.*f", native.scale, value), nullptr) : value;
	/* Servers round this way; what they get may be a neighbouring double. */
	if (native.rounds && kept != value) {
		double const unit = std::pow(10.0, native.scale), whole = std::floor(value);
		kept = whole + std::rint((value - whole) * unit) / unit;
	}
	if (native.kind == Native::single) {
		kept = static_cast<float>(kept);
		value = encoder.type == FLOAT4OID || native.rounds ? static_cast<double>(static_cast<float>(value)) : value;
	}
	if (kept != value)
		refuse(encoder, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "rounds it");
}

/* Checks a value that is sent as text, or as the digits of a number. */
void
check_written(const Encoder &encoder, string_view text)
{
	switch (encoder.native.kind) {
	case Native::member: return check_member(encoder, text);
	case Native::character:
	case Native::varying: return check_text(encoder, text);
	case Native::decimal: return check_fraction(encoder, text);
	default: return;
	}
}

/* Is the local type no longer than the remote one? */
bool
is_limited(const Column &column, const NativeType &native)
{
	return column.typmod >= 0 && column.typmod - static_cast<int>(VARHDRSZ) <= native.length;
}

} // namespace

void
check_mysql_value(const Encoder &encoder, const ParamView &param)
{
	using Kind = remote::Param::Kind;
	NativeType const &native = encoder.native;
	if (param.kind == Kind::text || param.kind == Kind::decimal)
		return check_written(encoder, param.text);
	switch (native.kind) {
	case Native::single:
	case Native::real:
		if (param.kind == Kind::float8)
			check_float(encoder, param.real);
		break;
	case Native::year:
		if (param.kind == Kind::integer && param.integer > 0 && param.integer < 100)
			refuse(encoder, ERRCODE_DATETIME_FIELD_OVERFLOW, "adds a century to it");
		break;
	case Native::bytes:
		if (param.kind == Kind::bytes && strncmp(encoder.column->native_type, "binary", 6) == 0 &&
		    static_cast<int>(param.text.size()) < native.length)
			refuse(encoder, ERRCODE_STRING_DATA_LENGTH_MISMATCH, "pads it with zeros");
		break;
	default: break;
	}
}

bool
mysql_keeps_values(const Column &column)
{
	NativeType const native = parse_native(column.native_type);
	switch (native.kind) {
	case Native::unknown: return true; /* as row by row */
	case Native::integer:
	case Native::date:
	case Native::datetime:
	case Native::timestamp:
	case Native::bit:
	case Native::json:
	case Native::uuid: return fits(column, native);
	case Native::decimal: return column.typmod >= 0 && fits(column, native);
	case Native::single: return column.type == FLOAT4OID && !native.rounds;
	case Native::real: return column.type == FLOAT8OID && !native.rounds;
	/* A value of the column's own type, or it would have been made one by a call that is not sent. */
	case Native::character: return column.type == BPCHAROID && is_limited(column, native);
	case Native::varying:
		return fits(column, native) && (native.length < 0 || (column.type == VARCHAROID && is_limited(column, native)));
	case Native::bytes: return fits(column, native) && strncmp(column.native_type, "binary", 6) != 0;
	default: return false;
	}
}

} // namespace tenancy::fdw
