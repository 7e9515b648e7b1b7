/*
 * Datums as parameters of statements on a client database. PG regime.
 */
#pragma once

#include "remote/value.hpp"

#include "bridge/pg.hpp"

namespace tenancy::bridge {

/* A value that is not null, in a form that does not depend on settings; text is palloc'd or borrowed from value. */
remote::ParamView datum_param(Oid type, Datum value);

/* The text of a value as every PostgreSQL server reads it, whatever DateStyle and its like the session has. */
char *portable_text(Oid type, Datum value);

/* text of the server's encoding in UTF-8. */
std::string_view utf8(const char *text);

} // namespace tenancy::bridge
