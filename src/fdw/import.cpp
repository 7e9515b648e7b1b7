/*
 * IMPORT FOREIGN SCHEMA. PG regime.
 *
 * The catalog is read on a session of its own, not on the transaction's channel: a broken view of a SQLite database
 * fails alone there, and locks of the transaction do not matter to it.
 */
#include "fdw/import.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "bridge/wait.hpp"
#include "fdw/fdw.hpp"
#include "fdw/option.hpp"
#include "history/history.hpp"

extern "C" {
#include "commands/defrem.h"
#include "foreign/foreign.h"
}

namespace tenancy::fdw {

namespace {

void
read_options(List *options, ImportOptions *into)
{
	ListCell *cell;
	foreach (cell, options) {
		auto *const element = static_cast<DefElem *>(lfirst(cell));
		if (!set_import_option(into, element->defname, defGetString(element)))
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", element->defname),
			                errhint("Valid options here are: %s.", import_option_names())));
	}
}

ImportRequest::Which
which_of(ImportForeignSchemaType type)
{
	switch (type) {
	case FDW_IMPORT_SCHEMA_LIMIT_TO: return ImportRequest::Which::listed;
	case FDW_IMPORT_SCHEMA_EXCEPT: return ImportRequest::Which::others;
	case FDW_IMPORT_SCHEMA_ALL: break;
	}
	return ImportRequest::Which::all;
}

List *
import_foreign_schema(ImportForeignSchemaStmt *statement, Oid server)
{
	Options const options = server_options(server);
	ImportRequest *const request = make_request(statement->remote_schema, which_of(statement->list_type));
	ListCell *cell;
	foreach (cell, statement->table_list)
		add_name(request, static_cast<RangeVar *>(lfirst(cell))->relname);
	read_options(statement->options, &request->options);

	const ImportedSchema *const schema = read_remote(
		history::require_connection(connection::selector_of(options.connection), history::Source::fdw), request);
	const char *const name = GetForeignServer(server)->servername;
	std::string_view const utf8_name = bridge::utf8(name);
	using Texts = std::vector<std::string>;
	Texts *const texts = bridge::owned<Texts>(CurrentMemoryContext);
	bridge::enter([&] {
		for (const ImportedTable &table : schema->tables)
			texts->push_back(schema->create_statement(table, {}, utf8_name, request->options));
	});
	List *statements = NIL;
	for (size_t i = 0; i < texts->size(); ++i)
		statements = lappend(statements, bridge::server_text((*texts)[i].c_str()));
	return statements;
}

} // namespace

ImportRequest *
make_request(const char *schema, ImportRequest::Which which)
{
	ImportRequest *const request = bridge::owned<ImportRequest>(CurrentMemoryContext);
	std::string_view const name = bridge::utf8(schema);
	bridge::enter([&] {
		request->schema = name;
		request->which = which;
	});
	return request;
}

void
add_name(ImportRequest *request, const char *name)
{
	std::string_view const text = bridge::utf8(name);
	bridge::enter([&] { request->add(text); });
}

bool
set_import_option(ImportOptions *options, const char *name, const char *value)
{
	bool flag = false;
	bool const byte = strcmp(name, "import_collate") == 0 && strcmp(value, "byte") == 0;
	bool const is_flag = parse_bool(value, &flag) || byte;
	bool known = true, supported = is_flag;
	if (strcmp(name, "import_not_null") == 0)
		options->not_null = flag;
	else if (strcmp(name, "import_generated") == 0)
		options->generated = flag;
	else if (strcmp(name, "tinyint1_as_boolean") == 0)
		options->tinyint1_as_boolean = flag;
	else if (strcmp(name, "import_collate") == 0) {
		options->byte_collation = byte;
		supported = byte || (is_flag && !flag);
	} else if (strcmp(name, "import_default") == 0)
		supported = is_flag && !flag;
	else
		known = false;
	if (known && !supported)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("invalid value for option \"%s\": \"%s\"", name, value),
		                errdetail("%s", strcmp(name, "import_collate") == 0 ? "Valid values are byte and off."
		                                : strcmp(name, "import_default") == 0
		                                    ? "Defaults of a client database are never imported: they are expressions "
		                                      "of somebody else, and its server applies them."
		                                    : "Valid values are true and false.")));
	return known;
}

const char *
import_option_names()
{
	return "import_collate, import_default, import_generated, import_not_null, tinyint1_as_boolean";
}

ImportedSchema *
read_remote(const connection::Config &config, const ImportRequest *request)
{
	connection::Opening *const opening = connection::prepare(config);
	connection::Pool &pool = connection::pool();
	ImportedSchema *const schema = bridge::owned<ImportedSchema>(CurrentMemoryContext);
	history::Run run =
		history::start(history::start_on(config, history::Source::fdw, catalog_statement(config.type).data()));

	bridge::Failure failure;
	bool const done = bridge::attempt(failure, [&] {
		connection::Lease const lease(pool, *opening, bridge::waiter());
		remote::RunOptions options;
		options.timeout_ms = opening->statement_timeout_ms;
		options.read_only = true;
		*schema = read_schema(lease.session(), config.type, *request, options, bridge::waiter());
	});
	history::finish_read(run, done, failure, static_cast<int64>(schema->tables.size()));
	if (!done)
		bridge::raise(failure);
	for (size_t i = 0; i < schema->warnings.size(); ++i)
		ereport(WARNING,
		        (errcode(ERRCODE_WARNING), errmsg_internal("%s", bridge::server_text(schema->warnings[i].c_str()))));
	return schema;
}

char *
default_remote_schema(const connection::Config &config)
{
	switch (config.type) {
	case remote::DatabaseType::postgresql: return pstrdup("public");
	case remote::DatabaseType::mysql: return bridge::server_text(config.database); /* there, a schema is a database */
	case remote::DatabaseType::sqlite: break;
	}
	return pstrdup("main");
}

void
set_import_callbacks(FdwRoutine *routine)
{
	routine->ImportForeignSchema = import_foreign_schema;
}

} // namespace tenancy::fdw
