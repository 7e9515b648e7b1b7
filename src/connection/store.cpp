/*
 * tenancy.create_connection, update_connection, delete_connection. PG regime.
 */
#include "connection/draft.pure.hpp"
#include "remote/options.hpp"

#include "bridge/datum.hpp"
#include "bridge/enter.hpp"
#include "bridge/extension.hpp"
#include "bridge/function.hpp"
#include "bridge/owned.hpp"
#include "bridge/param.hpp"
#include "bridge/spi.hpp"
#include "connection/options.hpp"
#include "credential/credential.hpp"
#include "identity/identity.hpp"
#include "settings.hpp"

extern "C" {
#include "utils/array.h"
}

namespace tenancy::connection {

namespace {

namespace spi = bridge::spi;

/* Columns of a stored connection, in the order of the statements below. */
struct Column {
	enum Index {
		id,
		user_id,
		name,
		type,
		host,
		port,
		database,
		username,
		password,
		string,
		key_id,
		options,
		active,
		count
	};
};

spi::Statement insert_connection = {
	"INSERT INTO tenancy.database_connections (id, user_id, name, database_type, host, port, database_name, username,"
	" password_encrypted, connection_string_encrypted, credential_key_id, options, is_active)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
	" ON CONFLICT (user_id, name) WHERE deleted_at IS NULL DO NOTHING",
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID,
     BOOLOID}};

spi::Statement change_connection = {
	"UPDATE tenancy.database_connections SET name = $3, database_type = $4, host = $5, port = $6, database_name = $7,"
	" username = $8, password_encrypted = CASE WHEN $4 <> 'sqlite' THEN coalesce($9, password_encrypted) END,"
	" connection_string_encrypted = $10,"
	" credential_key_id = CASE WHEN $4 <> 'sqlite' THEN coalesce($11, credential_key_id) ELSE $11 END,"
	" options = $12, is_active = $13"
	" WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID,
     BOOLOID}};

spi::Statement lock_connection = {
	"SELECT FROM tenancy.database_connections WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE", {UUIDOID}};

spi::Statement forget_connection = {
	"UPDATE tenancy.database_connections SET deleted_at = now(), is_active = false, password_encrypted = NULL,"
	" connection_string_encrypted = NULL, credential_key_id = NULL, schema_json = NULL"
	" WHERE id = $1 AND deleted_at IS NULL",
	{UUIDOID}};

spi::Statement count_connections = {
	"SELECT count(*) FROM tenancy.database_connections WHERE user_id = $1 AND deleted_at IS NULL", {UUIDOID}};

spi::Statement same_name = {
	"SELECT FROM tenancy.database_connections WHERE user_id = $1 AND name = $2 AND id <> $3 AND deleted_at IS NULL",
	{UUIDOID, TEXTOID, UUIDOID}};

/* The text argument in UTF-8, the encoding in which client databases are told it. */
const char *
utf8_argument(FunctionCallInfo fcinfo, int n)
{
	return bridge::utf8_or_null(bridge::text_argument(fcinfo, n));
}

/* The arguments that both functions share; update_connection has a selector before them. */
struct Arguments {
	Given given;
	char *name;
	Jsonb *options;
};

Arguments
read_arguments(FunctionCallInfo fcinfo, int first)
{
	Arguments arguments{};
	arguments.name = bridge::text_argument(fcinfo, first);
	(void) bridge::utf8_or_null(arguments.name); /* which history has in UTF-8, in the digest of each run */
	arguments.given.database_type = utf8_argument(fcinfo, first + 1);
	arguments.given.host = utf8_argument(fcinfo, first + 2);
	arguments.given.port = PG_ARGISNULL(first + 3) ? 0 : PG_GETARG_INT32(first + 3);
	arguments.given.database_name = utf8_argument(fcinfo, first + 4);
	arguments.given.username = utf8_argument(fcinfo, first + 5);
	arguments.given.password = utf8_argument(fcinfo, first + 6);
	arguments.given.connection_string = utf8_argument(fcinfo, first + 7);
	arguments.options = PG_ARGISNULL(first + 8) ? nullptr : PG_GETARG_JSONB_P(first + 8);
	if (!PG_ARGISNULL(first + 3) && arguments.given.port == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("port 0 is out of range"),
		                errhint("Ports are 1 to 65535.")));
	return arguments;
}

