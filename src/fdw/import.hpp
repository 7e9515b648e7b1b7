/*
 * Reading the schema of a connection, for IMPORT FOREIGN SCHEMA and for attachments. PG regime, private to fdw.
 */
#pragma once

#include "connection/connection.hpp"
#include "fdw/import.pure.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "nodes/pg_list.h"
}

namespace tenancy::fdw {

/* An empty request in CurrentMemoryContext; names go in by add_name(). */
ImportRequest *make_request(const char *schema, ImportRequest::Which which);
void add_name(ImportRequest *request, const char *name);

/* Set an import option; false when there is none of that name. Raises 22023 for a bad value. */
bool set_import_option(ImportOptions *options, const char *name, const char *value);
const char *import_option_names();

/* Ask the connection's server; in history it is a run of source fdw. In CurrentMemoryContext. Warnings are raised. */
ImportedSchema *read_remote(const connection::Config &config, const ImportRequest *request);

/* The schema that is meant when none is named. */
char *default_remote_schema(const connection::Config &config);

} // namespace tenancy::fdw
