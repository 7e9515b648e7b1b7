/*
 * See option.hpp; and tenancy.tenant_fdw_validator(), which refuses what these functions could not read. PG regime.
 */
#include "fdw/option.hpp"

#include <cmath>

#include "bridge/datum.hpp"
#include "bridge/function.hpp"
#include "connection/connection.hpp"
#include "history/history.hpp"

extern "C" {
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "utils/rel.h"
#include "utils/varlena.h"
}

namespace tenancy::fdw {

namespace {

/* Where an option may stand. */
constexpr int on_server = 1;
constexpr int on_table = 2;
constexpr int on_column = 4;

enum class Kind : uint8 { uuid, count, boolean, cost, name, text };

struct Known {
	const char *name;
	int where;
	Kind kind;
	size_t offset; /* in Options; no matter for names, texts and options of columns */
};

constexpr Known known_options[] = {
	{"connection", on_server, Kind::uuid, offsetof(Options, connection)},
	{"fetch_size", on_server | on_table, Kind::count, offsetof(Options, fetch_size)},
	{"batch_size", on_server | on_table, Kind::count, offsetof(Options, batch_size)},
	{"updatable", on_server | on_table, Kind::boolean, offsetof(Options, updatable)},
	{"truncatable", on_server | on_table, Kind::boolean, offsetof(Options, truncatable)},
	{"upsert", on_table, Kind::boolean, offsetof(Options, upsert)},
	{"async_capable", on_server | on_table, Kind::boolean, offsetof(Options, async_capable)},
	{"keep_connections", on_server, Kind::boolean, offsetof(Options, keep_connections)},
	{"use_remote_estimate", on_server | on_table, Kind::boolean, offsetof(Options, use_remote_estimate)},
	{"trust_remote_collation", on_server, Kind::boolean, offsetof(Options, trust_remote_collation)},
	{"fdw_startup_cost", on_server, Kind::cost, offsetof(Options, startup_cost)},
	{"fdw_tuple_cost", on_server, Kind::cost, offsetof(Options, tuple_cost)},
	{"encoding", on_server | on_table, Kind::name, 0},
	{"schema_name", on_table, Kind::name, 0},
	{"table_name", on_table, Kind::name, 0},
	{"query", on_table, Kind::text, 0},
	{"column_name", on_column, Kind::name, 0},
	{"native_type", on_column, Kind::name, 0},
	{"collation", on_column, Kind::name, 0},
	{"key", on_column, Kind::boolean, 0},
	{"indexed", on_column, Kind::boolean, 0},
	{"generated", on_column, Kind::boolean, 0},
	{"identity", on_column, Kind::boolean, 0},
};

constexpr int most_rows = 1'000'000; /* of one fetch or one batch */

int
place_of(Oid catalog)
{
	switch (catalog) {
	case ForeignServerRelationId: return on_server;
	case ForeignTableRelationId: return on_table;
	case AttributeRelationId: return on_column;
	default: return 0;
	}
}

const Known *
find_known(const char *name, int where)
{
	for (const Known &known : known_options)
		if ((known.where & where) != 0 && strcmp(known.name, name) == 0)
			return &known;
	return nullptr;
}

/* The option that was probably meant, when it is a typing error away; else all that there are. */
const char *
advice(const char *name, int where)
{
	constexpr int most_edits = 3;
	const Known *closest = nullptr;
	int best = most_edits + 1;
	StringInfoData list;
	initStringInfo(&list);
	for (const Known &known : known_options) {
		if ((known.where & where) == 0)
			continue;
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", known.name);
		int const length = static_cast<int>(strlen(name));
		if (length > NAMEDATALEN)
			continue; /* more than the distance is computed for */
		int const edits = varstr_levenshtein_less_equal(name, length, known.name, static_cast<int>(strlen(known.name)),
		                                                1, 1, 1, most_edits, true);
		if (edits < best && edits < static_cast<int>(strlen(known.name)) / 2) {
			best = edits;
			closest = &known;
		}
	}
	if (closest != nullptr)
		return psprintf("Perhaps you meant the option \"%s\".", closest->name);
	return psprintf("Valid options here are: %s.", list.data);
}

[[noreturn]] void
refuse_name(const char *name, Oid catalog)
{
	int const where = place_of(catalog);
	if (catalog == UserMappingRelationId)
		ereport(ERROR,
		        (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
		         errdetail("User mappings of tenant_fdw have no options."),
		         errhint("None is needed: the credential of the connection is used, for the identity of the moment.")));
	if (where == 0)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
		                errdetail("The wrapper tenant_fdw has no options."),
		                errhint("Options belong to servers, foreign tables and their columns.")));
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
	                errhint("%s", advice(name, where))));
}

