/*
 * Dates and times between cells and Datums. PG regime.
 */
#include "bridge/moment.hpp"

extern "C" {
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
}

namespace tenancy::bridge {

namespace {

using remote::Cell;
using remote::CellKind;

/* The native kinds are PostgreSQL's own representations, but a server may send what PostgreSQL never stores. */
bool
is_plausible(const Cell &cell)
{
	switch (cell.kind) {
	case CellKind::date: {
		DateADT const date = static_cast<DateADT>(cell.integer);
		return date == cell.integer && (DATE_NOT_FINITE(date) || IS_VALID_DATE(date));
	}
	case CellKind::time: return cell.integer >= 0 && cell.integer <= USECS_PER_DAY;
	case CellKind::timestamp: {
		Timestamp const timestamp = cell.integer;
		return TIMESTAMP_NOT_FINITE(timestamp) || IS_VALID_TIMESTAMP(timestamp);
	}
	default: return true;
	}
}

/* The number that count digits at from spell, or -1. */
int
digits(std::string_view text, std::size_t from, std::size_t count)
{
	int number = 0;
	for (std::size_t i = from; i < from + count; ++i) {
		if (i >= text.size() || text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

/* Microseconds of "hh:mm:ss[.f]" at from, to the end of text or its "+00"; -1 for any other form. */
int64
time_of_day(std::string_view text, std::size_t from, bool zoned)
{
	if (zoned) {
		if (!text.ends_with("+00"))
			return -1;
		text.remove_suffix(3);
	}
	int const hour = digits(text, from, 2), minute = digits(text, from + 3, 2), second = digits(text, from + 6, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || text[from + 2] != ':' ||
	    text[from + 5] != ':')
		return -1;
	int64 micros = ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	if (text.size() == from + 8)
		return micros;
	std::size_t const fraction = text.size() - from - 9;
	if (text[from + 8] != '.' || fraction < 1 || fraction > 6)
		return -1;
	int part = digits(text, from + 9, fraction);
	if (part < 0)
		return -1;
	for (std::size_t i = fraction; i < 6; ++i)
		part *= 10;
	return micros + part;
}

/*
 * The plain ISO forms that remote sessions send for years 1 to 9999, without the general parser; false for all others
 * (BC, infinity, other offsets), which the input function reads.
 */
bool
iso_datum(Oid type, std::string_view text, Datum *value)
{
	int const year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || text[4] != '-' || text[7] != '-' ||
	    day > day_tab[isleap(year) ? 1 : 0][month - 1])
		return false;
	int const date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	if (type == DATEOID) {
		*value = DateADTGetDatum(date);
		return text.size() == 10;
	}
	if (text.size() < 19 || text[10] != ' ')
		return false;
	int64 const time = time_of_day(text, 11, type == TIMESTAMPTZOID);
	*value = TimestampGetDatum(date * USECS_PER_DAY + time);
	return time >= 0;
}

} // namespace

char *
moment_text(const Cell &cell, bool zoned)
{
	if (!is_plausible(cell))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("date or time out of range"),
		                errdetail("The remote server sent a value that PostgreSQL cannot store.")));
	auto *const text = static_cast<char *>(palloc(MAXDATELEN + 1));
	pg_tm tm{};
	fsec_t fsec = 0;
	if (cell.kind == CellKind::date) {
		auto const date = static_cast<DateADT>(cell.integer);
		if (DATE_NOT_FINITE(date)) {
			EncodeSpecialDate(date, text);
			return text;
		}
		j2date(date + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, text);
	} else if (cell.kind == CellKind::time) {
		time2tm(cell.integer, &tm, &fsec);
		EncodeTimeOnly(&tm, fsec, false, 0, USE_ISO_DATES, text);
	} else if (TIMESTAMP_NOT_FINITE(cell.integer)) {
		EncodeSpecialTimestamp(cell.integer, text);
	} else {
		if (timestamp2tm(cell.integer, nullptr, &tm, &fsec, nullptr, nullptr) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
		tm.tm_isdst = 0; /* known: the offset is printed */
		EncodeDateTime(&tm, fsec, zoned, 0, nullptr, USE_ISO_DATES, text);
	}
	return text;
}

bool
moment_datum(const Converter &converter, const Cell &cell, Datum *value)
{
	if (cell.kind == CellKind::text)
		return converter.typmod < 0 && converter.way != Way::time && iso_datum(converter.type, cell.view(), value);
	if (!is_plausible(cell) || converter.remote_type != converter.type)
		return false;
	PGFunction scale = timestamp_scale;
	switch (cell.kind) {
	case CellKind::date: *value = DateADTGetDatum(static_cast<DateADT>(cell.integer)); return true;
	case CellKind::time:
		scale = time_scale;
		*value = TimeADTGetDatum(cell.integer);
		break;
	case CellKind::timestamp: *value = TimestampGetDatum(cell.integer); break;
	default: return false;
	}
	if (converter.typmod >= 0)
		*value = DirectFunctionCall2(scale, *value, Int32GetDatum(converter.typmod));
	return true;
}

} // namespace tenancy::bridge
