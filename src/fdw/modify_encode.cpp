/*
 * Values of local columns as parameters for remote ones. What a remote column would quietly change on the way in is an
 * error here. PG regime.
 */
#include "fdw/encoder.hpp"

#include <cmath>

#include "bridge/param.hpp"

extern "C" {
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
}

namespace tenancy::fdw {

namespace {

using remote::DatabaseType;
using remote::ParamView;
using Form = Encoder::Form;
using Kind = remote::Param::Kind;

bool
contains(const char *text, const char *word)
{
	return strstr(text, word) != nullptr;
}

/* SQLite's rules for the affinity of a declared type (datatype3.html, 3.1): would it turn numbers into text? */
bool
prefers_text(const char *native_type)
{
	return !contains(native_type, "int") &&
	       (contains(native_type, "char") || contains(native_type, "clob") || contains(native_type, "text"));
}

/* Does a column of this declared type turn text into numbers? */
bool
prefers_numbers(const char *native_type)
{
	return contains(native_type, "int") ||
	       (!prefers_text(native_type) && native_type[0] != 0 && !contains(native_type, "blob"));
}

bool
is_character_type(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID || type == JSONOID;
}

Form
form_of(Oid type, DatabaseType dialect)
{
	switch (type) {
	case BOOLOID:
	case INT2OID:
	case INT4OID:
	case INT8OID:
	case BYTEAOID: return Form::plain;
	case FLOAT4OID:
	case FLOAT8OID: return dialect == DatabaseType::mysql ? Form::finite : Form::plain;
	case NUMERICOID: return Form::numeric;
	case DATEOID: return Form::date;
	case TIMESTAMPOID: return Form::timestamp;
	case TIMESTAMPTZOID: return Form::timestamptz;
	case TIMEOID: return Form::time;
	case INTERVALOID: return dialect == DatabaseType::mysql ? Form::clock : Form::output;
	default: return is_character_type(type) ? Form::text : Form::output;
	}
}

ParamView
text_param(const char *text, Kind kind = Kind::text)
{
	ParamView param;
	param.kind = kind;
	param.text = text;
	return param;
}

/* The digits that count: neither leading nor trailing zeros. */
int
significant_digits(std::string_view text)
{
	int digits = 0;
	int zeros = 0;
	for (char const c : text) {
		if (c < '0' || c > '9')
			continue;
		if (c != '0') {
			digits += zeros + 1;
			zeros = 0;
		} else if (digits > 0)
			++zeros;
	}
	return digits;
}

/* Is the text an integer exactly as SQLite would write it? */
bool
is_plain_integer(std::string_view text)
{
	std::string_view digits = text;
	if (!digits.empty() && digits[0] == '-')
		digits.remove_prefix(1);
	bool plain = !digits.empty() && digits.size() <= 19 && (digits[0] != '0' || text == "0");
	for (char const c : digits)
		plain = plain && c >= '0' && c <= '9';
	if (!plain || digits.size() < 19)
		return plain;
	return digits <= (digits.size() == text.size() ? "9223372036854775807" : "9223372036854775808");
}

/* What SQLite takes for a number: digits with an optional sign, point and exponent, and blanks around them. */
bool
looks_like_number(std::string_view text)
{
	constexpr std::string_view blanks = " \t\n\v\f\r";
	std::size_t const first = text.find_first_not_of(blanks);
	if (first == text.npos)
		return false;
	text = text.substr(first, text.find_last_not_of(blanks) - first + 1);
	if (text[0] == '-' || text[0] == '+')
		text.remove_prefix(1);
	int digits = 0;
	auto const skip_digits = [&] {
		while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
			text.remove_prefix(1);
			++digits;
		}
	};
	skip_digits();
	if (!text.empty() && text[0] == '.') {
		text.remove_prefix(1);
		skip_digits();
	}
	if (digits > 0 && !text.empty() && (text[0] == 'e' || text[0] == 'E')) {
		text.remove_prefix(1);
		if (!text.empty() && (text[0] == '-' || text[0] == '+'))
			text.remove_prefix(1);
		digits = 0;
		skip_digits();
	}
	return digits > 0 && text.empty();
}

void
refuse_lossy_number(const Encoder &encoder, const char *text)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
	                errmsg("value for column \"%s\" has more digits than SQLite keeps", encoder.column->name),
	                errdetail("SQLite would store %s as a number of 15 significant digits.", text),
	                errhint("A remote column declared as TEXT keeps all digits.")));
}