void
add_options(Fields &draft, const Option *given, int count, bool replace)
{
	if (replace)
		draft.options.clear();
	for (int i = 0; i < count; ++i) {
		for (auto const &known : draft.options)
			if (known.first == given[i].key)
				throw core::Error(core::FailureKind::other, "22023", "option \"" + known.first + "\" is given twice",
				                  "It stands in the connection string and in options.");
		draft.options.emplace_back(given[i].key, given[i].value);
	}
}

/* The options as they are stored: those of the argument as they came, those of a connection string as strings. */
Datum
options_datum(const Fields &draft, Jsonb *given, bool from_string)
{
	if (!from_string && given != nullptr)
		return JsonbPGetDatum(given);
	JsonbParseState *state = nullptr;
	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
	for (auto const &[key, value] : draft.options) {
		JsonbValue item;
		item.type = jbvString;
		item.val.string.val = bridge::server_text(key.c_str());
		item.val.string.len = static_cast<int>(strlen(item.val.string.val));
		(void) pushJsonbValue(&state, WJB_KEY, &item);
		item.val.string.val = bridge::server_text(value.c_str());
		item.val.string.len = static_cast<int>(strlen(item.val.string.val));
		(void) pushJsonbValue(&state, WJB_VALUE, &item);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
}

struct Row {
	Datum values[Column::count];
	char nulls[Column::count];

	void set(Column::Index column, Datum value)
	{
		values[column] = value;
		nulls[column] = ' ';
	}
	void set_text(Column::Index column, const char *value)
	{
		if (value != nullptr && value[0] != 0)
			set(column, CStringGetTextDatum(value));
	}
};

/* Fills in what both statements store of a draft; secrets only when they are new. SQLite has no password. */
void
fill_row(Row *row, const Fields &draft, const core::Uuid &user, const core::Uuid &connection,
         const Arguments &arguments)
{
	memset(row->nulls, 'n', sizeof row->nulls);
	row->set(Column::id, bridge::uuid_datum(connection));
	row->set(Column::user_id, bridge::uuid_datum(user));
	row->set_text(Column::type, remote::name_of(draft.type).data());
	row->set_text(Column::host, bridge::server_text(draft.host.c_str()));
	int const port = draft.port != 0 ? draft.port : remote::default_port(draft.type);
	if (port != 0)
		row->set(Column::port, Int32GetDatum(port));
	row->set_text(Column::database, bridge::server_text(draft.database.c_str()));
	row->set_text(Column::username, bridge::server_text(draft.username.c_str()));

	char *key = nullptr;
	bool const new_secret = arguments.given.password != nullptr || arguments.given.connection_string != nullptr;
	if (new_secret && draft.type != remote::DatabaseType::sqlite && !draft.password.empty())
		row->set_text(Column::password,
		              credential::seal(draft.password.c_str(), {user, connection, "password_encrypted"}, &key));
	if (arguments.given.connection_string != nullptr)
		row->set_text(Column::string, credential::seal(arguments.given.connection_string,
		                                               {user, connection, "connection_string_encrypted"}, &key));
	row->set_text(Column::key_id, key);
}

[[noreturn]] void
refuse_duplicate(const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("connection \"%s\" already exists", wanted),
	                errhint("Choose another name, or change it with tenancy.update_connection().")));
}

void
check_name(const char *wanted)
{
	if (wanted == nullptr || wanted[0] == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a connection needs a name")));
	if (pg_mbstrlen(wanted) > 255)
		ereport(ERROR, (errcode(ERRCODE_NAME_TOO_LONG), errmsg("connection names have at most 255 characters")));
	if (is_id(wanted))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a connection cannot be named like an id"),
		                errdetail("Where a connection is meant, a UUID is its id."), errhint("Choose another name.")));
}