[[noreturn]] void
refuse_value(const char *name, const char *value, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
	                errmsg("invalid value for option \"%s\": \"%s\"", name, value), errdetail("%s", detail)));
}

void
read_uuid(const char *name, const char *value, core::Uuid *uuid)
{
	bool canonical = strlen(value) == 36;
	for (int i = 0; canonical && i < 36; ++i) {
		bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
		canonical = dash ? value[i] == '-' : strchr("0123456789abcdef", value[i]) != nullptr;
	}
	if (!canonical)
		refuse_value(name, value,
		             "The id of a connection is 32 lower-case hexadecimal digits in groups of 8-4-4-4-12, "
		             "as tenancy.connections() shows it.");
	*uuid = bridge::uuid_value(DirectFunctionCall1(uuid_in, CStringGetDatum(value)));
}

/* Takes only digits, so that nothing depends on strtol's ideas. */
int
read_count(const char *name, const char *value)
{
	size_t const length = strlen(value);
	int const number = length > 0 && length <= 7 && strspn(value, "0123456789") == length ? atoi(value) : 0;
	if (number < 1 || number > most_rows)
		refuse_value(name, value, psprintf("Valid values are integers from 1 to %d.", most_rows));
	return number;
}

bool
read_boolean(const char *name, const char *value)
{
	bool result;
	if (!parse_bool(value, &result))
		refuse_value(name, value, "Valid values are true and false.");
	return result;
}

double
read_cost(const char *name, const char *value)
{
	double cost;
	if (!parse_real(value, &cost, 0, nullptr) || !std::isfinite(cost) || cost < 0)
		refuse_value(name, value, "Valid values are numbers of zero or more.");
	return cost;
}

/* Reads a value into its field of options, or only checks it when options is NULL. */
void
read_option(const Known &known, const char *value, Options *options)
{
	Options unused;
	char *const field = reinterpret_cast<char *>(options != nullptr ? options : &unused) + known.offset;
	switch (known.kind) {
	case Kind::uuid: read_uuid(known.name, value, reinterpret_cast<core::Uuid *>(field)); break;
	case Kind::count: *reinterpret_cast<int *>(field) = read_count(known.name, value); break;
	case Kind::boolean: {
		bool const flag = read_boolean(known.name, value);
		if ((known.where & on_column) == 0)
			*reinterpret_cast<bool *>(field) = flag;
		break;
	}
	case Kind::cost: *reinterpret_cast<double *>(field) = read_cost(known.name, value); break;
	case Kind::text:
		if (strspn(value, " \t\r\n") == strlen(value))
			refuse_value(known.name, value, "It must be a statement of the client database that returns rows.");
		break;
	case Kind::name: break; /* any name exists somewhere, even the empty one */
	}
}

/* Applies those of options that have a field in Options. */
void
apply(List *options, int where, Options *into)
{
	ListCell *cell;
	foreach (cell, options) {
		auto *const element = static_cast<DefElem *>(lfirst(cell));
		const Known *const known = find_known(element->defname, where);
		if (known != nullptr && known->kind != Kind::name && known->kind != Kind::text)
			read_option(*known, defGetString(element), into);
	}
}

void
check_together(List *options, Oid catalog)
{
	if (catalog == ForeignServerRelationId && option_value(options, "connection") == nullptr)
		ereport(ERROR,
		        (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND), errmsg("option \"connection\" is required"),
		         errhint("Give the id of a connection: OPTIONS (connection '…'). tenancy.connections() lists them.")));
	if (catalog != ForeignTableRelationId || option_value(options, "query") == nullptr)
		return;
	for (const char *const other : {"schema_name", "table_name"})
		if (option_value(options, other) != nullptr)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			                errmsg("options \"query\" and \"%s\" exclude each other", other),
			                errdetail("A foreign table stands for a remote table or for a remote query.")));
}

/*
 * Plans are made without asking whose a connection is, and show of what type its database is: so nobody names one that
 * is not theirs. What superusers make, and what attach() has them make, is theirs to give.
 */
