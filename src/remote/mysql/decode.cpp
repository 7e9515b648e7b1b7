/*
 * Values of both protocols to cells. Pure regime.
 */
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>

#include "core/error.hpp"
#include "remote/mysql/decode.hpp"
#include "remote/mysql/utf8.hpp"

namespace tenancy::remote::mysql {

namespace {

using core::Error;
using core::FailureKind;

constexpr std::size_t longest_time_text = 40;
constexpr const char *as_text_hint = "Cast the column to CHAR in the query to read such dates as text.";

char *
put_digits(char *to, unsigned value, int digits) noexcept
{
	for (int i = digits - 1; i >= 0; --i, value /= 10)
		to[i] = static_cast<char>('0' + value % 10);
	return to + digits;
}

char *
put_date(char *to, const MYSQL_TIME &time) noexcept
{
	to = put_digits(to, time.year, 4);
	*to++ = '-';
	to = put_digits(to, time.month, 2);
	*to++ = '-';
	return put_digits(to, time.day, 2);
}

char *
put_clock(char *to, const MYSQL_TIME &time, unsigned hour) noexcept
{
	to = put_digits(to, hour, hour > 99 ? 3 : 2);
	*to++ = ':';
	to = put_digits(to, time.minute, 2);
	*to++ = ':';
	to = put_digits(to, time.second, 2);
	if (time.second_part == 0)
		return to;
	*to++ = '.';
	return put_digits(to, static_cast<unsigned>(time.second_part), 6);
}

[[noreturn]] void
raise_partial_date()
{
	throw Error(FailureKind::query, "22008", "remote date has a zero year, month or day", {}, as_text_hint);
}

/* Is it a date, not NULL? One of nothing but zeros is NULL, and one with a zero part is an error. */
bool
is_real_date(const MYSQL_TIME &time)
{
	if (time.year != 0 && time.month != 0 && time.day != 0)
		return true;
	if ((time.year | time.month | time.day | time.hour | time.minute | time.second) != 0 || time.second_part != 0)
		raise_partial_date();
	return false;
}

/* A server can keep the 31st of February (ALLOW_INVALID_DATES), or make anything up. */
void
decode_native(Form form, const MYSQL_TIME &time, Cell &cell)
{
	using namespace std::chrono;
	constexpr sys_days epoch = year(2000) / January / 1;
	year_month_day const date(year(static_cast<int>(time.year)), month(time.month), day(time.day));
	bool const valid = date.ok() && time.year <= 9999 && time.month <= 12 && time.day <= 31 && time.hour <= 23 &&
	                   time.minute <= 59 && time.second <= 59 && time.second_part <= 999'999;
	if (!valid)
		throw Error(FailureKind::query, "22008", "remote date does not exist", {}, as_text_hint);
	std::int64_t const days = (sys_days(date) - epoch).count();
	if (form == Form::date) {
		cell.integer = days;
		cell.kind = CellKind::date;
		return;
	}
	std::int64_t const seconds = ((days * 24 + time.hour) * 60 + time.minute) * 60 + time.second;
	cell.integer = seconds * 1'000'000 + static_cast<std::int64_t>(time.second_part);
	cell.kind = CellKind::timestamp;
}

/* Most significant byte first, as the server sends it; only the last width bits count. */
void
decode_bits(std::string_view bytes, unsigned width, Batch &batch, Cell &cell)
{
	char *const text = batch.reserve(std::size_t{width} + 1);
	for (unsigned i = 0; i < width; ++i) {
		unsigned const from_right = width - 1 - i;
		std::size_t const byte = from_right / 8;
		unsigned const value = byte < bytes.size() ? static_cast<unsigned char>(bytes[bytes.size() - 1 - byte]) : 0;
		text[i] = (value >> (from_right % 8) & 1) != 0 ? '1' : '0';
	}
	text[width] = 0;
	cell.data = text;
	cell.size = width;
	cell.kind = CellKind::text;
}

template <typename Number>
Number
parse(std::string_view text)
{
	Number number{};
	auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
	if (failure != std::errc() || end != text.data() + text.size())
		throw Error(FailureKind::query, "08P01", "remote server sent a malformed number");
	return number;
}

/* Decodes a date that came as text, in which zeros and zero parts have to be looked for. */
void
decode_date_text(Form form, std::string_view text, Batch &batch, Cell &cell)
{
	MYSQL_TIME time{};
	if (text.size() < 10)
		throw Error(FailureKind::query, "08P01", "remote server sent a malformed date");
	time.year = parse<unsigned>(text.substr(0, 4));
	time.month = parse<unsigned>(text.substr(5, 2));
	time.day = parse<unsigned>(text.substr(8, 2));
	time.hour = std::any_of(text.begin() + 10, text.end(), [](char c) { return c >= '1' && c <= '9'; }) ? 1 : 0;
	if (is_real_date(time))
		batch.set_text(cell, form == Form::timestamptz ? std::string(text) + "+00" : std::string(text));
}

} // namespace

void
check_text(std::string_view text)
{
	if (!is_valid_text(text))
		throw Error(FailureKind::query, "22021", "remote text is not UTF-8 without zero bytes", {},
		            "Cast the column to BINARY in the query to read such values as bytea.");
}

void
decode_time(Form form, const MYSQL_TIME &time, bool native, Batch &batch, Cell &cell)
{
	if (form != Form::time && !is_real_date(time))
		return;
	if (native && form != Form::time)
		return decode_native(form, time, cell);
	char text[longest_time_text];
	char *to = text;
	if (form == Form::time) {
		if (time.neg)
			*to++ = '-';
		/* The days are in the hours. */
		to = put_clock(to, time, std::min(time.hour, 999u));
	} else {
		to = put_date(to, time);
		if (form != Form::date) {
			*to++ = ' ';
			to = put_clock(to, time, time.hour);
		}
		if (form == Form::timestamptz) {
			std::memcpy(to, "+00", 3);
			to += 3;
		}
	}
	batch.set_text(cell, {text, static_cast<std::size_t>(to - text)});
}

void
decode_natural(std::uint64_t value, Batch &batch, Cell &cell)
{
	if (value <= INT64_MAX) {
		cell.integer = static_cast<std::int64_t>(value);
		cell.kind = CellKind::integer;
		return;
	}
	char text[24];
	auto const end = std::to_chars(text, text + sizeof(text), value).ptr;
	batch.set_text(cell, {text, static_cast<std::size_t>(end - text)});
}

/* Puts a string of this form into a cell. */
void
decode_string(Form form, unsigned bits, std::string_view value, Batch &batch, Cell &cell)
{
	if (form == Form::bits)
		return decode_bits(value, bits, batch, cell);
	if (form == Form::text)
		check_text(value);
	batch.set_text(cell, value, form == Form::bytes ? CellKind::bytes : CellKind::text);
}

void
decode_text(const Shape &shape, std::string_view text, Batch &batch, Cell &cell)
{
	switch (shape.form) {
	case Form::integer:
		cell.integer = parse<std::int64_t>(text);
		cell.kind = CellKind::integer;
		break;
	case Form::float4:
		cell.real = static_cast<double>(parse<float>(text));
		cell.kind = CellKind::float4;
		break;
	case Form::float8:
		cell.real = parse<double>(text);
		cell.kind = CellKind::float8;
		break;
	case Form::date:
	case Form::timestamp:
	case Form::timestamptz: decode_date_text(shape.form, text, batch, cell); break;
	case Form::unsigned_bigint:
	case Form::time: decode_string(Form::text, 0, text, batch, cell); break;
	default: decode_string(shape.form, shape.bits, text, batch, cell);
	}
}

} // namespace tenancy::remote::mysql