void
refuse_number_like(const Encoder &encoder)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
	                errmsg("text for column \"%s\" looks like a number, which SQLite would store in its place",
	                       encoder.column->name),
	                errdetail("The remote column is declared as \"%s\".", encoder.column->native_type),
	                errhint("A remote column declared as TEXT keeps text.")));
}

void
check_number_like(const Encoder &encoder, std::string_view text)
{
	if (encoder.is_number_like && looks_like_number(text) && !is_plain_integer(text))
		refuse_number_like(encoder);
}

/* MySQL has no spaces at the end of a char(n), and some of its collations do not ignore those of a key to compare. */
ParamView
text_value(const Encoder &encoder, Datum value)
{
	text *const characters = DatumGetTextPP(value);
	ParamView param;
	param.kind = Kind::text;
	if (GetDatabaseEncoding() == PG_UTF8)
		param.text = {VARDATA_ANY(characters), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(characters))};
	else
		param.text = bridge::utf8(text_to_cstring(characters));
	if (encoder.dialect == DatabaseType::mysql && encoder.type == BPCHAROID)
		param.text = param.text.substr(0, param.text.find_last_not_of(' ') + 1);
	check_number_like(encoder, param.text);
	return param;
}

[[noreturn]] void
refuse_not_finite(const Encoder &encoder)
{
	ereport(ERROR,
	        (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
	         errmsg("value for column \"%s\" cannot be stored: %s has no infinity and no NaN", encoder.column->name,
	                encoder.dialect == DatabaseType::mysql ? "MySQL" : "a number of SQLite")));
}

ParamView
numeric_value(Encoder &encoder, Datum value)
{
	char *const text = OutputFunctionCall(&encoder.output, value);
	if ((encoder.dialect == DatabaseType::mysql || encoder.counts_digits) && strpbrk(text, "NI") != nullptr)
		refuse_not_finite(encoder);
	if (encoder.counts_digits && significant_digits(text) > DBL_DIG && !is_plain_integer(text))
		refuse_lossy_number(encoder, text);
	return text_param(text, encoder.is_text && strlen(text) > DBL_DIG ? Kind::text : Kind::decimal);
}

/* MySQL's time counts hours beyond a day; it has no months. */
ParamView
clock_value(const Encoder &encoder, Datum value)
{
	const Interval *const interval = DatumGetIntervalP(value);
	int64 day_micros, micros;
	if (interval->month != 0 || __builtin_mul_overflow(int64{interval->day}, USECS_PER_DAY, &day_micros) ||
	    __builtin_add_overflow(interval->time, day_micros, &micros))
		ereport(ERROR, (errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW),
		                errmsg("interval for column \"%s\" cannot be a time of MySQL", encoder.column->name),
		                errdetail("MySQL's type time has hours, minutes and seconds only.")));
	uint64 const size = micros < 0 ? 0 - static_cast<uint64>(micros) : static_cast<uint64>(micros);
	uint64 const seconds = size / USECS_PER_SEC;
	return text_param(psprintf("%s%02lld:%02u:%02u.%06u", micros < 0 ? "-" : "", static_cast<long long>(seconds / 3600),
	                           static_cast<unsigned>(seconds / 60 % 60), static_cast<unsigned>(seconds % 60),
	                           static_cast<unsigned>(size % USECS_PER_SEC)));
}