void
require_nameable(List *options)
{
	if (superuser())
		return;
	connection::Selector selector{option_value(options, "connection"), true, {}};
	read_uuid("connection", selector.text, &selector.id);
	(void) history::require_connection(selector, history::Source::fdw);
}

Column
load_column(Oid relation, Form_pg_attribute attribute)
{
	Column column{};
	column.dropped = attribute->attisdropped;
	if (column.dropped)
		return column;
	List *const options = GetForeignColumnOptions(relation, attribute->attnum);
	const char *const name = option_value(options, "column_name");
	column.name = name != nullptr ? name : pstrdup(NameStr(attribute->attname));
	column.type = attribute->atttypid;
	column.typmod = attribute->atttypmod;
	column.collation = attribute->attcollation;
	column.native_type = option_value(options, "native_type");
	column.remote_collation = option_value(options, "collation");
	column.not_null = attribute->attnotnull;
	column.is_virtual = attribute->attgenerated == compat::generated_virtual;
	column.key = !column.is_virtual && column_flag(options, "key");
	column.indexed = column_flag(options, "indexed");
	column.generated = attribute->attgenerated != 0 || column_flag(options, "generated");
	column.identity = column_flag(options, "identity");
	return column;
}

/* Is the table's encoding UTF8? Its own option counts, then that of its server. */
bool
is_utf8(const ForeignTable *table)
{
	const char *encoding = option_value(table->options, "encoding");
	if (encoding == nullptr)
		encoding = option_value(GetForeignServer(table->serverid)->options, "encoding");
	return encoding != nullptr && pg_strcasecmp(encoding, "UTF8") == 0;
}

} // namespace

const char *
option_value(List *options, const char *name)
{
	ListCell *cell;
	foreach (cell, options) {
		auto *const element = static_cast<DefElem *>(lfirst(cell));
		if (strcmp(element->defname, name) == 0)
			return defGetString(element);
	}
	return nullptr;
}

bool
column_flag(List *options, const char *name)
{
	const char *const value = option_value(options, name);
	return value != nullptr && read_boolean(name, value);
}

TENANCY_FUNCTION(tenant_fdw_validator)
{
	List *const options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid const catalog = PG_GETARG_OID(1);
	int const where = place_of(catalog);
	ListCell *cell;
	foreach (cell, options) {
		auto *const element = static_cast<DefElem *>(lfirst(cell));
		const Known *const known = find_known(element->defname, where);
		if (known == nullptr)
			refuse_name(element->defname, catalog);
		read_option(*known, defGetString(element), nullptr);
	}
	check_together(options, catalog);
	if (catalog == ForeignServerRelationId)
		require_nameable(options);
	PG_RETURN_VOID();
}

Options
server_options(Oid server)
{
	ForeignServer *const foreign = GetForeignServer(server);
	if (option_value(foreign->options, "connection") == nullptr)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		                errmsg("server \"%s\" does not say which connection it uses", foreign->servername),
		                errhint("ALTER SERVER … OPTIONS (ADD connection '…') with the id of a connection.")));
	Options options;
	apply(foreign->options, on_server, &options);
	return options;
}

Table *
load_table(Oid relation)
{
	ForeignTable *const foreign = GetForeignTable(relation);
	auto *const table = static_cast<Table *>(palloc0(sizeof(Table)));
	table->relation = relation;
	table->server = foreign->serverid;
	table->options = server_options(foreign->serverid);
	apply(foreign->options, on_table, &table->options);
	table->is_utf8 = is_utf8(foreign);
	table->query = option_value(foreign->options, "query");
	table->schema_name = option_value(foreign->options, "schema_name");
	table->table_name = option_value(foreign->options, "table_name");

	Relation const rel = table_open(relation, NoLock);
	TupleDesc const descriptor = RelationGetDescr(rel);
	if (table->table_name == nullptr && table->query == nullptr)
		table->table_name = pstrdup(RelationGetRelationName(rel));
	if (table->query != nullptr)
		table->options.updatable = table->options.truncatable = false;
	table->width = descriptor->natts;
	table->columns = static_cast<Column *>(palloc0(sizeof(Column) * static_cast<Size>(Max(table->width, 1))));
	for (int i = 0; i < table->width; ++i)
		table->columns[i] = load_column(relation, TupleDescAttr(descriptor, i));
	table_close(rel, NoLock);
	return table;
}

} // namespace tenancy::fdw