void
require_password(const Fields &draft)
{
	if (draft.type != remote::DatabaseType::sqlite && draft.password.empty())
		ereport(ERROR, (errcode(ERRCODE_INVALID_PASSWORD), errmsg("password is required"),
		                errdetail("A client database is reached with a password only, so that the server's own "
		                          "identity is never lent out.")));
}

void
check_count(const core::Uuid &user)
{
	int const most = settings::max_stored_connections_per_user;
	if (most == 0)
		return;
	PreventCommandIfParallelMode("tenancy.create_connection()");
	Datum const values[] = {bridge::uuid_datum(user)};
	if (identity::count_alone(user, identity::Quota::connections, count_connections, values) >= most)
		ereport(ERROR,
		        (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many connections are registered"),
		         errdetail("A user has at most %d.", most), errhint("Delete one with tenancy.delete_connection().")));
}

/* The connection is newer than the transaction's snapshot, so that an UPDATE would not find it. */
[[noreturn]] void
refuse_unseen(const Config &config)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
	                errmsg("connection \"%s\" was made or changed since the transaction began", config.name),
	                errhint("Try again in a new transaction.")));
}

/*
 * The connection as nobody else changes it until the end of the transaction. Of two changes at once the later one has
 * to see what the other left: a password is kept only where the rest of the row still leads to where it was given for.
 */
Config
require_locked(const Selector &selector)
{
	Config const seen = require(selector);
	Datum const values[] = {bridge::uuid_datum(seen.id)};
	spi::Scope const scope = spi::open();
	bool const locked = spi::run(lock_connection, values) == 1;
	spi::close(scope);
	Config const config = require({selector.text, true, seen.id});
	if (!locked)
		refuse_unseen(config);
	return config;
}

/* The draft of a stored connection; its password stays sealed. */
void
load_draft(Fields &draft, const Config &config)
{
	draft.type = config.type;
	draft.host = config.host == nullptr ? "" : config.host;
	draft.port = config.port;
	draft.database = config.database;
	draft.username = config.username == nullptr ? "" : config.username;
	add_options(draft, config.options, config.option_count, true);
}

/* The options argument; options is NULL when it was not given. */
struct GivenOptions {
	Option *options;
	int count;
};

GivenOptions
given_options(const Arguments &arguments)
{
	GivenOptions given{};
	if (arguments.options != nullptr)
		given.options = read_given_options(arguments.options, &given.count);
	return given;
}

/* The stored connection as it is to be, and whether it then leads elsewhere than where its password was given for. */
Fields *
changed_draft(const Config &config, const Arguments &arguments, const GivenOptions &given, bool *elsewhere)
{
	bool const from_string = arguments.given.connection_string != nullptr;
	Fields *const before = bridge::owned<Fields>(CurrentMemoryContext);
	Fields *const draft = bridge::owned<Fields>(CurrentMemoryContext);
	*elsewhere = bridge::enter([&] {
		load_draft(*before, config);
		load_draft(*draft, config);
		overlay(*draft, arguments.given);
		if (given.options != nullptr)
			add_options(*draft, given.options, given.count, !from_string);
		check(*draft);
		if (draft->host != before->host) /* what is not reached any more may still be renamed and deactivated */
			check_address(draft->host, settings::allowed_networks);
		return leads_elsewhere(*before, *draft);
	});
	return draft;
}

void
require_password_again(const Fields &draft)
{
	if (draft.type != remote::DatabaseType::sqlite && draft.password.empty())
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PASSWORD), errmsg("password must be given again"),
		         errdetail("A stored password is never sent to another type, host, port, username or TLS setting "
		                   "than the one that it was given for.")));
}

/* A row names one key: what is kept beside a string that is sealed now is sealed with it. */
void
unseal_kept_password(Fields &draft, const Config &config)
{
	if (draft.type != remote::DatabaseType::sqlite && draft.password.empty() && config.password_encrypted != nullptr)
		credential::open(config.password_encrypted, {config.user, config.id, "password_encrypted"}, draft.password);
}

