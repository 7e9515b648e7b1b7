/*
 * See mysql_renderer.hpp: functions of dates and times. Not here: sums, whose result DATE and DATETIME may not hold.
 * PG regime.
 */
#include "fdw/mysql_renderer.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
}

namespace tenancy::fdw {

namespace {

struct Field {
	const char *name;
	const char *text;
	bool of_dates;
};

/* EXTRACT(name FROM %1), by the names that the parser leaves in lower case. */
constexpr Field fields[] = {
	{"year", "YEAR(%1)", true},           {"isoyear", "(YEARWEEK(%1, 3) DIV 100)", true},
	{"quarter", "QUARTER(%1)", true},     {"month", "MONTH(%1)", true},
	{"week", "WEEK(%1, 3)", true},        {"day", "DAYOFMONTH(%1)", true},
	{"dow", "(DAYOFWEEK(%1) - 1)", true}, {"isodow", "(WEEKDAY(%1) + 1)", true},
	{"doy", "DAYOFYEAR(%1)", true},       {"hour", "HOUR(%1)", false},
	{"minute", "MINUTE(%1)", false},
};

constexpr const char *seconds = "CAST((SECOND(%1) * 1000000 + MICROSECOND(%1)) * 0.000001 AS DECIMAL(8,6))";
constexpr const char *stamp_epoch = "(TIMESTAMPDIFF(MICROSECOND, TIMESTAMP '1970-01-01 00:00:00', %1) * 0.000001)";
constexpr const char *date_epoch = "(DATEDIFF(%1, DATE '1970-01-01') * 86400)";

/* date_trunc(name, %1) of a timestamp. */
constexpr Field starts[] = {
	{"year", "CAST(DATE_FORMAT(%1, '%%Y-01-01') AS DATETIME)", false},
	{"quarter", "CAST(DATE_FORMAT(%1 - INTERVAL (MONTH(%1) - 1) %% 3 MONTH, '%%Y-%%m-01') AS DATETIME)", false},
	{"month", "CAST(DATE_FORMAT(%1, '%%Y-%%m-01') AS DATETIME)", false},
	{"week", "CAST(DATE(%1) - INTERVAL WEEKDAY(%1) DAY AS DATETIME)", false},
	{"day", "CAST(DATE(%1) AS DATETIME)", false},
	{"hour", "CAST(DATE_FORMAT(%1, '%%Y-%%m-%%d %%H:00:00') AS DATETIME)", false},
	{"minute", "CAST(DATE_FORMAT(%1, '%%Y-%%m-%%d %%H:%%i:00') AS DATETIME)", false},
	{"second", "CAST(DATE_FORMAT(%1, '%%Y-%%m-%%d %%H:%%i:%%s') AS DATETIME)", false},
};

/* The name of a field, or NULL. */
char *
field_of(List *args)
{
	auto *const constant = static_cast<Const *>(linitial(args));
	if (!IsA(constant, Const) || constant->constisnull || constant->consttype != TEXTOID)
		return nullptr;
	char *const name = TextDatumGetCString(constant->constvalue);
	return asc_tolower(name, strlen(name));
}

template <size_t count>
const Field *
find(const Field (&list)[count], const char *name)
{
	for (const Field &field : list)
		if (strcmp(field.name, name) == 0)
			return &field;
	return nullptr;
}

} // namespace

/* as_double: date_part(), whose results are of type double precision. */
bool
MysqlRenderer::extract(const char *field, Node *moment, bool as_double)
{
	bool const is_date = exprType(moment) == DATEOID;
	const char *text = nullptr;
	if (const Field *const known = find(fields, field))
		text = known->of_dates || !is_date ? known->text : nullptr;
	else if (!as_double && strcmp(field, "epoch") == 0)
		text = is_date ? date_epoch : stamp_epoch;
	else if (!as_double && strcmp(field, "second") == 0 && !is_date)
		text = seconds;
	if (text == nullptr)
		return false;
	print(as_double ? "(" : "");
	bool const printed = print_template(text, list_make1(moment));
	print(as_double ? " + 0e0)" : "");
	return printed;
}

bool
MysqlRenderer::date_function(const Call &call)
{
	auto *const last = static_cast<Node *>(llast(call.args));
	switch (call.function) {
	case F_EXTRACT_TEXT_DATE:
	case F_EXTRACT_TEXT_TIMESTAMP:
	case F_DATE_PART_TEXT_TIMESTAMP: {
		const char *const field = field_of(call.args);
		return field != nullptr && extract(field, last, call.function == F_DATE_PART_TEXT_TIMESTAMP);
	}
	case F_DATE_TRUNC_TEXT_TIMESTAMP: {
		const char *const name = field_of(call.args);
		const Field *const field = name != nullptr ? find(starts, name) : nullptr;
		return field != nullptr && print_template(field->text, list_make1(last));
	}
	case F_TIMEZONE_TEXT_TIMESTAMPTZ: {
		const char *const zone = field_of(call.args);
		return zone != nullptr && strcmp(zone, "utc") == 0 && enclosed("CAST(", last, " AS DATETIME(6))");
	}
	case F_TIMESTAMP_DATE: return enclosed("CAST(", last, " AS DATETIME(6))");
	case F_DATE_TIMESTAMP: return enclosed("CAST(", last, " AS DATE)");
	case F_DATE_MI: return print_template("DATEDIFF(%1, %2)", call.args);
	default: return false;
	}
}

} // namespace tenancy::fdw
