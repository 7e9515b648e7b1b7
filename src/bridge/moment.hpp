/*
 * Dates and times between cells and Datums. PG regime.
 */
#pragma once

#include "bridge/cell.hpp"

namespace tenancy::bridge {

/* The text of a cell of kind date, time or timestamp: ISO and UTC, as the text of remote sessions is. */
char *moment_text(const remote::Cell &cell, bool zoned);

/*
 * The value of a cell in PostgreSQL's own representation, or in text that spells a plain date; false leaves it to the
 * input function.
 */
bool moment_datum(const Converter &converter, const remote::Cell &cell, Datum *value);

} // namespace tenancy::bridge