/* The options as they are stored: what they were, unless options or a connection string were given. */
Datum
changed_options(const Config &config, const Arguments &arguments, const Fields &draft)
{
	bool const from_string = arguments.given.connection_string != nullptr;
	if (arguments.options == nullptr && !from_string)
		return DirectFunctionCall1(jsonb_in, CStringGetDatum(config.options_json));
	return options_datum(draft, arguments.options, from_string);
}

} // namespace

TENANCY_FUNCTION(create_connection)
{
	identity::hide_statement("create_connection");
	core::Uuid const user = identity::require_user();
	bridge::take_turn(bridge::Turn::sealing, RowExclusiveLock);
	Arguments const arguments = read_arguments(fcinfo, 0);
	check_name(arguments.name);
	if (arguments.given.database_type == nullptr && arguments.given.connection_string == nullptr)
		ereport(ERROR,
		        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("database_type or connection_string is required"),
		         errhint("Database types are postgresql, mysql (also for MariaDB) and sqlite.")));

	GivenOptions const given = given_options(arguments);
	Fields *const draft = bridge::owned<Fields>(CurrentMemoryContext);
	bridge::enter([&] {
		overlay(*draft, arguments.given);
		add_options(*draft, given.options, given.count, false);
		check(*draft);
		check_address(draft->host, settings::allowed_networks);
	});
	require_password(*draft);

	core::Uuid const connection = bridge::enter([] { return core::make_uuid_v7(); });
	Row row;
	fill_row(&row, *draft, user, connection, arguments);
	row.set_text(Column::name, arguments.name);
	row.set(Column::options, options_datum(*draft, arguments.options, arguments.given.connection_string != nullptr));
	row.set(Column::active, BoolGetDatum(true));

	spi::Scope const scope = spi::open();
	check_count(user);
	if (spi::run(insert_connection, row.values, row.nulls) == 0)
		refuse_duplicate(arguments.name);
	spi::close(scope);
	PG_RETURN_DATUM(bridge::uuid_datum(connection));
}

TENANCY_FUNCTION(update_connection)
{
	identity::hide_statement("update_connection");
	/* Before any row, or a rotation would wait in a circle. */
	bridge::take_turn(bridge::Turn::sealing, RowExclusiveLock);
	Config const config = require_locked(selector_argument(fcinfo, 0));
	Arguments const arguments = read_arguments(fcinfo, 1);
	char *const new_name = arguments.name != nullptr ? arguments.name : config.name;
	if (arguments.name != nullptr)
		check_name(new_name);

	bool elsewhere;
	Fields *const draft = changed_draft(config, arguments, given_options(arguments), &elsewhere);
	if (arguments.given.password != nullptr)
		require_password(*draft);
	if (elsewhere)
		require_password_again(*draft);
	if (arguments.given.connection_string != nullptr)
		unseal_kept_password(*draft, config);

	Row row;
	fill_row(&row, *draft, config.user, config.id, arguments);
	row.set_text(Column::name, new_name);
	row.set(Column::options, changed_options(config, arguments, *draft));
	row.set(Column::active, BoolGetDatum(PG_ARGISNULL(10) ? config.active : PG_GETARG_BOOL(10)));

	Datum const named[] = {row.values[Column::user_id], row.values[Column::name], row.values[Column::id]};
	spi::Scope const scope = spi::open();
	if (spi::run(same_name, named) > 0)
		refuse_duplicate(new_name); /* of a race, the unique index tells */
	(void) spi::run(change_connection, row.values, row.nulls);
	spi::close(scope);
	PG_RETURN_VOID();
}

TENANCY_FUNCTION(delete_connection)
{
	bridge::take_turn(bridge::Turn::sealing, RowExclusiveLock);
	Config const config = require(selector_argument(fcinfo, 0));
	Datum const values[] = {bridge::uuid_datum(config.id)};
	spi::Scope const scope = spi::open();
	bool const forgotten = spi::run(forget_connection, values) == 1;
	spi::close(scope);
	Config left{};
	if (!forgotten && find(selector_of(config.id), &left)) /* else somebody else has deleted it meanwhile */
		refuse_unseen(left);
	PG_RETURN_VOID();
}

} // namespace tenancy::connection