ParamView
finite_value(const Encoder &encoder, Datum value)
{
	ParamView const param = bridge::datum_param(encoder.type, value);
	if (!std::isfinite(param.real))
		refuse_not_finite(encoder);
	return param;
}

ParamView
output_value(Encoder &encoder, Datum value)
{
	ParamView param;
	param.kind = Kind::text;
	param.text = bridge::utf8(OutputFunctionCall(&encoder.output, value));
	check_number_like(encoder, param.text);
	return param;
}

/* A text column gets a float8 as text with all its digits when it has more than SQLite would write. */
ParamView
plain_value(const Encoder &encoder, Datum value)
{
	if (encoder.is_text && encoder.type == FLOAT8OID)
		if (char *const text = bridge::portable_text(FLOAT8OID, value); significant_digits(text) > DBL_DIG)
			return text_param(text);
	return bridge::datum_param(encoder.type, value);
}

/* No type is told to a PostgreSQL server: the column's own is the one that reads every value of it. */
ParamView
encoded(Encoder &encoder, Datum value)
{
	switch (encoder.form) {
	case Form::text: return text_value(encoder, value);
	case Form::numeric: return numeric_value(encoder, value);
	case Form::date: return text_param(bridge::portable_text(DATEOID, value));
	case Form::timestamp: return text_param(bridge::portable_text(TIMESTAMPOID, value));
	case Form::timestamptz:
		/*
		 * The text is in UTC. Only PostgreSQL has to be told so: sessions of MySQL are in it, and SQLite's columns keep
		 * the form.
		 */
		return text_param(
			bridge::portable_text(encoder.dialect == DatabaseType::mysql ? TIMESTAMPOID : TIMESTAMPTZOID, value));
	case Form::time: return text_param(bridge::portable_text(TIMEOID, value));
	case Form::clock: return clock_value(encoder, value);
	case Form::output: return output_value(encoder, value);
	case Form::finite:
	case Form::plain: break;
	}
	ParamView param = encoder.form == Form::finite ? finite_value(encoder, value) : plain_value(encoder, value);
	param.type_oid = 0;
	return param;
}

} // namespace

Encoder
make_encoder(const Column &column, DatabaseType dialect)
{
	Encoder encoder{};
	encoder.type = getBaseType(column.type);
	encoder.dialect = dialect;
	encoder.column = &column;
	encoder.form = form_of(encoder.type, dialect);
	encoder.native = parse_native(dialect == DatabaseType::mysql ? column.native_type : nullptr);
	bool const is_sqlite = dialect == DatabaseType::sqlite;
	bool const known = column.native_type != nullptr;
	encoder.counts_digits = is_sqlite && (!known || prefers_numbers(column.native_type));
	encoder.is_number_like = is_sqlite && known && prefers_numbers(column.native_type);
	encoder.is_text = is_sqlite && known && prefers_text(column.native_type);
	Oid function;
	bool is_varlena;
	getTypeOutputInfo(encoder.type, &function, &is_varlena);
	fmgr_info(function, &encoder.output);
	if (dialect == DatabaseType::postgresql && has_portable_binary(encoder.type)) {
		getTypeBinaryOutputInfo(encoder.type, &function, &is_varlena);
		fmgr_info(function, &encoder.send);
	}
	return encoder;
}

ParamView
encode(Encoder &encoder, Datum value, bool is_null)
{
	return is_null ? ParamView{} : encoded(encoder, value);
}

ParamView
encode_stored(Encoder &encoder, Datum value, bool is_null)
{
	ParamView const param = encode(encoder, value, is_null);
	if (!is_null && encoder.native.kind != Native::unknown)
		check_mysql_value(encoder, param);
	return param;
}

bool
needs_portable_output(const Encoder &encoder)
{
	return encoder.form == Form::output;
}

} // namespace tenancy::fdw
