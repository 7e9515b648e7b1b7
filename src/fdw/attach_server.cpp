/*
 * What an attachment is asked for: options, tables, and the server that has them. PG regime.
 */
#include "fdw/attach.hpp"

#include "bridge/spi.hpp"
#include "fdw/option.hpp"

extern "C" {
#include "common/hashfn.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/jsonb.h"
}

namespace tenancy::fdw {

namespace {

namespace spi = bridge::spi;

spi::Statement each_option = {"SELECT o.key, o.value FROM jsonb_each_text($1) AS o", {JSONBOID}};

} // namespace

char *
server_name(const core::Uuid &connection, const char *schema)
{
	StringInfoData name;
	initStringInfo(&name);
	appendStringInfoString(&name, "tenant_");
	for (unsigned char const byte : connection.bytes)
		appendStringInfo(&name, "%02x", byte);
	appendStringInfo(&name, "_%08x",
	                 hash_bytes(reinterpret_cast<const unsigned char *>(schema), static_cast<int>(strlen(schema))));
	return name.data;
}

bool
same_text(const char *left, const char *right)
{
	return left == nullptr || right == nullptr ? left == right : strcmp(left, right) == 0;
}

bool
print_options(StringInfo out, List *present, const WantedOption *wanted, int count)
{
	const char *separator = "";
	for (int i = 0; i < count; ++i) {
		const char *const now = option_value(present, wanted[i].name);
		if (same_text(now, wanted[i].value))
			continue;
		if (wanted[i].value == nullptr)
			appendStringInfo(out, "%sDROP %s", separator, quote_identifier(wanted[i].name));
		else
			appendStringInfo(out, "%s%s %s %s", separator, now == nullptr ? "ADD" : "SET",
			                 quote_identifier(wanted[i].name), quote_literal_cstr(wanted[i].value));
		separator = ", ";
	}
	return separator[0] != 0;
}

WantedOption *
split_options(Jsonb *given, Age age, ImportOptions *import, int *count)
{
	MemoryContext const context = CurrentMemoryContext;
	*count = 0;
	if (given == nullptr)
		return nullptr;
	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		                errmsg("options must be a JSON object of names and values")));
	Datum const values[] = {JsonbPGetDatum(given)};
	spi::Scope const scope = spi::open();
	uint64 const rows = spi::run(each_option, values);
	MemoryContext const spi_context = MemoryContextSwitchTo(context);
	auto *const options = static_cast<WantedOption *>(palloc(sizeof(WantedOption) * Max(rows, 1)));
	for (uint64 i = 0; i < rows; ++i) {
		const char *const name = spi::text(i, 1), *const value = spi::text(i, 2);
		if (strcmp(name, "connection") == 0)
			ereport(ERROR,
			        (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("option \"connection\" cannot be given here"),
			         errdetail("The connection is the first argument.")));
		if (value == nullptr && age == Age::fresh)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"%s\" must not be null", name),
			                errhint("Leave it out to have its default.")));
		if (value != nullptr && !set_import_option(import, name, value))
			options[(*count)++] = {name, value};
	}
	MemoryContextSwitchTo(spi_context);
	spi::close(scope);
	return options;
}

ImportRequest *
request_for(const char *remote_schema, ArrayType *tables)
{
	ImportRequest *const request =
		make_request(remote_schema, tables != nullptr ? ImportRequest::Which::listed : ImportRequest::Which::all);
	if (tables == nullptr)
		return request;
	Datum *items;
	bool *nulls;
	int count;
	deconstruct_array(tables, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &count);
	for (int i = 0; i < count; ++i) {
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("names of tables must not be null")));
		add_name(request, TextDatumGetCString(items[i]));
	}
	return request;
}

void
make_server(const char *name, const char *connection, WantedOption *options, int count)
{
	require_own_server(name);
	ForeignServer *const present = GetForeignServerByName(name, true);
	StringInfoData sql;
	initStringInfo(&sql);
	if (present == nullptr) {
		appendStringInfo(&sql, "CREATE SERVER %s FOREIGN DATA WRAPPER tenant_fdw OPTIONS (connection %s",
		                 quote_identifier(name), quote_literal_cstr(connection));
		for (int i = 0; i < count; ++i)
			appendStringInfo(&sql, ", %s %s", quote_identifier(options[i].name), quote_literal_cstr(options[i].value));
		appendStringInfoChar(&sql, ')');
		execute(sql.data);
		return;
	}
	auto *const wanted = static_cast<WantedOption *>(
		palloc(sizeof(WantedOption) * static_cast<Size>(count + list_length(present->options) + 1)));
	int all = 0;
	wanted[all++] = {"connection", connection};
	for (int i = 0; i < count; ++i)
		wanted[all++] = options[i];
	ListCell *cell;
	foreach (cell, present->options) {
		const char *const option = static_cast<DefElem *>(lfirst(cell))->defname;
		bool known = false;
		for (int i = 0; i < all; ++i)
			known = known || strcmp(wanted[i].name, option) == 0;
		if (!known)
			wanted[all++] = {option, nullptr};
	}
	appendStringInfo(&sql, "ALTER SERVER %s OPTIONS (", quote_identifier(name));
	if (print_options(&sql, present->options, wanted, all)) {
		appendStringInfoChar(&sql, ')');
		execute(sql.data);
	}
}

} // namespace tenancy::fdw
