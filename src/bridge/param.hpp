/*
 * Datums as parameters of statements on a client database. PG regime.
 */
#pragma once

#include "remote/value.hpp"

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/*
 * A value that is not null, of a domain as one of its base type, in a form that does not depend on settings; text is
 * palloc'd or borrowed from value.
 */
remote::ParamView datum_param(Oid type, Datum value);

/* The text of a value by the output function of its type, under the settings of the moment. */
char *output_text(Oid type, Datum value);
/* The text of a value as every PostgreSQL server reads it, whatever DateStyle and its like the session has. */
char *portable_text(Oid type, Datum value);
/* Between these two calls output functions write such text. After an error the abort undoes the settings. */
int begin_portable_settings();
void end_portable_settings(int level);

/* text of the server's encoding in UTF-8. */
std::string_view utf8(const char *text);
/* The same as a C string; NULL for NULL. */
const char *utf8_or_null(const char *text);
/* UTF-8 in the server's encoding: palloc'd, or utf8 itself. Characters that the encoding lacks are an error. */
char *server_text(const char *utf8);

} // namespace tenancy::bridge
